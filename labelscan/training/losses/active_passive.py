"""Active passive losses: a normalized loss that raises the given label, and one that lowers all others.

Both are robust; together they also learn, which each alone does too slowly.

The option ``gamma`` is that of the focal loss.

Source: Ma et al., ICML 2020, arXiv:2006.13554; a and b are 1 and 10 on MNIST, 1 and 1 on CIFAR-10, 50 and .1 (rce)
or 50 and 1 (mae) on WebVision, 10 and .1 (rce) or 10 and 1 (mae) on CIFAR-100, gradients no longer than 5.
"""

from labelscan.training.losses.by_classes import ByClasses
from labelscan.training.losses.mean_absolute_error import MeanAbsoluteError
from labelscan.training.losses.normalized import NormalizedCrossEntropy, NormalizedFocal
from labelscan.training.losses.regularisation import Regularisation
from labelscan.training.losses.reverse_cross_entropy import ReverseCrossEntropy
from labelscan.training.losses.weighted_sum import WeightedSum

REGULARISATION = Regularisation(max_gradient_norm=5.0)
WITH_RCE = ByClasses({10: {"a": 1, "b": 1}, 50: {"a": 50, "b": 0.1}, 100: {"a": 10, "b": 0.1}})
WITH_MAE = ByClasses({10: {"a": 1, "b": 1}, 50: {"a": 50, "b": 1}, 100: {"a": 10, "b": 1}})


class NormalizedCrossEntropyWithReverse(WeightedSum):
    """Normalized cross-entropy, active, and reverse cross-entropy, passive: ``a * nce + b * rce``."""

    by_classes = WITH_RCE
    regularisation = REGULARISATION

    def __init__(self, a: float = 1.0, b: float = 1.0) -> None:
        super().__init__(NormalizedCrossEntropy(), ReverseCrossEntropy(), a=a, b=b)


class NormalizedCrossEntropyWithMae(WeightedSum):
    """Normalized cross-entropy, active, and mean absolute error, passive: ``a * nce + b * mae``."""

    by_classes = WITH_MAE
    regularisation = REGULARISATION

    def __init__(self, a: float = 1.0, b: float = 1.0) -> None:
        super().__init__(NormalizedCrossEntropy(), MeanAbsoluteError(), a=a, b=b)


class NormalizedFocalWithReverse(WeightedSum):
    """Normalized focal loss, active, and reverse cross-entropy, passive: ``a * nfl + b * rce``."""

    by_classes = WITH_RCE
    regularisation = REGULARISATION

    def __init__(self, a: float = 1.0, b: float = 1.0, gamma: float = 0.5) -> None:
        super().__init__(NormalizedFocal(gamma), ReverseCrossEntropy(), a=a, b=b)
        self.gamma = gamma


class NormalizedFocalWithMae(WeightedSum):
    """Normalized focal loss, active, and mean absolute error, passive: ``a * nfl + b * mae``."""

    by_classes = WITH_MAE
    regularisation = REGULARISATION

    def __init__(self, a: float = 1.0, b: float = 1.0, gamma: float = 0.5) -> None:
        super().__init__(NormalizedFocal(gamma), MeanAbsoluteError(), a=a, b=b)
        self.gamma = gamma
