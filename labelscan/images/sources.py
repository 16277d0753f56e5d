"""Images as they are given, taken and read by row: in files or in memory, on this machine or sent to another."""

import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Strings
from labelscan.errors import StorageError
from labelscan.files.storage import Status

T = TypeVar("T")

CHANNELS = (1, 3)
"""Numbers of channels that images in memory may have."""
Image: TypeAlias = NDArray[np.uint8]
"""(H, W, C) with 1 or 3 channels."""
BYTES_A_PIXEL = 8
"""The most that one pixel takes in a file: 4 channels of 16 bits."""
BYTES_OF_HEADER = 1 << 24
"""What a file may hold besides its pixels: metadata, colour profile, preview."""


class UnreadableImage(Exception):  # noqa: N818  # a state of a file that is kept with its row, not an error of a run
    """An image that has no pixels; its text is the short reason, as in ``truncated``."""


class ImageSource(ABC):
    """Images that can be read by row, one after another or many at once from several threads."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abstractmethod
    def take(self, order: Index) -> "ImageSource":
        """Return the images of the rows ``order``, in that order."""

    @abstractmethod
    def read(self, index: int) -> bytes | Image:
        """Return an image, encoded or decoded."""

    @property
    def reads_at_once(self) -> int:
        """Return how many reads are answered soonest, as over a network; 0 is one a core."""
        return 0

    def path(self, index: int) -> str:  # noqa: ARG002
        """Return the file as the user knows it, or an empty string."""
        return ""

    def file(self, index: int) -> Path | None:  # noqa: ARG002
        """Return the file to open, or None where there is none."""
        return None

    def status(self, index: int) -> Status:
        """Return the size of an image, and its modification time in ns or another mark, without reading it.

        Raises:
            UnreadableImage: not a regular file (reading a pipe could hang), or a path that no file can have.
            OSError: missing or inaccessible.
        """
        file = self.file(index)
        if file is None:
            return Status()
        try:
            found = file.stat()
        except ValueError as error:  # a NUL in it
            raise UnreadableImage("no file can have this path") from error
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableImage("not a file")
        return Status(found.st_size, found.st_mtime_ns)


def check_image(source: ImageSource, index: int, *, max_pixels: int) -> Status:
    """Return the status of an image that is safe to read.

    Raises:
        UnreadableImage: larger than any image of ``max_pixels``, or not a regular file.
        OSError: missing or inaccessible.
    """
    known = source.status(index)
    if known.size > max_pixels * BYTES_A_PIXEL + BYTES_OF_HEADER:
        raise UnreadableImage(f"{known.size:,} bytes, more than an image of max_pixels = {max_pixels:,} has")
    return known


@dataclass(frozen=True)
class ImageFiles(ImageSource):
    """Images in files."""

    root: Path
    paths: Strings
    """(N,) absolute, or relative to ``root``."""

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, order: Index) -> "ImageFiles":
        return ImageFiles(self.root, self.paths[order])

    def path(self, index: int) -> str:
        return str(self.file(index))

    def file(self, index: int) -> Path:
        return self.root / str(self.paths[index])

    def read(self, index: int) -> bytes:
        return self.file(index).read_bytes()


@dataclass(frozen=True)
class ImageArray(ImageSource):
    """Images in memory, all of one size."""

    images: NDArray[np.uint8]
    """(N, H, W, C) with 1 or 3 channels."""

    def __len__(self) -> int:
        return len(self.images)

    def take(self, order: Index) -> "ImageArray":
        return ImageArray(self.images[order])

    def read(self, index: int) -> Image:
        return np.asarray(self.images[index])


@dataclass(frozen=True)
class SentImages(ImageSource):
    """The contents of images for a machine that sees no file of this one; why one cannot be read comes with it."""

    contents: Sequence[bytes | Image | Exception]
    paths: Sequence[str]
    statuses: Sequence[Status | Exception]

    @classmethod
    def of(cls, source: ImageSource, *, max_pixels: int) -> "SentImages":
        """Return images with their contents."""
        rows = range(len(source))
        statuses = [_tried(lambda row: check_image(source, row, max_pixels=max_pixels), row) for row in rows]
        contents = [one if isinstance(one, Exception) else _tried(source.read, row) for row, one in enumerate(statuses)]
        return cls(contents, [source.path(row) for row in rows], statuses)

    def __len__(self) -> int:
        return len(self.contents)

    def take(self, order: Index) -> "SentImages":
        return SentImages(*([each[row] for row in order] for each in (self.contents, self.paths, self.statuses)))

    def path(self, index: int) -> str:
        return self.paths[index]

    def read(self, index: int) -> bytes | Image:
        content = self.contents[index]
        if isinstance(content, Exception):
            raise content
        return content

    def status(self, index: int) -> Status:
        known = self.statuses[index]
        if isinstance(known, Exception):
            raise known
        return known


def _tried(read: Callable[[int], T], row: int) -> T | Exception:
    try:
        return read(row)
    except (MemoryError, StorageError):  # no state of an image
        raise
    except Exception as error:  # as in ImageBlocks: whatever is raised is the state of this one image
        return error
