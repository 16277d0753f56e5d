"""An ``.npy`` file on disk whose rows are written in any order: the inputs of models, which need not fit in memory.

It is written, not mapped, since on a full disk a write fails with a message where a map kills the process.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from labelscan.files.atomic import partial_of, writing


class RowsFile:
    """An array of N rows in a file that is being written; rows that never are remain zeros."""

    def __init__(self, file: BinaryIO, n_rows: int) -> None:
        self._file, self._n_rows = file, n_rows
        self._start = self._row_bytes = 0

    def put(self, first: int, rows: NDArray[np.generic]) -> None:
        """Write (M, ...) rows from row ``first`` on; their shape and type are those of all rows.

        Raises:
            DiskError: the disk does not take them.
        """
        with writing(Path(str(self._file.name))):
            if not self._start:
                shape = (self._n_rows, *rows.shape[1:])
                header = {"descr": npy.dtype_to_descr(rows.dtype), "fortran_order": False, "shape": shape}
                npy.write_array_header_1_0(self._file, header)
                self._start, self._row_bytes = self._file.tell(), rows[:1].nbytes
            self._file.seek(self._start + first * self._row_bytes)
            self._file.write(np.ascontiguousarray(rows).data)
            self._file.flush()

    def end(self) -> None:
        """Give the file its whole length, and have the system write it to disk."""
        self._file.truncate(self._start + self._n_rows * self._row_bytes)
        os.fsync(self._file.fileno())


@contextmanager
def rows_file(path: Path, n_rows: int) -> Iterator[RowsFile]:
    """Open a file of ``n_rows`` rows that becomes ``path`` only if the block succeeds."""
    with partial_of(path) as partial, partial.open("wb") as file:
        rows = RowsFile(file, n_rows)
        yield rows
        rows.end()
