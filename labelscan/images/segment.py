"""Rows of bytes in one file that never changes, each known by a digest and checked by a checksum.

A file appears whole or not at all, so that processes may read and write next to each other without a lock. What a
disk, another program or a loss of power makes of it later is noticed when a row is read.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16
BYTES_BESIDE_A_ROW = DIGEST_BYTES + 4
"""What a row takes besides its own: its digest and its checksum."""
SUFFIX = ".rows"
PARTIAL = ".partial"
"""What files end in that are being written, or were when a process was killed."""

_MAGIC = b"labrows1"
_HEADER = struct.Struct("<8sQQ")
"""Magic number, number of rows, bytes of each; then follow all digests, then each row behind its checksum."""
_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A file of rows."""

    path: Path
    row_bytes: int
    digests: NDArray[np.uint8]
    """(N, 16), not checked: a wrong one is noticed with its row."""

    @classmethod
    def read(cls, path: Path) -> "Segment | None":
        """Return what a file holds, or None where it is damaged or another kind of file.

        Raises:
            OSError: it cannot be read, or is a link.
        """
        with _opened(path) as file:
            header = file.read(_HEADER.size)
            if len(header) != _HEADER.size:
                return None
            magic, n_rows, row_bytes = _HEADER.unpack(header)
            whole = _HEADER.size + n_rows * (BYTES_BESIDE_A_ROW + row_bytes)
            if (magic, os.fstat(file.fileno()).st_size) != (_MAGIC, whole):
                return None
            content = file.read(n_rows * DIGEST_BYTES)
        return cls(path, row_bytes, np.frombuffer(content, dtype=np.uint8).reshape(-1, DIGEST_BYTES))

    def row(self, number: int, digest: bytes) -> NDArray[np.uint8] | None:
        """Return the bytes of a row, or None where these are not those that were written for ``digest``."""
        size = _CHECKSUM.size + self.row_bytes
        with _opened(self.path) as file:
            file.seek(_HEADER.size + self.digests.size + number * size)
            content = file.read(size)
        row = memoryview(content)[_CHECKSUM.size :]
        if len(content) != size or content[: _CHECKSUM.size] != _checksum(digest, row):
            return None
        return np.frombuffer(row, dtype=np.uint8)


def write_segment(folder: Path, digests: Sequence[bytes], rows: Sequence[bytes]) -> Path:
    """Write rows of equal size into a new file of ``folder``, and return its path."""
    parts: list[bytes] = [_HEADER.pack(_MAGIC, len(rows), len(rows[0])), *digests]
    for digest, row in zip(digests, rows, strict=True):
        parts += [_checksum(digest, row), row]
    path = folder / f"{uuid4().hex}{SUFFIX}"
    write_whole(path, parts)
    return path


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file that appears whole, without following links: others may be able to write to the folder.

    It is not synced to disk, which takes longer than the writing: checksums tell what a loss of power has left.
    """
    partial = path.with_name(f"{uuid4().hex}{PARTIAL}")
    try:
        with partial.open("xb") as file:  # x: neither a file nor a link may be there
            file.writelines(parts)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)  # already renamed, unless something failed


def _opened(path: Path) -> BinaryIO:
    """Open a file to read it, unless it is a link."""
    flags = getattr(os, "O_NOFOLLOW", 0)  # missing on Windows, where it takes a privilege to make links
    return cast(BinaryIO, open(path, "rb", buffering=0, opener=lambda name, mode: os.open(name, mode | flags)))


def _checksum(digest: bytes, row: bytes | memoryview) -> bytes:
    """Return the checksum of a row and its digest: a damaged digest would pass the row off as another's."""
    return _CHECKSUM.pack(zlib.crc32(row, zlib.crc32(digest)))
