"""Training images moved a little, so that no epoch shows the same ones twice.

A whole chunk of images is moved at a time, in uint8 and by one gather: a batch then costs only its conversion to
float, and a GPU is never asked which images go where.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

LARGEST_SHIFTED = 64
"""Images whose smaller side is longer are predicted without shifts: one pixel changes nothing there."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How training images are moved. A shift never changes what a character is; a flip does (b and d)."""

    max_shift: int = 0
    """Pixels in each direction; the border is filled with black."""
    flip: bool = False
    """Left to right, with probability 1/2."""

    def draw(self, n: int, generator: torch.Generator) -> "Moves":
        """Draw the moves of ``n`` images."""
        n_shifts = (2 * self.max_shift + 1) ** 2
        return Moves(
            self.max_shift,
            torch.randint(n_shifts, (n,), generator=generator) if self.max_shift else None,
            torch.rand(n, generator=generator) < 0.5 if self.flip else None,
        )

    def views(self, images: Tensor) -> list[Tensor]:
        """Return the copies of (B, H, W, C) images that a prediction is averaged over, the first being themselves."""
        views = [images]
        if self.max_shift and min(images.shape[1:3]) <= LARGEST_SHIFTED:
            height, width = images.shape[1:3]
            padded = functional.pad(images, (0, 0, 1, 1, 1, 1))
            views += [padded[:, y : y + height, x : x + width] for y, x in ((0, 1), (2, 1), (1, 0), (1, 2))]
        if self.flip:
            views += [view.flip(2) for view in views]
        return views


NO_AUGMENTATION = Augmentation()


@dataclass(frozen=True, slots=True)
class Moves:
    """How some images are moved: drawn apart from moving them, since epochs that go on skip what is done."""

    most: int
    """Pixels in each direction."""
    shifts: Tensor | None
    """(B,) int64 numbers of shifts, row by row from the top left."""
    flipped: Tensor | None
    """(B,) bool."""

    def to(self, place: torch.device) -> "Moves":
        """Return the same moves for images on ``place``."""
        shifts, flipped = (None if drawn is None else drawn.to(place) for drawn in (self.shifts, self.flipped))
        return Moves(self.most, shifts, flipped)

    def apply(self, images: Tensor) -> Tensor:
        """Return (B, H, W, C) images shifted, then flipped."""
        shifts, flipped = self.shifts, self.flipped
        if flipped is not None:
            images = torch.where(flipped[:, None, None, None], images.flip(2), images)
        if shifts is None:
            return images
        down, right = shifts // (2 * self.most + 1), shifts % (2 * self.most + 1)
        if flipped is not None:  # already: their shift is mirrored too
            right = torch.where(flipped, 2 * self.most - right, right)
        return _windows(functional.pad(images, (0, 0, *4 * (self.most,))), down, right, images.shape)


NOT_MOVED = Moves(0, None, None)


def _windows(padded: Tensor, top: Tensor, left: Tensor, shape: torch.Size) -> Tensor:
    """Return from each image the window of ``shape`` at its own place.

    A line of a window is contiguous in memory, so all of them are rows of one overlapping view of the padded images,
    taken by where they begin: several times as fast as a gather of pixels.
    """
    n, height, width, channels = shape
    image, line = torch.arange(n, device=padded.device), torch.arange(height, device=padded.device)
    begins = ((image * padded.shape[1] + top)[:, None] + line) * padded.shape[2] + left[:, None]
    lines = padded.flatten().unfold(0, width * channels, channels)
    return lines.index_select(0, begins.flatten()).view(shape)
