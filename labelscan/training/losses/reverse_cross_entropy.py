"""Reverse cross-entropy: labels and predictions with their places exchanged."""

import math

from torch import Tensor, nn

from labelscan.training.losses.cross_entropy import one_minus_prob_of_given
from labelscan.training.losses.weak_start import weak_start

LOG_OF_ZERO = math.log(1e-4)
"""What log 0 is taken to be where the given label says that a class is impossible."""


class ReverseCrossEntropy(nn.Module):
    """The cross-entropy of the given label under the prediction, ``9.2103 * (1 - p)``.

    That is ``-sum_k p_k log l_k``, l_k being 1 at the given label and 1e-4 in place of 0 elsewhere.
    Source: Wang et al., ICCV 2019, arXiv:1908.06112, which uses it beside cross-entropy only.
    """

    default_delay = 0.0

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 9.2104], not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        return -LOG_OF_ZERO * one_minus_prob_of_given(logits, given_labels)

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes."""
        return weak_start(self, n_classes)
