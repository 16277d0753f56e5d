"""An array on disk that is filled row by row, and goes on from its last saved rows when the process was killed.

For what takes long to compute and is cheap to keep: the features of a frozen backbone.
"""

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.atomic import replacing

SAVE_SECONDS = 20.0
"""How much is lost at most where a process is killed."""


class GrowingArray:
    """(N, D) float32 at ``path``, which is there only when all N rows are."""

    def __init__(self, path: Path, n_rows: int) -> None:
        self.path = path
        self.n_rows = n_rows
        self._partial, self._count = _leftovers(path)
        self._rows: NDArray[np.float32] | None = None
        self._saved = time.monotonic()
        self.done = self._take_up()
        """Rows that are there."""

    def add(self, block: NDArray[np.float32]) -> None:
        """Put the next (B, D) rows; now and then all are saved."""
        if self._rows is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            shape = (self.n_rows, block.shape[1])
            self._rows = np.lib.format.open_memmap(self._partial, mode="w+", dtype="<f4", shape=shape)
        self._rows[self.done : self.done + len(block)] = block
        self.done += len(block)
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Make sure that the rows are on disk, and only then write down how many they are."""
        if self._rows is None:
            return
        self._write_out()
        with replacing(self._count) as file:
            file.write(str(self.done))
        self._saved = time.monotonic()

    def finish(self) -> None:
        """Give the whole array its place."""
        assert self.done == self.n_rows
        self._write_out()
        self._rows = None  # some systems do not rename a file that is mapped
        self._partial.replace(self.path)
        self._count.unlink(missing_ok=True)

    def _write_out(self) -> None:
        assert isinstance(self._rows, np.memmap)
        self._rows.flush()
        with self._partial.open("rb+") as file:
            os.fsync(file.fileno())

    def _take_up(self) -> int:
        try:
            done = int(self._count.read_text(encoding="utf-8"))
            rows = np.load(self._partial, mmap_mode="r+", allow_pickle=False)
        except (OSError, ValueError):
            return 0  # nothing there, or not to be used
        if rows.ndim != 2 or len(rows) != self.n_rows or not 0 < done <= self.n_rows:
            return 0
        self._rows = rows
        return done


def forget(path: Path) -> None:
    """Delete an array and what is there of an unfinished one: what it was made from has changed."""
    for each in (path, *_leftovers(path)):
        each.unlink(missing_ok=True)


def _leftovers(path: Path) -> tuple[Path, Path]:
    return path.with_suffix(".unfinished"), path.with_suffix(".rows")
