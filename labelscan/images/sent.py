"""Images as they are sent to another machine, which sees no file of this one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from labelscan.arrays import Index
from labelscan.errors import StorageError
from labelscan.files.storage import Status
from labelscan.files.urls import is_url
from labelscan.images.remote import UrlImages, check_image
from labelscan.images.sources import Image, ImageArray, ImageSource

T = TypeVar("T")


@dataclass(frozen=True)
class SentImages:
    """The contents of images, and what is known of each; why one cannot be read comes with it."""

    contents: Sequence[bytes | Image | Exception]
    paths: Sequence[str]
    statuses: Sequence[Status | Exception]
    reads_at_once: int = 0

    def __len__(self) -> int:
        return len(self.contents)

    def take(self, order: Index) -> "SentImages":
        rows = order.tolist()
        contents, paths = [self.contents[row] for row in rows], [self.paths[row] for row in rows]
        return SentImages(contents, paths, [self.statuses[row] for row in rows])

    def path(self, index: int) -> str:
        return self.paths[index]

    def file(self, index: int) -> Path | None:  # noqa: ARG002
        return None

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


def sent(source: ImageSource, *, max_pixels: int) -> ImageSource:
    """Return images that another machine can read: their contents, or their addresses where all are elsewhere."""
    if isinstance(source, ImageArray | SentImages):
        return source
    if isinstance(source, UrlImages) and all(map(is_url, source.paths)):
        return source
    rows = range(len(source))
    statuses = [_tried(lambda row: Status(*check_image(source, row, max_pixels=max_pixels)), row) for row in rows]
    contents = [
        status if isinstance(status, Exception) else _tried(source.read, row)
        for row, status in zip(rows, statuses, strict=True)
    ]
    return SentImages(contents, [source.path(row) for row in rows], statuses)


def _tried(read: Callable[[int], T], row: int) -> T | Exception:
    try:
        return read(row)
    except (MemoryError, StorageError):  # no state of an image
        raise
    except Exception as error:  # as in ImageBlocks: whatever is raised is the state of this one image
        return error
