"""Asymmetric losses: one label that prevails among the possible labels of an example decides.

As long as right labels outnumber each kind of wrong ones, their minimum is that of clean data.
"""

import math

from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss, log_prob_of_given


class AsymmetricGeneralizedCrossEntropy(PerExampleLoss):
    """Generalized cross-entropy with p moved away from 0, ``((a + 1) ** q - (a + p) ** q) / q``.

    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = .6, q = .6 on CIFAR and with a = 4, q = .2
    on MNIST.

    Args:
        a: above 0; near 0 it is gce.
        q: above 0.
    """

    def __init__(self, a: float = 0.6, q: float = 0.6) -> None:
        super().__init__()
        check_option(0 < a < math.inf, a, "a", "above 0")
        check_option(0 < q < math.inf, q, "q", "above 0")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a + 1) ** self.q
        return (at_one - (self.a + p).pow(self.q)) / self.q


class AsymmetricUnhinged(PerExampleLoss):
    """A power of the distance of p from a point beyond 1, ``((a - p) ** q - (a - 1) ** q) / q``.

    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 5.5, q = 3 on CIFAR and with a = 3, q = .1
    on MNIST.

    Args:
        a: above 1.
        q: above 0; 1 is mae.
    """

    def __init__(self, a: float = 5.5, q: float = 3.0) -> None:
        super().__init__()
        check_option(1 < a < math.inf, a, "a", "above 1")
        check_option(0 < q < math.inf, q, "q", "above 0")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a - 1) ** self.q
        return ((self.a - p).pow(self.q) - at_one) / self.q


class AsymmetricExponential(PerExampleLoss):
    """The exponential of the probability of the given label, ``exp(-p / a)``.

    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 2.5 on CIFAR and with a = 3.5 on MNIST.

    Args:
        a: above 0; the larger, the more it is like mae.
    """

    def __init__(self, a: float = 2.5) -> None:
        super().__init__()
        check_option(0 < a < math.inf, a, "a", "above 0")
        self.a = a

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return (-log_prob_of_given(logits, given_labels).exp() / self.a).exp()
