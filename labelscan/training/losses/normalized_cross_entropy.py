"""Normalized cross-entropy: the given label's share of the loss of all labels."""

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, at_given, log_probs


class NormalizedCrossEntropy(PerExampleLoss):
    """Cross-entropy over its sum for all labels, ``log p / sum_k log p_k``.

    Robust like every loss that is normalized so, but it hardly goes on learning what is learned in part: Ma et al.
    use it beside a passive loss only, see ``nce+rce`` and ``nce+mae``.
    Source: Ma et al., ICML 2020, arXiv:2006.13554.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1], not averaged."""
        log_p = log_probs(logits)
        return at_given(log_p, given_labels) / log_p.sum(dim=1)
