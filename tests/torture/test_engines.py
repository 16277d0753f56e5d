"""Drivers on a Ray cluster killed at random moments: the end has the bytes of an undisturbed run, nothing is left."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import psutil
import pytest
from cut_off import ENDED, Attempts, contents, epochs_trained, epochs_trained_twice, most_repeated_at_once
from shapes import draw_shapes

pytestmark = pytest.mark.torture
N_KILLS, N_FOLDS, N_EPOCHS = 20, 3, 600
GONE_SECONDS = 60.0
"""How long what a killed driver has started may go on."""


@pytest.fixture
def cluster():
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def processes_of_runs():
    """Return the processes of this test's cluster, and no other's, that run a task or keep checkpoints."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, IndexError):
            if process.cmdline()[0].startswith(("ray::_run_there", "ray::_Keeper")):
                found.append(process)
    return found


def seconds_until_gone(processes):
    started = time.monotonic()
    _, left = psutil.wait_procs(processes, timeout=GONE_SECONDS)
    assert not left
    return time.monotonic() - started


def test_a_driver_on_ray_killed_at_random_moments_ends_with_the_same_bytes(cluster, tmp_path, monkeypatch, capsys):
    images, labels = draw_shapes(900)
    np.savez(tmp_path / "arrays.npz", images=images, labels=labels)
    monkeypatch.chdir(tmp_path)
    command = ["detect", "arrays.npz", "--model", "small-cnn", "--folds", str(N_FOLDS), "--epochs", str(N_EPOCHS)]
    command += ["--set", "executor.threads=1", "--cache", "none"]
    assert Attempts([*command, "-o", "whole"], tmp_path / "log").run() == ENDED
    attempts = Attempts([*command, "--executor", f"ray:address={cluster.address}", "-o", "cut"], tmp_path / "log")
    draw, waits = random.Random(0), []
    with ThreadPoolExecutor() as beside:  # the next attempt starts at once, as under a supervisor
        while len(waits) < N_KILLS:
            before, running = epochs_trained(tmp_path / "cut"), []

            def trains(before=before, running=running):
                running[:] = processes_of_runs()
                return epochs_trained(tmp_path / "cut") > before

            if attempts.run(draw.uniform(0.0, 3.0), once=trains) == ENDED:
                break
            assert len(running) >= 2, "the actor, and a task at least"
            waits.append(beside.submit(seconds_until_gone, running))
    if attempts.codes[-1] != ENDED:
        assert attempts.run() == ENDED
    gone = max(wait.result() for wait in waits)
    twice, at_once = epochs_trained_twice(tmp_path / "cut"), most_repeated_at_once(tmp_path / "cut")
    with capsys.disabled():
        print(f"\nray: {len(waits)} kills while tasks trained, all of which were gone after {gone:.1f} s")
        print(f"{twice} epochs trained twice, at most {at_once} of a fold at once")
    assert len(waits) >= N_KILLS // 2, "it must be killed to be tested"
    assert at_once <= 1, "a kill costs each fold one epoch at most"
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert seconds_until_gone(processes_of_runs()) < GONE_SECONDS
