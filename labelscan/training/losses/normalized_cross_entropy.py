"""Normalized cross-entropy: the given label's share of the loss of all labels."""

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, at_given, log_probs


class NormalizedCrossEntropy(PerExampleLoss):
    """Cross-entropy over its sum for all labels, ``log p / sum_k log p_k``.

    Robust, as every loss normalized like this is, but it learns little more of what is half learned: Ma et al. use it
    only together with a passive loss, see ``nce+rce`` and ``nce+mae``.
    Source: Ma et al., ICML 2020, arXiv:2006.13554.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        log_p = log_probs(logits)
        return at_given(log_p, given_labels) / log_p.sum(dim=1)
