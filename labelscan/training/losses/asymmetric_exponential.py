"""Asymmetric exponential loss: it falls with the probability of the given label by the exponential function."""

import math

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, check_option, log_prob_of_given


class AsymmetricExponential(PerExampleLoss):
    """The exponential of the probability of the given label, ``exp(-p / a)``.

    An asymmetric loss: as long as right labels outnumber each kind of wrong ones, its minimum is that of clean data.
    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 2.5 on CIFAR and with a = 3.5 on MNIST.

    Args:
        a: above 0; the larger, the more it is like mae.
    """

    def __init__(self, a: float = 2.5) -> None:
        super().__init__()
        check_option(0 < a < math.inf, a, "ael", "a", must="above 0")
        self.a = a

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [exp(-1 / a), 1], not averaged."""
        p = log_prob_of_given(logits, given_labels).exp()
        return (-p / self.a).exp()
