"""Images that are no files of this machine: addresses of files elsewhere.

What is known of each comes from a listing, and stands for the size and time of a file. Many are read at once, since a
read over a network waits far longer than it works.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Strings, as_strings
from labelscan.files import storage
from labelscan.files.storage import Status
from labelscan.files.urls import is_url, joined, without_query
from labelscan.images.sources import ImageArray, ImageFiles, ImageSource, SentImages
from labelscan.processes.prefetch import Prefetch

R = TypeVar("R")


@dataclass(frozen=True)
class UrlImages(ImageSource):
    """Images in files elsewhere, and perhaps some on this machine."""

    paths: Strings
    """(N,) addresses, as they are read, or paths on this machine."""
    sizes: NDArray[np.int64]
    """(N,) in bytes, -1 where it is not known."""
    marks: NDArray[np.int64]
    """(N,) numbers that change with the content, -1 where none is known."""

    @property
    def reads_at_once(self) -> int:
        return storage.READS_AT_ONCE

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, order: Index) -> "UrlImages":
        return UrlImages(self.paths[order], self.sizes[order], self.marks[order])

    def path(self, index: int) -> str:
        return without_query(str(self.paths[index]))

    def file(self, index: int) -> Path | None:
        path = str(self.paths[index])
        return None if is_url(path) else Path(path)

    def read(self, index: int) -> bytes:
        file = self.file(index)
        return storage.read(str(self.paths[index])) if file is None else file.read_bytes()

    def status(self, index: int) -> Status:
        if self.file(index) is not None:
            return super().status(index)
        return Status(int(self.sizes[index]), int(self.marks[index]))


def images_at(
    folder: Path | str, paths: Sequence[str], known: Sequence[Status] | None = None
) -> ImageFiles | UrlImages:
    """Return the images at (N,) paths or addresses, relative ones from ``folder``, which may be an address.

    ``known`` is what a listing says of each, if there is one.
    """
    if isinstance(folder, Path):
        if not any(map(is_url, paths)):
            return ImageFiles(folder, as_strings(paths))
        places = [path if is_url(path) else str(folder / path) for path in paths]
    else:
        places = [joined(folder, path) for path in paths]
    statuses = known or [Status()] * len(places)
    sizes, marks = ([getattr(one, name) for one in statuses] for name in ("size", "mark"))
    return UrlImages(as_strings(places), np.array(sizes, dtype=np.int64), np.array(marks, dtype=np.int64))


def sent(source: ImageSource, *, max_pixels: int) -> ImageSource:
    """Return images that another machine can read: their contents, or their addresses where all are elsewhere."""
    is_elsewhere = isinstance(source, UrlImages) and all(map(is_url, source.paths))
    if is_elsewhere or isinstance(source, ImageArray | SentImages):
        return source
    return SentImages.of(source, max_pixels=max_pixels)


def read_each(source: ImageSource, work: Callable[[int], R], rows: Iterable[int]) -> Generator[R, None, None]:
    """Yield the results of ``work``, which reads the image of a row, in order; many at once where images are remote."""
    if not source.reads_at_once:
        yield from map(work, rows)
        return
    with Prefetch(source.reads_at_once, "read") as threads:
        yield from threads.results(work, rows)
