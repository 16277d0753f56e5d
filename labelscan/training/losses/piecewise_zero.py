"""Piecewise-zero loss: the hardest examples do not count at all."""

import math

from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss, log_prob_of_given


class PiecewiseZero(PerExampleLoss):
    """Cross-entropy where the given label has probability of at least ``cutoff``, else 0.

    Zeroed examples stay in the denominator when a batch is averaged. At probability ``cutoff`` itself the loss
    still counts.
    Source: Pellegrino, Szczecina and Fieguth, arXiv:2511.16512, which searches cut-offs from 0.005 to 0.2.

    Args:
        cutoff: probability below which an example is left alone, in [0, 1); 0 is cross-entropy.
    """

    default_delay = 0.4

    def __init__(self, cutoff: float = 0.05) -> None:
        super().__init__()
        check_option(0 <= cutoff < 1, cutoff, "cutoff", "in [0, 1)")
        self.cutoff = cutoff
        self.log_cutoff = math.log(cutoff) if cutoff > 0 else -math.inf

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, -log cutoff], not averaged."""
        log_p = log_prob_of_given(logits, given_labels)
        return -log_p.where(log_p >= self.log_cutoff, log_p.new_zeros(()))

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn: at p = 1 / K every example is below the cut-off."""
        if self.cutoff < 1 / n_classes:
            return ""
        return (
            f"an untrained model of {n_classes} classes starts at p = {1 / n_classes:.3g}, "
            f"where a cutoff of {self.cutoff:g} leaves no gradient"
        )
