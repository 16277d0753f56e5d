"""Per-example losses by name. Each returns one float32 value an example and averages nothing.

To add a loss, write a file here and a line in ``LOSSES``; another package adds one by an entry point in the group
``labelscan.loss``. Besides what ``Loss`` asks for, a loss may have a table ``by_classes`` of its defaults, a
``regularisation`` that training applies while it is in force, and, as ``RemembersExamples``, a memory of examples.
"""

from typing import Protocol, TypeGuard

import torch
from torch import Tensor

from labelscan.registry import Registry
from labelscan.training.losses import active_passive, given_label
from labelscan.training.losses.active_negative import ActiveNegativeCrossEntropy, ActiveNegativeFocal
from labelscan.training.losses.early_learning import EarlyLearning


class Loss(Protocol):
    """A loss as training uses it."""

    default_delay: float
    """Share of the epochs that train with plain cross-entropy before this loss takes over."""

    def __call__(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses for (B, K) logits of any floating type and (B,) int64 labels."""

    def stalls(self, n_classes: int) -> str:
        """Return why a model with fresh weights would not learn under this loss, or an empty string."""


class RemembersExamples(Protocol):
    """A loss that remembers something of every example from epoch to epoch.

    Where it is an ``nn.Module`` with its memory in buffers, a training can be left and resumed.
    """

    def begin(self, n_examples: int, n_classes: int, device: torch.device) -> Loss:
        """Return the loss for one training, with an empty memory of its own."""

    def __call__(self, logits: Tensor, given_labels: Tensor, positions: Tensor) -> Tensor:
        """Return (B,) float32 losses; ``positions``, (B,) int64, are row numbers among the training examples."""


def remembers_examples(loss: Loss) -> TypeGuard[RemembersExamples]:
    """Return whether ``loss`` must be begun for each training, and takes the positions of the examples."""
    return hasattr(loss, "begin")


def losses_of(loss: Loss, logits: Tensor, given_labels: Tensor, positions: Tensor) -> Tensor:
    """Return (B,) float32 losses of a batch, whether or not the loss uses positions."""
    if remembers_examples(loss):
        return loss(logits, given_labels, positions)
    return loss(logits, given_labels)


LOSSES: Registry[Loss] = Registry(
    "loss",
    {
        "ce": given_label.CrossEntropy,
        "focal": given_label.Focal,
        "blurry": given_label.Blurry,
        "piecewise-zero": given_label.PiecewiseZero,
        "gce": given_label.GeneralizedCrossEntropy,
        "mae": given_label.MeanAbsoluteError,
        "rce": given_label.ReverseCrossEntropy,
        "sce": active_passive.SymmetricCrossEntropy,
        "nce": active_passive.NormalizedCrossEntropy,
        "nfl": active_passive.NormalizedFocal,
        "nce+rce": active_passive.NormalizedCrossEntropyWithReverse,
        "nce+mae": active_passive.NormalizedCrossEntropyWithMae,
        "nfl+rce": active_passive.NormalizedFocalWithReverse,
        "nfl+mae": active_passive.NormalizedFocalWithMae,
        "anl-ce": ActiveNegativeCrossEntropy,
        "anl-fl": ActiveNegativeFocal,
        "agce": given_label.AsymmetricGeneralizedCrossEntropy,
        "aul": given_label.AsymmetricUnhinged,
        "ael": given_label.AsymmetricExponential,
        "taylor-ce": given_label.TaylorCrossEntropy,
        "elr": EarlyLearning,
    },
)
