"""Generalized cross-entropy: between cross-entropy and the mean absolute error."""

import torch
from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss, log_prob_of_given


class GeneralizedCrossEntropy(PerExampleLoss):
    """Cross-entropy that gives up on labels it cannot fit, ``(1 - p ** q) / q``.

    Cross-entropy as q approaches 0, and 1 - p (half the L1 error) at q = 1.
    Source: Zhang and Sabuncu, NeurIPS 2018, arXiv:1805.07836, which trains with q = 0.7.

    Args:
        q: in (0, 1].
    """

    def __init__(self, q: float = 0.7) -> None:
        super().__init__()
        check_option(0 < q <= 1, q, "q", "in (0, 1]")
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1 / q], not averaged."""
        # expm1 keeps the digits that 1 - p ** q loses when p is close to 1.
        return -torch.expm1(self.q * log_prob_of_given(logits, given_labels)) / self.q
