"""A limit of time that is shorter than a fold, again and again: the run gets on, and nothing is trained twice."""

import numpy as np
import pytest
from cut_off import ENDED, Attempts, contents, epochs_trained_twice
from shapes import draw_shapes

pytestmark = pytest.mark.torture
INTERRUPTED = 130


@pytest.mark.parametrize("processes", [1, 2])
def test_with_a_limit_shorter_than_a_fold_a_run_ends_and_trains_no_epoch_twice(
    processes, tmp_path, monkeypatch, capsys
):
    images, labels = draw_shapes(3000)
    np.savez(tmp_path / "arrays.npz", images=images, labels=labels)
    monkeypatch.chdir(tmp_path)
    arguments = ["detect", "arrays.npz", "--model", "small-cnn", "--folds", "3", "--epochs", "40"]
    arguments += ["--set", "executor.threads=1", "--set", f"executor.processes={processes}"]
    assert Attempts([*arguments, "-o", "whole"], tmp_path / "log").run() == ENDED
    attempts = Attempts([*arguments, "-o", "cut", "--max-time", "3s"], tmp_path / "log", keep_every_epoch=False)
    for _ in range(20):
        if attempts.run() == ENDED:
            break
    rounds = len(attempts.codes)
    attempts.arguments = [*arguments, "-o", "cut"]
    attempts.run()
    with capsys.disabled():
        print(f"\n--max-time 3s, {processes} processes: {rounds} rounds")
    assert rounds >= 8
    assert set(attempts.codes[:rounds]) <= {INTERRUPTED, ENDED}
    assert epochs_trained_twice(tmp_path / "cut") == 0
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
