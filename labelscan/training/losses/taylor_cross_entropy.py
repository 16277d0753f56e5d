"""Taylor cross-entropy: the first terms of cross-entropy's series."""

import torch
from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.losses.cross_entropy import one_minus_prob_of_given
from labelscan.training.losses.weak_start import weak_start


class TaylorCrossEntropy(nn.Module):
    """The series of -log p about p = 1 up to its term t, ``sum_{i = 1 .. t} (1 - p) ** i / i``.

    Between the mean absolute error (t = 1) and cross-entropy (t without end).
    Source: Feng et al., IJCAI 2020, "Can Cross Entropy Loss Be Robust to Label Noise?", which searches t from 2 to 6.

    Args:
        t: number of terms.
    """

    default_delay = 0.0

    def __init__(self, t: int = 2) -> None:
        super().__init__()
        if t < 1:
            raise ConfigError(f"must be at least 1, got {t}", where="loss taylor-ce, option t")
        self.t = t

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1 + 1 / 2 + ... + 1 / t], not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        rest = one_minus_prob_of_given(logits, given_labels)
        total = torch.zeros_like(rest)
        for i in range(self.t, 0, -1):
            total = rest * (1 / i + total)
        return total

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes."""
        return weak_start(self, n_classes)
