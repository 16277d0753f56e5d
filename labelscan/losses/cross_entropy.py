"""Cross-entropy: the loss that fits wrong labels as hard as right ones."""

from torch import Tensor, nn


def log_prob_of_given(logits: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) float32 log-probabilities of the given labels, finite for any finite logits.

    Args:
        logits: (B, K) floating point, before softmax.
        given_labels: (B,) int64 in [0, K).
    """
    return logits.float().log_softmax(dim=1).gather(1, given_labels[:, None])[:, 0]


class CrossEntropy(nn.Module):
    """The negative log-probability of the given label, ``-log p``."""

    default_delay = 0.0

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, inf), not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        return -log_prob_of_given(logits, given_labels)

    def stalls(self, n_classes: int) -> str:  # noqa: ARG002
        """Return an empty string: cross-entropy always learns."""
        return ""
