"""Asymmetric unhinged loss: a polynomial in the probability of the given label."""

import math

from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.losses.cross_entropy import log_prob_of_given
from labelscan.training.losses.weak_start import weak_start


class AsymmetricUnhinged(nn.Module):
    """A power of the distance of p from a point beyond 1, ``((a - p) ** q - (a - 1) ** q) / q``.

    An asymmetric loss: as long as right labels outnumber each kind of wrong ones, its minimum is that of clean data.
    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 5.5, q = 3 on CIFAR and with a = 3, q = .1
    on MNIST.

    Args:
        a: above 1.
        q: above 0; 1 is mae.
    """

    default_delay = 0.0

    def __init__(self, a: float = 5.5, q: float = 3.0) -> None:
        super().__init__()
        for option, value, least in (("a", a, 1), ("q", q, 0)):
            if not least < value < math.inf:
                raise ConfigError(f"must be above {least}, got {value:g}", where=f"loss aul, option {option}")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, (a ** q - (a - 1) ** q) / q], not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a - 1) ** self.q
        return ((self.a - p).pow(self.q) - at_one) / self.q

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes."""
        return weak_start(self, n_classes)
