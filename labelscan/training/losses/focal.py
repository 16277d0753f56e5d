"""Focal loss: the opposite of a robust loss, kept for comparison."""

import math

from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss, log_prob_of_given


def focal(log_p: Tensor, gamma: float) -> Tensor:
    """Return ``-(1 - p) ** gamma * log p`` for log-probabilities of any shape, its factor held constant."""
    # expm1 keeps the digits that 1 - p loses when p is close to 1.
    return -(-log_p.detach().expm1()).pow(gamma) * log_p


class Focal(PerExampleLoss):
    """Cross-entropy that favours hard examples, ``-(1 - p) ** gamma * log p``, so wrong labels above all.

    The factor ``(1 - p) ** gamma`` is held constant: its own gradient is NaN at p = 1 with gamma below 1.
    Source: Lin et al., ICCV 2017, arXiv:1708.02002, which trains with gamma = 2.

    Args:
        gamma: how much hard examples are favoured; 0 is cross-entropy.
    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        check_option(0 <= gamma < math.inf, gamma, "gamma", "at least 0")
        self.gamma = gamma

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return focal(log_prob_of_given(logits, given_labels), self.gamma)
