"""Per-example losses by name. Each returns one float32 value an example and averages nothing.

To add a loss, write a file beside these and a line in ``LOSSES``.
"""

from typing import Protocol

from torch import Tensor

from labelscan.losses.blurry import Blurry
from labelscan.losses.cross_entropy import CrossEntropy
from labelscan.losses.focal import Focal
from labelscan.losses.generalized_cross_entropy import GeneralizedCrossEntropy
from labelscan.losses.piecewise_zero import PiecewiseZero
from labelscan.registry import Registry


class Loss(Protocol):
    """What training needs of a loss."""

    default_delay: float
    """Share of the epochs that are trained with plain cross-entropy before this loss takes over."""

    def __call__(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses for (B, K) logits of any floating type and (B,) int64 labels."""

    def stalls(self, n_classes: int) -> str:
        """Return why a model with freshly made weights would not learn under this loss, or an empty string."""


LOSSES: Registry[Loss] = Registry(
    "loss",
    {
        "ce": CrossEntropy,
        "focal": Focal,
        "blurry": Blurry,
        "piecewise-zero": PiecewiseZero,
        "gce": GeneralizedCrossEntropy,
    },
)
