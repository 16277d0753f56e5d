"""Normalized losses: the given label's share of the loss of all labels.

Robust, as every loss normalized like this is, but they learn little more of what is half learned: Ma et al. use them
only together with a passive loss, see ``active_passive``.
"""

import math

from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.focal import focal
from labelscan.training.losses.per_example import PerExampleLoss, at_given, log_probs


class NormalizedCrossEntropy(PerExampleLoss):
    """Cross-entropy over its sum for all labels, ``log p / sum_k log p_k``.

    Source: Ma et al., ICML 2020, arXiv:2006.13554.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        log_p = log_probs(logits)
        return at_given(log_p, given_labels) / log_p.sum(dim=1)


class NormalizedFocal(PerExampleLoss):
    """Focal loss over its sum for all labels, ``f(p) / sum_k f(p_k)`` with ``f(u) = -(1 - u) ** gamma * log u``.

    The factors ``(1 - u) ** gamma`` are held constant, above and below.
    Source: Ma et al., ICML 2020, arXiv:2006.13554, which trains with gamma = .5, and only together with a passive
    loss, see ``nfl+rce`` and ``nfl+mae``.

    Args:
        gamma: how much hard examples are favoured; 0 is nce.
    """

    def __init__(self, gamma: float = 0.5) -> None:
        super().__init__()
        check_option(0 <= gamma < math.inf, gamma, "gamma", "at least 0")
        self.gamma = gamma

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        of_each = focal(log_probs(logits), self.gamma)
        return at_given(of_each, given_labels) / of_each.sum(dim=1)
