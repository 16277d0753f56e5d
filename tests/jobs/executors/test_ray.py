"""What the executor for Ray refuses before it needs a cluster; end_to_end/test_ray.py starts one."""

import pytest
from refusals import refuses

from labelscan.errors import ConfigError
from labelscan.events import ignore
from labelscan.jobs.executors import EXECUTORS
from labelscan.jobs.executors.ray import RayExecutor
from labelscan.jobs.fold_job import FoldJob
from labelscan.jobs.outputs import Driver


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("cpus=0", "out-of-range"),
        ("gpus_per_fold=0", "out-of-range"),
        ("address=ray://127.0.0.1:10001", "wrong-option"),
    ],
)
def test_options_that_cannot_be_are_refused(option, code):
    with refuses(ConfigError, code, f"executor ray, option {option.partition('=')[0]}"):
        EXECUTORS.build(f"ray:{option}")


def test_whoever_is_connected_by_ray_client_is_refused(monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray.util.client.ray, "is_connected", lambda: True)
    with refuses(ConfigError, "ray-client"):
        RayExecutor().run([FoldJob.__new__(FoldJob)], Driver({}, None, None, ignore))
