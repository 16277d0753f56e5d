"""The base of our losses, and the logarithms that most are made of.

A loss of another package may inherit from ``PerExampleLoss`` too, or just keep to the protocol ``Loss``.
"""

import torch
from torch import Tensor, nn

from labelscan.errors import ConfigError

SMALL_SHARE = 0.3
"""Less of the largest pull is too little at the start: mae has 0.36 of it with 10 classes, which it learns, and 0.25
with 15."""
FADES = 0.015
"""A pull fades if less of it is left at a hundredth of p: 0.01 is left if it is proportional to p, 0.04 for gce."""


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
        """Return why fresh weights would not learn all of many classes, or an empty string.

        With many classes every p starts low, at 1 / K. If a loss then pulls far less than it does later, and ever less
        as p falls, the classes that are learned first take all the force, and the others never catch up. Measured with
        the small CNN on pairs of digits as classes: mae learned 38 of 100 of them, gce with q = 0.7 learned 99, and mae
        after a start with cross-entropy all.
        """
        start = 1 / n_classes
        p = torch.cat([torch.tensor([start, start / 100]), torch.linspace(start, 0.99, 99)])
        others = ((1 - p) / (n_classes - 1))[:, None].expand(-1, n_classes - 1)
        with torch.enable_grad():
            logits = torch.cat([p[:, None], others], dim=1).log().requires_grad_()
            self(logits, torch.zeros(len(p), dtype=torch.int64)).sum().backward()
        assert logits.grad is not None
        pulls = -logits.grad[:, 0]  # downhill in the given logit
        if not pulls.isfinite().all():
            raise ConfigError(
                "wrong-loss",
                "its gradient is not finite with these options",
                where="training.loss",
                hint="see labelscan list losses",
            )
        share = (pulls[0] / pulls.max()).item()
        if share >= SMALL_SHARE or pulls[1] > FADES * pulls[0]:
            return ""
        return (
            f"an untrained model of {n_classes} classes starts at p = {start:.3g}, where the loss pulls {share:.0%} "
            f"as hard as at most and less the lower p: classes that fall behind would never be learned"
        )


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
