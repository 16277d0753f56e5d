"""Jobs as tasks of a Ray cluster of several nodes, all of them on this machine."""

import dataclasses
import json
import os
import platform
import signal
import tempfile
import threading
import time

import numpy as np
import pytest
import torch
from refusals import refuses
from tiny_detect import N_FOLDS, contents

import labelscan
from labelscan.__main__ import main
from labelscan.errors import ConfigError, RunError
from labelscan.events import EpochDone, FoldDone
from labelscan.jobs.executors.ray import _cluster, _got, _versions
from labelscan.jobs.sent_files import file_here, send
from labelscan.processes.interruption import SIGNALS
from labelscan.runs.status import status_of

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def cluster():
    """Return a cluster, so far of one node with one CPU, to which this process stays connected.

    So its workers load torch only once.
    """
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # else tests beside these leave workers no time
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        handlers = [signal.getsignal(number) for number in SIGNALS]
        with _cluster(made.address):
            assert [signal.getsignal(number) for number in SIGNALS] == handlers
            yield made
        made.shutdown()


def on(cluster, **changes):
    return {**changes, "executor.name": f"ray:address={cluster.address}"}


def test_a_cluster_that_does_not_answer_is_named(detect, tmp_path):
    with refuses(ConfigError, "no-cluster"):
        detect(tmp_path / "run", {"executor.name": "ray:address=127.0.0.1:1"})


def test_a_signal_shuts_the_command_down_gracefully_and_tasks_keep_what_they_have_done(
    cluster, shapes, tmp_path, capsys
):
    images, _, given = shapes
    np.savez(tmp_path / "arrays.npz", images=images, labels=given)
    run = tmp_path / "run"

    def epochs():
        lines = "".join(log.read_text() for log in run.glob("fold-*/log.jsonl")).splitlines()
        return [epoch for line in lines if (epoch := json.loads(line).get("epoch"))]

    def stop_when_it_trains(n_before):
        while len(epochs()) <= n_before:
            time.sleep(0.05)  # an interruption while a worker imports torch may get lost in there
        os.kill(os.getpid(), signal.SIGTERM)

    command = ["detect", str(tmp_path / "arrays.npz"), "--model", "small-cnn", "--folds", "3", "--epochs", "2000"]
    for _ in range(2):
        before = epochs()
        threading.Thread(target=stop_when_it_trains, args=[len(before)], daemon=True).start()
        assert main([*command, "--executor", f"ray:address={cluster.address}", "-o", str(run)]) == 130
        assert "stopped by SIGTERM" in capsys.readouterr().err
        assert status_of(run).state == "interrupted"
        assert status_of(run).count("running") == 0
    assert epochs() == list(range(1, len(epochs()) + 1)), "none is trained twice"


def test_a_node_that_is_lost_changes_no_byte(cluster, detect, finished, tmp_path):
    received, lost = [], cluster.add_node(num_cpus=1)

    def listen(event):
        if isinstance(event, EpochDone) and not any(isinstance(one, EpochDone) for one in received):
            cluster.remove_node(lost, allow_graceful=False)
        received.append(event)

    in_parts = {"store.images_per_part": 60, "cache.folder": "none"}
    run = detect(tmp_path / "run", on(cluster, **in_parts), notify=listen)
    assert contents(run.folder) == contents(finished.folder)
    assert sorted(event.fold for event in received if isinstance(event, FoldDone)) == list(range(N_FOLDS))
    assert {event.epoch for event in received if isinstance(event, EpochDone)} == set(range(1, 7)), "epochs are shown"


def test_a_node_that_does_not_see_a_file_of_the_driver_gets_a_copy(cluster, tmp_path):
    import ray

    def copy_in(folder, unseen):
        tempfile.tempdir = folder
        try:
            return file_here(unseen, _got)
        finally:
            tempfile.tempdir = None

    (tmp_path / "rows.npy").write_bytes(bytes(range(256)))
    unseen = dataclasses.replace(send(tmp_path / "rows.npy", ray.put), path=tmp_path / "elsewhere" / "rows.npy")
    copy = ray.get(ray.remote(copy_in).remote(str(tmp_path), unseen))
    assert copy.parent.parent == tmp_path
    assert copy.read_bytes() == (tmp_path / "rows.npy").read_bytes()


def test_an_error_in_a_task_is_raised_as_it_is(cluster, detect, tmp_path):
    class Fails:
        def fit(self, x, y):
            raise ValueError("no such luck")

        def predict_proba(self, x): ...

    with refuses(RunError, "job-failed"):
        detect(tmp_path / "run", on(cluster), model=Fails())


def test_a_node_with_another_version_than_the_driver_runs_nothing(cluster, detect, tmp_path, monkeypatch):
    assert _versions() == {"labelscan": labelscan.__version__, "torch": torch.__version__}
    monkeypatch.setattr("torch.__version__", "0.0")  # of the driver: tasks run elsewhere
    with pytest.raises(RunError, match=rf"torch is .* on {platform.node()}, and 0\.0 where the run was started"):
        detect(tmp_path / "run", on(cluster))
    assert not list((tmp_path / "run").rglob("DONE*"))
    assert not list((tmp_path / "run").glob("*/log.jsonl"))
