"""Asymmetric generalized cross-entropy: one label that prevails among an example's possible ones decides."""

import math

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, check_option, log_prob_of_given


class AsymmetricGeneralizedCrossEntropy(PerExampleLoss):
    """Generalized cross-entropy with p moved away from 0, ``((a + 1) ** q - (a + p) ** q) / q``.

    An asymmetric loss: as long as right labels outnumber each kind of wrong ones, its minimum is that of clean data.
    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = .6, q = .6 on CIFAR and with a = 4, q = .2
    on MNIST.

    Args:
        a: above 0; near 0 it is gce.
        q: above 0.
    """

    def __init__(self, a: float = 0.6, q: float = 0.6) -> None:
        super().__init__()
        check_option(0 < a < math.inf, a, "agce", "a", must="above 0")
        check_option(0 < q < math.inf, q, "agce", "q", must="above 0")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, ((a + 1) ** q - a ** q) / q], not averaged."""
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a + 1) ** self.q
        return (at_one - (self.a + p).pow(self.q)) / self.q
