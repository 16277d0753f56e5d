"""What every loss has, and the logarithms that most are made of.

A loss of another package may stand on ``PerExampleLoss`` too, or on nothing but ``Loss``.
"""

import torch
from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.losses.weak_start import weak_start


class PerExampleLoss(nn.Module):
    """A loss that is in force from the first epoch on, unless fresh weights would not learn under it."""

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


def check_option(allowed: bool, value: float, loss: str, option: str, *, must: str) -> None:
    """Raise ConfigError unless a value is ``allowed`` for an option of a loss: it ``must`` be, as in ``above 0``."""
    if not allowed:
        raise ConfigError(f"must be {must}, got {value:g}", where=f"loss {loss}, option {option}")


def log_probs(logits: Tensor) -> Tensor:
    """Return (B, K) log-probabilities, finite for any finite logits; float32, or float64 where the logits are."""
    exact = logits if logits.dtype is torch.float64 else logits.float()
    return exact.log_softmax(dim=1)


def at_given(values: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) the one of (B, K) values that stands at the given label."""
    return values.gather(1, given_labels[:, None])[:, 0]


def log_prob_of_given(logits: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) log-probabilities of the given labels, of the type of ``log_probs``."""
    return at_given(log_probs(logits), given_labels)


def one_minus_prob_of_given(logits: Tensor, given_labels: Tensor) -> Tensor:
    """Return (B,) probabilities of all labels but the given one, of the type of ``log_probs``."""
    # expm1 keeps the digits that 1 - p loses when p is close to 1.
    return -torch.expm1(log_prob_of_given(logits, given_labels))
