"""Rows that take long are kept when a process is stopped."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from labelscan.data import growing_array
from labelscan.data.growing_array import GrowingArray, forget
from labelscan.errors import DiskError

ROWS = np.arange(24, dtype=np.float32).reshape(8, 3)


def begin(path, *blocks):
    """Write rows and be interrupted."""
    with GrowingArray(path, 8) as rows:
        for block in blocks:
            rows.add(block)


def test_rows_that_were_saved_are_taken_over(tmp_path):
    path = tmp_path / "features.npy"
    begin(path, ROWS[:4])
    with (tmp_path / "features.unfinished").open("ab") as file:
        file.write(ROWS[4:6].tobytes())  # written, but the process was killed before it was written down
    assert not path.exists()
    with GrowingArray(path, 8) as second:
        assert second.done == 4
        second.add(ROWS[4:])
    np.testing.assert_array_equal(np.load(path), ROWS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["features.npy"]


def test_rows_are_saved_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(growing_array, "SAVE_SECONDS", 0.0)
    with GrowingArray(tmp_path / "features.npy", 8) as rows:
        rows.add(ROWS[:2])
        assert (tmp_path / "features.rows").read_text() == "2"


@pytest.mark.parametrize("damage", ["rows", "cut", "count", "other"])
def test_what_cannot_be_used_is_made_anew(tmp_path, damage):
    path, unfinished = tmp_path / "features.npy", tmp_path / "features.unfinished"
    begin(path, ROWS[:4])
    if damage == "rows":
        unfinished.write_bytes(b"\x93NUMPY")
    if damage == "cut":
        unfinished.write_bytes(unfinished.read_bytes()[:-1])
    if damage == "count":
        (tmp_path / "features.rows").write_text("")
    with GrowingArray(path, 8 if damage != "other" else 9) as second:
        assert second.done == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_no_crash(tmp_path):
    (tmp_path / "features.unfinished").symlink_to("/dev/full")
    with pytest.raises(DiskError, match="no space is left"), GrowingArray(tmp_path / "features.npy", 8) as rows:
        rows.add(ROWS)


def test_rows_of_other_images_are_forgotten(tmp_path):
    path = tmp_path / "features.npy"
    begin(path, ROWS[:4])
    path.write_bytes(b"of an earlier run")
    forget(path)
    assert not list(tmp_path.iterdir())


@contextmanager
def files_of_at_most(n_bytes):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_keeps_what_was_saved(tmp_path):
    path, rows = tmp_path / "features.npy", np.arange(40_000, dtype=np.float32).reshape(10, 4000)
    with GrowingArray(path, 10) as array:
        array.add(rows[:4])
    with files_of_at_most(100_000), pytest.raises(DiskError, match="too large"), GrowingArray(path, 10) as array:
        array.add(rows[4:])
    with GrowingArray(path, 10) as array:
        assert array.done == 4
        array.add(rows[4:])
    np.testing.assert_array_equal(np.load(path), rows)
