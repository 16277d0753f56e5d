"""Cross-entropy: the loss that fits wrong labels as hard as right ones."""

import torch
from torch import Tensor, nn


def log_probs(logits: Tensor) -> Tensor:
    """Return (B, K) log-probabilities, finite for any finite logits; float32, or float64 where the logits are.

    Args:
        logits: (B, K) floating point, before softmax.
    """
    exact = logits if logits.dtype is torch.float64 else logits.float()
    return exact.log_softmax(dim=1)


def at_given(values: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) the one of (B, K) values that stands at the given label."""
    return values.gather(1, given_labels[:, None])[:, 0]


def log_prob_of_given(logits: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) log-probabilities of the given labels, of the type of ``log_probs``.

    Args:
        logits: (B, K) floating point, before softmax.
        given_labels: (B,) int64 in [0, K).
    """
    return at_given(log_probs(logits), given_labels)


def one_minus_prob_of_given(logits: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) probabilities of all labels but the given one; see ``log_prob_of_given``."""
    # expm1 keeps the digits that 1 - p loses when p is close to 1.
    return -torch.expm1(log_prob_of_given(logits, given_labels))


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
