"""Images as they are given: in files or in memory, taken and read by row."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Strings

CHANNELS = (1, 3)
"""Numbers of channels that images in memory may have."""
Image: TypeAlias = NDArray[np.uint8]
"""(H, W, C) with 1 or 3 channels."""


class ImageSource(Protocol):
    """Images that can be read by row, one after another or many at once from several threads."""

    def __len__(self) -> int:
        """Return the number of images."""

    def take(self, order: Index) -> "ImageSource":
        """Return the images of the rows ``order``, in that order."""

    def path(self, index: int) -> str:
        """Return the file as the user knows it, or an empty string."""

    def file(self, index: int) -> Path | None:
        """Return the file to open, or None where there is none."""

    def read(self, index: int) -> bytes | Image:
        """Return an image, encoded or decoded."""


@dataclass(frozen=True)
class ImageFiles:
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
class ImageArray:
    """Images in memory, all of one size."""

    images: NDArray[np.uint8]
    """(N, H, W, C) with 1 or 3 channels."""

    def __len__(self) -> int:
        return len(self.images)

    def take(self, order: Index) -> "ImageArray":
        return ImageArray(self.images[order])

    def path(self, index: int) -> str:  # noqa: ARG002
        return ""

    def file(self, index: int) -> None:  # noqa: ARG002
        return None

    def read(self, index: int) -> Image:
        return np.asarray(self.images[index])
