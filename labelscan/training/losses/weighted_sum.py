"""Two losses added up: what one of them fits, the other holds back."""

import math

from torch import Tensor, nn

from labelscan.training.losses.per_example import PerExampleLoss, check_option


class WeightedSum(PerExampleLoss):
    """``a`` times one loss plus ``b`` times another.

    Args:
        name: of the loss that is made so, for messages.
        fits: what makes the model fit the labels.
        holds_back: what makes it robust.
        a: weight of the first, at least 0.
        b: weight of the second, at least 0, and not 0 like the first.
    """

    def __init__(self, name: str, fits: nn.Module, holds_back: nn.Module, *, a: float, b: float) -> None:
        super().__init__()
        for option, value in (("a", a), ("b", b)):
            check_option(0 <= value < math.inf, value, name, option, must="at least 0")
        check_option(a != 0 or b != 0, a, name, "a", must="above 0 where b is 0")
        self.fits = fits
        self.holds_back = holds_back
        self.a = a
        self.b = b

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses of at least 0, not averaged."""
        fits: Tensor = self.fits(logits, given_labels)
        holds_back: Tensor = self.holds_back(logits, given_labels)
        return self.a * fits + self.b * holds_back
