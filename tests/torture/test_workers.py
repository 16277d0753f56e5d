"""Six workers over one run, killed twenty times: the results are those of one process, no shard is finished twice."""

import time

import numpy as np
import pytest
from crowd import Crowd
from cut_off import ENDED, Attempts, contents
from shapes import draw_shapes

from labelscan.__main__ import main

pytestmark = pytest.mark.torture


def test_six_workers_that_are_killed_twenty_times_leave_the_same_bytes(tmp_path, capsys):
    images, labels = draw_shapes(3000)
    np.savez(tmp_path / "arrays.npz", images=images, labels=labels)
    arguments = ["detect", str(tmp_path / "arrays.npz"), "--repeats", "3", "--epochs", "48"]
    arguments += ["--set", "executor.threads=1", "--set", "executor.processes=1", "--set", "store.images_per_part=500"]
    assert Attempts([*arguments, "-o", str(tmp_path / "whole")], tmp_path / "log").run() == ENDED
    started = time.monotonic()
    crowd = Crowd(arguments, tmp_path / "run", n_workers=6, n_kills=20, seconds=10.0)
    crowd.work()
    with capsys.disabled():
        print(f"\n{crowd.n_killed} kills, {len(crowd.marks)} shards, {time.monotonic() - started:.0f} s")
    assert crowd.all_ended
    assert crowd.n_killed >= 15
    assert all(len(files) == 1 for files in crowd.marks.values())
    assert main([*arguments, "-o", str(tmp_path / "run"), "--merge", "-q"]) == 0
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
