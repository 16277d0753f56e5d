"""The base of our losses, and the logarithms that most are made of.

A loss of another package may inherit from ``PerExampleLoss`` too, or just keep to the protocol ``Loss``.
"""

import torch
from torch import Tensor, nn

from labelscan.training.losses.weak_start import weak_start


class PerExampleLoss(nn.Module):
    """A loss that is in force from the first epoch, unless fresh weights would not learn under it."""

    default_delay = 0.0

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses, not averaged.

        Args:
            logits: (B, K) floating point, before softmax; K at least 2.
            given_labels: (B,) int64 in [0, K).
        """
        raise NotImplementedError

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes, or an empty string."""
        return weak_start(self, n_classes)


def log_probs(logits: Tensor) -> Tensor:
    """Return (B, K) log-probabilities, finite for any finite logits; float32, or float64 where the logits are."""
    exact = logits if logits.dtype is torch.float64 else logits.float()
    return exact.log_softmax(dim=1)


def at_given(values: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) of the (B, K) values those at the given labels."""
    return values.gather(1, given_labels[:, None])[:, 0]


def log_prob_of_given(logits: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) log-probabilities of the given labels; float32 or float64."""
    return at_given(log_probs(logits), given_labels)


def one_minus_prob_of_given(logits: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) probabilities that the label is not the given one; float32 or float64."""
    # expm1 keeps the digits that 1 - p loses when p is close to 1.
    return -torch.expm1(log_prob_of_given(logits, given_labels))
