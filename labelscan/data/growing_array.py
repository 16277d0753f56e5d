"""An array on disk that is filled row by row, and continues from its last saved rows after the process was killed.

It holds what is slow to compute and cheap to keep: the features of a frozen backbone. It is written, not mapped, since
on a full disk a write fails with a message where a map kills the process.
"""

import os
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from labelscan.atomic import replacing, writing

SAVE_SECONDS = 20.0
"""The most work that is lost when the process is killed."""


class GrowingArray:
    """An (N, D) float32 array whose file at ``path`` appears with its last row; as a context it saves rows on exit."""

    def __init__(self, path: Path, n_rows: int) -> None:
        self.path = path
        self.n_rows = n_rows
        self._partial, self._count = _leftovers(path)
        self._file: BinaryIO | None = None
        self._saved = time.monotonic()
        self.done = self._resume()
        """The number of rows saved or added."""

    def __enter__(self) -> "GrowingArray":
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._file is None:
            return
        try:
            self._save()
        finally:
            with writing(self._partial):
                self._file.close()
        if self.done == self.n_rows:
            self._partial.replace(self.path)
            self._count.unlink(missing_ok=True)

    def add(self, block: NDArray[np.float32]) -> None:
        """Append (B, D) rows; they are saved now and then."""
        with writing(self._partial):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._partial.open("wb")
                shape = (self.n_rows, block.shape[1])
                npy.write_array_header_1_0(self._file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            self._file.write(np.ascontiguousarray(block, dtype="<f4").tobytes())
        self.done += len(block)
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        """Sync the rows to disk, and only then write down their number."""
        assert self._file is not None
        with writing(self._partial):
            self._file.flush()
            os.fsync(self._file.fileno())
        with replacing(self._count) as file:
            file.write(str(self.done))
        self._saved = time.monotonic()

    def _resume(self) -> int:
        """Return the number of saved rows, having opened the file to append to them."""
        try:
            done = int(self._count.read_text(encoding="utf-8"))
            file = self._partial.open("rb+")
        except (OSError, ValueError):
            return 0  # missing or damaged
        end = _end_of(file, done, self.n_rows)
        if end is None:
            file.close()
            return 0
        file.seek(end)
        file.truncate()
        self._file = file
        return done


def forget(path: Path) -> None:
    """Delete an array, finished or not: what it was made from has changed."""
    for each in (path, *_leftovers(path)):
        each.unlink(missing_ok=True)


def _end_of(file: BinaryIO, done: int, n_rows: int) -> int | None:
    """Return where ``done`` of the rows end, or None where the file does not hold them."""
    try:
        npy.read_magic(file)
        shape, _, dtype = npy.read_array_header_1_0(file)
    except (OSError, ValueError):
        return None
    if len(shape) != 2 or shape[0] != n_rows or dtype != np.dtype("<f4") or not 0 < done <= n_rows:
        return None
    end = file.tell() + done * shape[1] * dtype.itemsize
    return end if os.fstat(file.fileno()).st_size >= end else None


def _leftovers(path: Path) -> tuple[Path, Path]:
    return path.with_suffix(".unfinished"), path.with_suffix(".rows")
