"""Blurry loss: hard examples, which wrong labels usually are, count less."""

import math

from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss, log_prob_of_given


class Blurry(PerExampleLoss):
    """Cross-entropy that gives hard examples little weight, ``-(p ** gamma) * log p``.

    Bounded by ``1 / (gamma * e)``. Its full gradient pushes p *down* where ``p < exp(-1 / gamma)``; with the weight
    ``p ** gamma`` held constant it only weakens and never changes sign. The paper's text reads as the full gradient;
    held constant is our default, since the full gradient with a short delay can ruin a run.
    Source: Pellegrino, Szczecina and Fieguth, arXiv:2511.16512, which searches gamma from 0.1 to 0.6 and
    delays from 0 to 8 of 10 epochs.

    Args:
        gamma: how much less hard examples count; 0 is cross-entropy.
        detach_weight: whether the weight is held constant.
    """

    default_delay = 0.4

    def __init__(self, gamma: float = 0.3, detach_weight: bool = True) -> None:
        super().__init__()
        check_option(0 <= gamma < math.inf, gamma, "gamma", "at least 0")
        self.gamma = gamma
        self.detach_weight = detach_weight

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        log_p = log_prob_of_given(logits, given_labels)
        weight = (log_p * self.gamma).exp()
        return -(weight.detach() if self.detach_weight else weight) * log_p

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn: at p = 1 / K the full gradient already points away."""
        if self.detach_weight or self.gamma * math.log(n_classes) <= 1:
            return ""
        return (
            f"with gamma {self.gamma:g} the gradient pushes labels away below p = {math.exp(-1 / self.gamma):.3g}, "
            f"and an untrained model of {n_classes} classes starts at p = {1 / n_classes:.3g}"
        )
