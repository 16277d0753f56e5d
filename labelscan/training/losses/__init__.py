"""Per-example losses by name. Each returns one float32 value an example and averages nothing.

To add a loss, write a file here and a line in ``LOSSES``; another package adds one by an entry point in the group
``labelscan.loss``. Besides what ``Loss`` asks for, a loss may have a table ``by_classes`` of its defaults, a
``regularisation`` that training applies while it is in force, and, as ``RemembersExamples``, a memory of examples.
"""

from typing import Protocol, TypeGuard

import torch
from torch import Tensor

from labelscan.registry import Registry
from labelscan.training.losses.active_negative import ActiveNegativeCrossEntropy, ActiveNegativeFocal
from labelscan.training.losses.active_passive import (
    NormalizedCrossEntropyWithMae,
    NormalizedCrossEntropyWithReverse,
    NormalizedFocalWithMae,
    NormalizedFocalWithReverse,
)
from labelscan.training.losses.asymmetric import (
    AsymmetricExponential,
    AsymmetricGeneralizedCrossEntropy,
    AsymmetricUnhinged,
)
from labelscan.training.losses.blurry import Blurry
from labelscan.training.losses.cross_entropy import CrossEntropy
from labelscan.training.losses.early_learning import EarlyLearning
from labelscan.training.losses.focal import Focal
from labelscan.training.losses.generalized_cross_entropy import GeneralizedCrossEntropy
from labelscan.training.losses.mean_absolute_error import MeanAbsoluteError
from labelscan.training.losses.normalized import NormalizedCrossEntropy, NormalizedFocal
from labelscan.training.losses.piecewise_zero import PiecewiseZero
from labelscan.training.losses.reverse_cross_entropy import ReverseCrossEntropy
from labelscan.training.losses.symmetric_cross_entropy import SymmetricCrossEntropy
from labelscan.training.losses.taylor_cross_entropy import TaylorCrossEntropy


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
        "ce": CrossEntropy,
        "focal": Focal,
        "blurry": Blurry,
        "piecewise-zero": PiecewiseZero,
        "gce": GeneralizedCrossEntropy,
        "mae": MeanAbsoluteError,
        "rce": ReverseCrossEntropy,
        "sce": SymmetricCrossEntropy,
        "nce": NormalizedCrossEntropy,
        "nfl": NormalizedFocal,
        "nce+rce": NormalizedCrossEntropyWithReverse,
        "nce+mae": NormalizedCrossEntropyWithMae,
        "nfl+rce": NormalizedFocalWithReverse,
        "nfl+mae": NormalizedFocalWithMae,
        "anl-ce": ActiveNegativeCrossEntropy,
        "anl-fl": ActiveNegativeFocal,
        "agce": AsymmetricGeneralizedCrossEntropy,
        "aul": AsymmetricUnhinged,
        "ael": AsymmetricExponential,
        "taylor-ce": TaylorCrossEntropy,
        "elr": EarlyLearning,
    },
)
