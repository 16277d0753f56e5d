"""Normalized focal loss: the given label's share of the focal loss of all labels."""

from torch import Tensor, nn

from labelscan.training.losses.cross_entropy import at_given, log_probs
from labelscan.training.losses.focal import check_gamma, focal


class NormalizedFocal(nn.Module):
    """Focal loss over its sum for all labels, ``f(p) / sum_k f(p_k)`` with ``f(u) = -(1 - u) ** gamma * log u``.

    The factors ``(1 - u) ** gamma`` are held constant, above and below.
    Source: Ma et al., ICML 2020, arXiv:2006.13554, which trains with gamma = .5, and beside a passive loss only, see
    ``nfl+rce`` and ``nfl+mae``.

    Args:
        gamma: how much hard examples are favoured; 0 is nce.
    """

    default_delay = 0.0

    def __init__(self, gamma: float = 0.5) -> None:
        super().__init__()
        check_gamma(gamma, "nfl")
        self.gamma = gamma

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1], not averaged.

        Args:
            logits: (B, K) floating point, before softmax; K at least 2.
            given_labels: (B,) int64 in [0, K).
        """
        of_each = focal(log_probs(logits), self.gamma)
        return at_given(of_each, given_labels) / of_each.sum(dim=1)

    def stalls(self, n_classes: int) -> str:  # noqa: ARG002
        """Return an empty string: normalized focal loss pulls hardest at the start."""
        return ""
