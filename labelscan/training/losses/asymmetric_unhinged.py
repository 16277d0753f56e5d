"""Asymmetric unhinged loss: a polynomial in the probability of the given label."""

import math

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, check_option, log_prob_of_given


class AsymmetricUnhinged(PerExampleLoss):
    """A power of the distance of p from a point beyond 1, ``((a - p) ** q - (a - 1) ** q) / q``.

    An asymmetric loss: as long as right labels outnumber each kind of wrong ones, its minimum is that of clean data.
    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 5.5, q = 3 on CIFAR and with a = 3, q = .1
    on MNIST.

    Args:
        a: above 1.
        q: above 0; 1 is mae.
    """

    def __init__(self, a: float = 5.5, q: float = 3.0) -> None:
        super().__init__()
        check_option(1 < a < math.inf, a, "aul", "a", must="above 1")
        check_option(0 < q < math.inf, q, "aul", "q", must="above 0")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, (a ** q - (a - 1) ** q) / q], not averaged."""
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a - 1) ** self.q
        return ((self.a - p).pow(self.q) - at_one) / self.q
