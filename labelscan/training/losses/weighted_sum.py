"""The sum of two losses: one that makes a model fit, and one that makes it robust."""

import math

from torch import Tensor, nn

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss


class WeightedSum(PerExampleLoss):
    """``a * fits + b * holds_back``."""

    def __init__(self, fits: nn.Module, holds_back: nn.Module, *, a: float, b: float) -> None:
        super().__init__()
        for option, value in (("a", a), ("b", b)):
            check_option(0 <= value < math.inf, value, option, "at least 0")
        check_option(a != 0 or b != 0, a, "a", "above 0 where b is 0")
        self.fits = fits
        self.holds_back = holds_back
        self.a = a
        self.b = b

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        fits: Tensor = self.fits(logits, given_labels)
        holds_back: Tensor = self.holds_back(logits, given_labels)
        return self.a * fits + self.b * holds_back
