"""Reverse cross-entropy: cross-entropy with labels and predictions swapped."""

import math

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, one_minus_prob_of_given

LOG_OF_ZERO = math.log(1e-4)
"""Stands for log 0, where the given label says that a class is impossible."""


class ReverseCrossEntropy(PerExampleLoss):
    """The cross-entropy of the given label under the prediction, ``9.2103 * (1 - p)``.

    That is ``-sum_k p_k log l_k``, l_k being 1 at the given label and 1e-4 in place of 0 elsewhere.
    Source: Wang et al., ICCV 2019, arXiv:1908.06112, which uses it only together with cross-entropy.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return -LOG_OF_ZERO * one_minus_prob_of_given(logits, given_labels)
