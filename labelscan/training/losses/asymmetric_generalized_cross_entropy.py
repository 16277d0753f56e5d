"""Asymmetric generalized cross-entropy: one label that prevails among an example's possible ones decides."""

import math

from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.losses.cross_entropy import log_prob_of_given
from labelscan.training.losses.weak_start import weak_start


class AsymmetricGeneralizedCrossEntropy(nn.Module):
    """Generalized cross-entropy with p moved away from 0, ``((a + 1) ** q - (a + p) ** q) / q``.

    An asymmetric loss: as long as right labels outnumber each kind of wrong ones, its minimum is that of clean data.
    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = .6, q = .6 on CIFAR and with a = 4, q = .2
    on MNIST.

    Args:
        a: above 0; near 0 it is gce.
        q: above 0.
    """

    default_delay = 0.0

    def __init__(self, a: float = 0.6, q: float = 0.6) -> None:
        super().__init__()
        for option, value in (("a", a), ("q", q)):
            if not 0 < value < math.inf:
                raise ConfigError(f"must be above 0, got {value:g}", where=f"loss agce, option {option}")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, ((a + 1) ** q - a ** q) / q], not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a + 1) ** self.q
        return (at_one - (self.a + p).pow(self.q)) / self.q

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes."""
        return weak_start(self, n_classes)
