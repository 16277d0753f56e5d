"""Active negative losses: a normalized loss and its negative, which teaches what an example is *not*.

The negative loss adds up how far the other labels are from certainty, measured from the largest possible loss A. It
replaces the mean absolute error of active passive losses, which pulls at every example with the same force. The
option ``d`` is the weight of an L1 term that training adds, and ``gamma`` that of the focal loss.

Source: Ye et al., NeurIPS 2023, "Active Negative Loss Functions for Learning with Noisy Labels"; a, b, d are 1, 1,
1e-6 on MNIST, 5, 5, 5e-5 on CIFAR-10, 20, 1, 5e-6 on WebVision, 10, 1, 5e-7 on CIFAR-100, gamma .5, no weight decay,
gradients no longer than 5.
"""

import math

from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.active_passive import NormalizedCrossEntropy, NormalizedFocal, WeightedSum
from labelscan.training.losses.given_label import focal
from labelscan.training.losses.per_example import PerExampleLoss, at_given, log_probs
from labelscan.training.losses.published import ByClasses, Regularisation

LEAST_LOG_PROB = math.log(1e-7)
"""Smaller probabilities count as 1e-7, to make the loss bounded."""


class NegativeFocal(PerExampleLoss):
    """The negative of normalized focal loss, ``1 - (A - f(p)) / sum_k (A - f(p_k))``; of nce with ``gamma`` 0.

    ``f(u) = -(1 - u) ** gamma * log u`` with its factor held constant, u no smaller than 1e-7, and A = f(1e-7).
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma
        self.largest: float = -((-math.expm1(LEAST_LOG_PROB)) ** gamma) * LEAST_LOG_PROB

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        below_largest = self.largest - focal(log_probs(logits).clamp(min=LEAST_LOG_PROB), self.gamma)
        return 1 - at_given(below_largest, given_labels) / below_largest.sum(dim=1)


class ActiveNegative(WeightedSum):
    """A normalized loss and its negative, with an L1 term on all parameters."""

    by_classes = ByClasses(
        {10: {"a": 5, "b": 5, "d": 5e-5}, 50: {"a": 20, "b": 1, "d": 5e-6}, 100: {"a": 10, "b": 1, "d": 5e-7}}
    )

    def __init__(self, normalized: PerExampleLoss, gamma: float, *, a: float, b: float, d: float) -> None:
        super().__init__(normalized, NegativeFocal(gamma), a=a, b=b)
        check_option(0 <= d < math.inf, d, "d", "at least 0")
        self.d = d
        self.regularisation = Regularisation(l1_weight=d, max_gradient_norm=5.0, weight_decay=0.0)


class ActiveNegativeCrossEntropy(ActiveNegative):
    """Normalized cross-entropy and its negative, with an L1 term on all parameters: ``a * nce + b * nnce``."""

    def __init__(self, a: float = 5.0, b: float = 5.0, d: float = 5e-5) -> None:
        super().__init__(NormalizedCrossEntropy(), 0, a=a, b=b, d=d)


class ActiveNegativeFocal(ActiveNegative):
    """Normalized focal loss and its negative, with an L1 term on all parameters: ``a * nfl + b * nnfl``."""

    def __init__(self, a: float = 5.0, b: float = 5.0, d: float = 5e-5, gamma: float = 0.5) -> None:
        super().__init__(NormalizedFocal(gamma), gamma, a=a, b=b, d=d)
        self.gamma = gamma
