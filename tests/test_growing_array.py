"""Rows that take long are kept when a process is stopped."""

import numpy as np
import pytest

from labelscan import growing_array
from labelscan.growing_array import GrowingArray, forget

ROWS = np.arange(24, dtype=np.float32).reshape(8, 3)


def test_rows_that_were_saved_are_taken_over(tmp_path):
    path = tmp_path / "features.npy"
    first = GrowingArray(path, 8)
    first.add(ROWS[:4])
    first.save()
    first.add(ROWS[4:6])  # and is killed
    assert not path.exists()
    second = GrowingArray(path, 8)
    assert second.done == 4
    second.add(ROWS[4:])
    second.finish()
    np.testing.assert_array_equal(np.load(path), ROWS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["features.npy"]


def test_rows_are_saved_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(growing_array, "SAVE_SECONDS", 0.0)
    GrowingArray(tmp_path / "features.npy", 8).add(ROWS[:2])
    assert GrowingArray(tmp_path / "features.npy", 8).done == 2


@pytest.mark.parametrize("damage", ["rows", "count", "none"])
def test_what_cannot_be_used_is_made_anew(tmp_path, damage):
    path = tmp_path / "features.npy"
    first = GrowingArray(path, 8)
    first.add(ROWS[:4])
    first.save()
    if damage == "rows":
        (tmp_path / "features.unfinished").write_bytes(b"\x93NUMPY")
    if damage == "count":
        (tmp_path / "features.rows").write_text("")
    second = GrowingArray(path, 8 if damage != "none" else 9)
    assert second.done == 0


def test_rows_of_other_images_are_forgotten(tmp_path):
    path = tmp_path / "features.npy"
    first = GrowingArray(path, 8)
    first.add(ROWS[:4])
    first.save()
    path.write_bytes(b"of an earlier run")
    forget(path)
    assert not list(tmp_path.iterdir())
