"""Training images moved a little, so that no epoch shows the same ones twice.

A whole chunk of images is moved at a time, in uint8 and by one gather: a batch then costs only its conversion to
float, and a GPU is never asked which images go where.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SLIMMEST = 3 / 4
"""The least width of a crop by its height, as is usual for photos, and the least height by its width."""
CROPPED_AT_A_TIME = 16
"""Images that are in memory as float32 while they are cropped."""
LARGEST_SHIFTED = 64
"""Images whose smaller side is longer are predicted without shifts: one pixel changes nothing there."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How training images are moved. A shift never changes what a character is; a flip does (b and d)."""

    max_shift: int = 0
    """Pixels in each direction; the border is filled with black."""
    flip: bool = False
    """Left to right, with probability 1/2."""
    least_area: float = 1.0
    """Share of an image that a crop, enlarged to the whole size, shows at least; 1 crops nothing."""

    def draw(self, n: int, generator: torch.Generator) -> "Moves":
        """Draw the moves of ``n`` images."""
        n_shifts = (2 * self.max_shift + 1) ** 2
        return Moves(
            self.max_shift,
            torch.randint(n_shifts, (n,), generator=generator) if self.max_shift else None,
            torch.rand(n, generator=generator) < 0.5 if self.flip else None,
            self._draw_crops(n, generator) if self.least_area < 1 else None,
        )

    def _draw_crops(self, n: int, generator: torch.Generator) -> Tensor:
        area, slimness, *place = torch.rand(4, n, generator=generator)
        area = self.least_area + (1 - self.least_area) * area
        by_height = ((2 * slimness - 1) * math.log(SLIMMEST)).exp()  # as often slim as flat
        size = torch.stack([(area / by_height).sqrt(), (area * by_height).sqrt()]).clamp(max=1)
        return torch.cat([torch.stack(place) * (1 - size), size]).T

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
    crops: Tensor | None = None
    """(B, 4) float32 top, left, height and width, as shares of the whole."""

    def each(self, change: Callable[[Tensor], Tensor]) -> "Moves":
        """Return the moves with ``change`` made to all that was drawn, such as to take those of some images."""
        drawn = (None if one is None else change(one) for one in (self.shifts, self.flipped, self.crops))
        return Moves(self.most, *drawn)

    def apply(self, images: Tensor) -> Tensor:
        """Return (B, H, W, C) images shifted, then flipped, then cropped."""
        moved = self._shifted_and_flipped(images)
        if self.crops is None:
            return moved
        parts = zip(moved.split(CROPPED_AT_A_TIME), self.crops.split(CROPPED_AT_A_TIME), strict=True)  # type: ignore[no-untyped-call]  # torch
        return torch.cat([_enlarged(some, crops) for some, crops in parts])

    def _shifted_and_flipped(self, images: Tensor) -> Tensor:
        shifts, flipped = self.shifts, self.flipped
        if flipped is not None:
            rows = torch.arange(len(images), device=images.device) + len(images) * flipped
            images = torch.cat([images, images.flip(2)]).index_select(0, rows)  # a mask of bytes takes twice as long
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


def _enlarged(images: Tensor, crops: Tensor) -> Tensor:
    """Return each image's own crop at the size of the whole, between pixels by their distances."""
    top, left, height, width = crops.T
    zero = torch.zeros_like(top)
    # Of a whole that reaches from -1 to 1: what is the middle of the crop, and half its size.
    across = torch.stack([width, zero, 2 * left + width - 1], dim=1)
    down = torch.stack([zero, height, 2 * top + height - 1], dim=1)
    planes = images.permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(torch.stack([across, down], dim=1), list(planes.shape), align_corners=False)
    enlarged = functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return enlarged.round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
