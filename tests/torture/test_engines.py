"""Drivers on a Ray cluster killed at random moments: the end has the bytes of an undisturbed run, nothing is left."""

import random
import time

import numpy as np
import psutil
import pytest
from cut_off import ENDED, Attempts, contents, epochs_trained_twice
from shapes import draw_shapes

pytestmark = pytest.mark.torture
N_KILLS, N_FOLDS = 20, 3


@pytest.fixture
def cluster():
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def test_a_driver_on_ray_killed_at_random_moments_ends_with_the_same_bytes(cluster, tmp_path, monkeypatch, capsys):
    images, labels = draw_shapes(900)
    np.savez(tmp_path / "arrays.npz", images=images, labels=labels)
    monkeypatch.chdir(tmp_path)
    command = ["detect", "arrays.npz", "--model", "small-cnn", "--folds", str(N_FOLDS), "--epochs", "600"]
    command += ["--set", "executor.threads=1", "--cache", "none"]
    assert Attempts([*command, "-o", "whole"], tmp_path / "log").run() == ENDED
    attempts = Attempts([*command, "--executor", f"ray:address={cluster.address}", "-o", "cut"], tmp_path / "log")
    draw, kills = random.Random(0), 0
    while kills < N_KILLS and attempts.run(draw.uniform(3.5, 9.0)) != ENDED:
        kills += 1
    if attempts.codes[-1] != ENDED:
        assert attempts.run() == ENDED
    twice = epochs_trained_twice(tmp_path / "cut")
    with capsys.disabled():
        print(f"\nray: {kills} kills, {twice} epochs trained twice")  # tasks keep those of seconds, not each
    assert kills >= N_KILLS // 2, "it must be killed to be tested"
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    deadline = time.monotonic() + 60
    while left := [one for one in psutil.process_iter(["name"]) if "_run_there" in one.info["name"]]:
        assert time.monotonic() < deadline, left
        time.sleep(1.0)
