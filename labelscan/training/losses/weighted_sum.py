"""Two losses added up: what one of them fits, the other holds back."""

import math

from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.losses.weak_start import weak_start


class WeightedSum(nn.Module):
    """``a`` times one loss plus ``b`` times another.

    Args:
        name: of the loss that is made so, for messages.
        fits: what makes the model fit the labels.
        holds_back: what makes it robust.
        a: weight of the first, at least 0.
        b: weight of the second, at least 0, and not 0 like the first.
    """

    default_delay = 0.0

    def __init__(self, name: str, fits: nn.Module, holds_back: nn.Module, *, a: float, b: float) -> None:
        super().__init__()
        for option, value in (("a", a), ("b", b)):
            if not 0 <= value < math.inf:
                raise ConfigError(f"must be at least 0, got {value:g}", where=f"loss {name}, option {option}")
        if a == b == 0:
            raise ConfigError("must be above 0 where b is 0, got 0", where=f"loss {name}, option a")
        self.fits = fits
        self.holds_back = holds_back
        self.a = a
        self.b = b

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses of at least 0, not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        fits: Tensor = self.fits(logits, given_labels)
        holds_back: Tensor = self.holds_back(logits, given_labels)
        return self.a * fits + self.b * holds_back

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes."""
        return weak_start(self, n_classes)
