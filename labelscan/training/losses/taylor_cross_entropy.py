"""Taylor cross-entropy: the first terms of cross-entropy's series."""

import torch
from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss, one_minus_prob_of_given


class TaylorCrossEntropy(PerExampleLoss):
    """The series of -log p about p = 1 up to its term t, ``sum_{i = 1 .. t} (1 - p) ** i / i``.

    Between the mean absolute error (t = 1) and cross-entropy (t without end).
    Source: Feng et al., IJCAI 2020, "Can Cross Entropy Loss Be Robust to Label Noise?", which searches t from 2 to 6.

    Args:
        t: number of terms.
    """

    def __init__(self, t: int = 2) -> None:
        super().__init__()
        check_option(t >= 1, t, "t", "at least 1")
        self.t = t

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1 + 1 / 2 + ... + 1 / t], not averaged."""
        rest = one_minus_prob_of_given(logits, given_labels)
        total = torch.zeros_like(rest)
        for i in range(self.t, 0, -1):
            total = rest * (1 / i + total)
        return total
