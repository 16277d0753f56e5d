"""A small convolutional network that learns well from scratch on images of 8 x 8 to 64 x 64 pixels."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from labelscan.registry import check_option
from labelscan.training.augmentation import Augmentation
from labelscan.training.recipe import Recipe

SMALLEST_POOLED = 8
"""Images with a shorter side are pooled once less: too little would be left to look at."""
LEAST_FOR_MATRIX_UNITS = 16
"""Channels of the first stage, and pixels of the shorter side, from which on matrix units pay: 1.3 times as fast at 16
and 16, 1.6 in colour at 32 x 32, and no faster at 8 channels or 8 pixels."""
GREY_EXAMPLES, COLOUR_EXAMPLES = 80_000, 160_000
"""Examples that a training sees in all its epochs, if it takes no more than ``MOST_EPOCHS``."""
MOST_EPOCHS = 40


@dataclass(frozen=True)
class SmallCNN:
    """Three stages of 3 x 3 convolutions with batch norm, pooled over the whole image by their maximum.

    The maximum asks whether a stroke or part is there, not how much of the image it fills: on characters it gave
    much better out-of-fold predictions than the mean, with fewer weights than flattening.

    Args:
        width: channels of the first stage; the next have twice and four times as many.
        effort: share of the usual epochs, above 0; as a second opinion half of them are enough.
    """

    kind: ClassVar[Literal["network"]] = "network"
    takes = "images"
    width: int = 16
    effort: float = 1.0

    def __post_init__(self) -> None:
        check_option(0 < self.effort < math.inf, self.effort, "effort", "above 0 and finite")
        check_option(1 <= self.width <= 10_000, self.width, "width", "at least 1 and at most 10,000")

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        height, width, channels = input_shape
        smaller_side = min(height, width)
        n_poolings = 2 if smaller_side >= SMALLEST_POOLED else int(smaller_side >= 2)
        return _Network(channels, self.width, n_classes, n_poolings=n_poolings)

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:
        height, width, channels = input_shape
        colour = channels == 3  # grey images are often characters, which a flip makes into others
        least, budget = (20, COLOUR_EXAMPLES) if colour else (10, GREY_EXAMPLES)
        epochs = min(max(math.ceil(budget / max(n_examples, 1)), least), MOST_EPOCHS)
        return Recipe(
            epochs=math.ceil(self.effort * epochs),
            batch_size=64,
            learning_rate=3e-3,
            weight_decay=1e-2,
            may_settle=True,
            augmentation=Augmentation(max_shift=max(1, min(height, width) // 14), flip=colour),
            matrix_units=min(self.width, height, width) >= LEAST_FOR_MATRIX_UNITS,
        )


class _Network(nn.Module):
    def __init__(self, channels: int, width: int, n_classes: int, *, n_poolings: int) -> None:
        super().__init__()
        # Pooling goes before batch norm: the same maxima for a quarter of the arithmetic.
        self.stages = nn.Sequential(
            *_convolution(channels, width, pool=n_poolings > 0),
            *_convolution(width, 2 * width, pool=n_poolings > 1),
            # Objects in colour images need more steps from edges to parts than strokes do.
            *(_convolution(2 * width, 2 * width) if channels == 3 else []),
            *_convolution(2 * width, 4 * width),
            *_convolution(4 * width, 4 * width),
        )
        self.head = nn.Linear(4 * width, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        parts = functional.adaptive_max_pool2d(self.stages(images), 1).flatten(1)
        with torch.autocast(images.device.type, enabled=False):  # 8 bits of a logit are too few to rank margins by
            return self.head(parts.float())  # type: ignore[no-any-return]  # nn.Module


def _convolution(channels_in: int, channels_out: int, *, pool: bool = False) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    pooling: list[nn.Module] = [nn.MaxPool2d(2)] if pool else []
    return [convolution, *pooling, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]
