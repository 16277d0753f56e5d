"""Jobs as tasks of a Ray cluster of several nodes, all of them on this machine."""

import dataclasses
import logging
import os
import platform
import signal
import threading
import time

import numpy as np
import pytest
from refusals import refuses
from tiny_detect import N_FOLDS, contents

from labelscan.__main__ import main
from labelscan.errors import ConfigError, Interrupted, RunError
from labelscan.events import EpochDone, FoldDone
from labelscan.jobs.executors.ray import _got
from labelscan.jobs.sent_files import file_here, send
from labelscan.runs.status import status_of

pytestmark = pytest.mark.ray
IN_PARTS = {"store.images_per_part": 60, "cache.folder": "none"}


@pytest.fixture(scope="module")
def cluster():
    """Return a cluster of three nodes with one CPU each, the first of which is its head."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # else tests beside these leave workers no time
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        for _ in range(2):
            made.add_node(num_cpus=1)
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def connected(cluster):
    """Return the cluster, to which this process stays connected: its workers have loaded torch only once."""
    import ray

    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    yield cluster
    ray.shutdown()


def on(cluster):
    return {**IN_PARTS, "executor.name": f"ray:address={cluster.address}"}


def test_a_cluster_that_does_not_answer_is_named(detect, tmp_path):
    with refuses(ConfigError, "no-cluster"):
        detect(tmp_path / "run", {"executor.name": "ray:address=127.0.0.1:1"})


def test_a_node_that_is_removed_and_one_that_is_added_change_no_byte(cluster, detect, finished, tmp_path):
    received = []

    def listen(event):
        received.append(event)
        if isinstance(event, EpochDone) and event.epoch == 1 and not any(isinstance(one, str) for one in received):
            received.append("a node is lost")
            cluster.remove_node(sorted(cluster.worker_nodes, key=lambda node: node.unique_id)[0], allow_graceful=False)
            cluster.add_node(num_cpus=1)

    run = detect(tmp_path / "run", on(cluster), notify=listen)
    assert "a node is lost" in received
    assert contents(run.folder) == contents(finished.folder)
    assert sorted(event.fold for event in received if isinstance(event, FoldDone)) == list(range(N_FOLDS))
    assert {event.epoch for event in received if isinstance(event, EpochDone)} == set(range(1, 7)), "epochs are shown"


def test_an_interrupted_run_lets_its_tasks_keep_what_they_have_done(connected, detect, finished, tmp_path):

    def stop(event):
        if isinstance(event, EpochDone) and event.epoch == 2:
            raise Interrupted("interrupted", "by the test")

    with refuses(Interrupted, "interrupted"):
        detect(tmp_path / "run", on(connected), notify=stop)
    assert status_of(tmp_path / "run").count("running") == 0, "no task goes on"
    run = detect(tmp_path / "run", on(connected))
    assert contents(run.folder) == contents(finished.folder)


def test_a_node_that_does_not_see_a_file_of_the_driver_gets_a_copy(connected, tmp_path):
    import ray

    (tmp_path / "rows.npy").write_bytes(bytes(range(256)))
    unseen = dataclasses.replace(send(tmp_path / "rows.npy", ray.put), path=tmp_path / "elsewhere" / "rows.npy")
    there = ray.remote(runtime_env={"env_vars": {"TMPDIR": str(tmp_path)}})(file_here)
    copy = ray.get(there.remote(unseen, _got))
    assert copy.parent.parent == tmp_path
    assert copy.read_bytes() == (tmp_path / "rows.npy").read_bytes()


def test_a_signal_shuts_the_command_down_gracefully(cluster, shapes, tmp_path, capsys):
    images, _, given = shapes
    np.savez(tmp_path / "arrays.npz", images=images, labels=given)
    run = tmp_path / "run"

    def stop_when_it_trains():
        while not any('"epoch"' in log.read_text() for log in run.glob("fold-*/log.jsonl")):
            time.sleep(0.05)  # an interruption while a worker imports torch may get lost in there
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_when_it_trains, daemon=True).start()
    command = ["detect", str(tmp_path / "arrays.npz"), "--model", "small-cnn", "--folds", "3", "--epochs", "2000"]
    assert main([*command, "--executor", f"ray:address={cluster.address}", "-o", str(run)]) == 130
    assert "stopped by SIGTERM" in capsys.readouterr().err
    assert status_of(run).state == "interrupted"
    assert status_of(run).count("running") == 0


def test_an_error_in_a_task_is_raised_as_it_is(connected, detect, tmp_path):
    class Fails:
        def fit(self, x, y):
            raise ValueError("no such luck")

        def predict_proba(self, x): ...

    with refuses(RunError, "job-failed"):
        detect(tmp_path / "run", on(connected), model=Fails())


@pytest.mark.parametrize("name", ["torch.__version__", "labelscan.jobs.executors.ray.__version__"])
def test_a_node_with_another_version_than_the_driver_runs_nothing(connected, detect, tmp_path, monkeypatch, name):
    monkeypatch.setattr(name, "0.0")  # of the driver: tasks run elsewhere
    with pytest.raises(RunError, match=rf"is .* on {platform.node()}, and 0\.0 where the run was started"):
        detect(tmp_path / "run", on(connected))
    assert not list((tmp_path / "run").rglob("DONE*"))
    assert not list((tmp_path / "run").glob("*/log.jsonl"))
