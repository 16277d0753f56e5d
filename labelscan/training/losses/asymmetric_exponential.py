"""Asymmetric exponential loss: it falls with the probability of the given label by the exponential function."""

import math

from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.losses.cross_entropy import log_prob_of_given
from labelscan.training.losses.weak_start import weak_start


class AsymmetricExponential(nn.Module):
    """The exponential of the probability of the given label, ``exp(-p / a)``.

    An asymmetric loss: as long as right labels outnumber each kind of wrong ones, its minimum is that of clean data.
    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 2.5 on CIFAR and with a = 3.5 on MNIST.

    Args:
        a: above 0; the larger, the more it is like mae.
    """

    default_delay = 0.0

    def __init__(self, a: float = 2.5) -> None:
        super().__init__()
        if not 0 < a < math.inf:
            raise ConfigError(f"must be above 0, got {a:g}", where="loss ael, option a")
        self.a = a

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [exp(-1 / a), 1], not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        p = log_prob_of_given(logits, given_labels).exp()
        return (-p / self.a).exp()

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes."""
        return weak_start(self, n_classes)
