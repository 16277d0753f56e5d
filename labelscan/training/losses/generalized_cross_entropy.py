"""Generalized cross-entropy: between cross-entropy and the mean absolute error."""

import torch
from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.losses.cross_entropy import log_prob_of_given
from labelscan.training.losses.weak_start import weak_start


class GeneralizedCrossEntropy(nn.Module):
    """Cross-entropy that gives up on labels it cannot fit, ``(1 - p ** q) / q``.

    Cross-entropy as q approaches 0, and 1 - p (half the L1 error) at q = 1.
    Source: Zhang and Sabuncu, NeurIPS 2018, arXiv:1805.07836, which trains with q = 0.7.

    Args:
        q: in (0, 1].
    """

    default_delay = 0.0

    def __init__(self, q: float = 0.7) -> None:
        super().__init__()
        if not 0 < q <= 1:
            raise ConfigError(f"must be in (0, 1], got {q:g}", where="loss gce, option q")
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1 / q], not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        # expm1 keeps the digits that 1 - p ** q loses when p is close to 1.
        return -torch.expm1(self.q * log_prob_of_given(logits, given_labels)) / self.q

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes, with q near 1."""
        return weak_start(self, n_classes)
