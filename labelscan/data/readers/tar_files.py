"""Tar files read at random access: an index of their members once, then each by the place of its bytes.

They lie on this machine or elsewhere, where bytes are asked for by their range.
"""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Strings
from labelscan.data.refused_rows import reading
from labelscan.errors import DatasetError
from labelscan.files import storage
from labelscan.files.reading import check_is_file, why
from labelscan.files.storage import Status
from labelscan.files.urls import is_url
from labelscan.images.sources import ImageSource, UnreadableImage

BUFFER = 1 << 23
"""Bytes asked for at a time while a tar file elsewhere is indexed: headers stand between the images."""
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"(\xb5/\xfd")
"""How gzip, bzip2, xz and zstandard begin."""
UNPACK = "unpack it to a plain .tar, as in gunzip FILE: images in it are compressed already"


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a tar file."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class TarImages(ImageSource):
    """Images in tar files."""

    tars: tuple[str, ...]
    """Paths or addresses."""
    marks: tuple[int, ...]
    """For each a number that changes with its content, -1 where none is known."""
    tar: Index
    """(N,) in which of them an image is."""
    offsets: NDArray[np.int64]
    """(N,) where its bytes begin; -1 where there is no image."""
    sizes: NDArray[np.int64]
    """(N,) how many they are."""
    reasons: Strings
    """(N,) why there is no image."""

    def __len__(self) -> int:
        return len(self.tar)

    @cached_property
    def reads_at_once(self) -> int:
        return storage.READS_AT_ONCE if any(map(is_url, self.tars)) else 0

    def take(self, order: Index) -> "TarImages":
        return TarImages(
            self.tars, self.marks, self.tar[order], self.offsets[order], self.sizes[order], self.reasons[order]
        )

    def status(self, index: int) -> Status:
        mark = self.marks[int(self.tar[index])]
        return Status(int(self.sizes[index]), -1 if mark < 0 else (mark + int(self.offsets[index])) % 2**63)

    def read(self, index: int) -> bytes:
        offset = int(self.offsets[index])
        if offset < 0:
            raise UnreadableImage(str(self.reasons[index]))
        tar, size = self.tars[int(self.tar[index])], int(self.sizes[index])
        if is_url(tar):
            return storage.read(tar, offset, offset + size)
        with Path(tar).open("rb") as file:
            file.seek(offset)
            return file.read(size)


def status_of(tar: str) -> Status:
    """Return the size of a tar file and a number that changes with its content, or raise DatasetError."""
    try:
        if is_url(tar):
            known = storage.status(tar)
            if known.size < 0:
                raise ValueError("the server does not say how large it is")
            return known
        check_is_file(Path(tar))
        found = Path(tar).stat()
        return Status(found.st_size, found.st_mtime_ns)
    except FileNotFoundError as error:
        raise DatasetError(
            "no-file", "no such tar file", where=tar, hint="check its name, and the braces if it has some"
        ) from error
    except (OSError, ValueError) as error:
        raise DatasetError("unreadable", f"cannot be read ({why(error)})", where=tar, hint="name a tar file") from error


def members_of(tar: str, size: int) -> Iterator[tuple[Member, io.BufferedIOBase]]:
    """Yield the files in a tar file in their order, each with the open file, which may be read there and then.

    Raises:
        DatasetError: it is compressed, damaged or cut off.
    """
    with (
        _refused(tar),
        io.BufferedReader(_Ranges(tar, size), BUFFER) if is_url(tar) else Path(tar).open("rb") as file,
    ):
        start = file.read(max(map(len, COMPRESSED)))
        file.seek(0)
        if start.startswith(COMPRESSED):
            raise DatasetError(
                "compressed", "a compressed tar file has no place that could be read alone", where=tar, hint=UNPACK
            )
        with tarfile.open(fileobj=file, mode="r:") as archive:
            while (one := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it keeps all, and typeshed does not know it
                if one.isreg() and not one.issparse():
                    if one.offset_data + one.size > size:
                        raise tarfile.ReadError("unexpected end of data")
                    yield Member(one.name, one.offset_data, one.size), file
            # tarfile ends without a word at a damaged header, and where a file is cut off between two members.
            file.seek(archive.offset)
            end = file.read(BUFFER)
            if len(end) < tarfile.BLOCKSIZE or end.strip(b"\0"):
                raise tarfile.ReadError(f"cut off, damaged, or followed by another at byte {archive.offset:,}")


@contextmanager
def _refused(tar: str) -> Iterator[None]:
    hint = "make it again, or copy it again"
    with reading(tar, hint, (OSError, ValueError)):
        try:
            yield
        except tarfile.TarError as error:
            hint += "; it must be a plain .tar"
            raise DatasetError("damaged", f"not a whole tar file ({error})", where=tar, hint=hint) from error


class _Ranges(io.RawIOBase):
    """A file elsewhere as Python reads files, by ranges of its bytes."""

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size, self._place = url, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # of what io.BufferedReader gives
        end = min(self._place + len(buffer), self._size)
        if end <= self._place:
            return 0
        content = storage.read(self._url, self._place, end)
        buffer[: len(content)] = content
        self._place = end
        return len(content)
