"""Symmetric cross-entropy: cross-entropy in both directions."""

from labelscan.training.losses.by_classes import ByClasses
from labelscan.training.losses.cross_entropy import CrossEntropy
from labelscan.training.losses.reverse_cross_entropy import ReverseCrossEntropy
from labelscan.training.losses.weighted_sum import WeightedSum


class SymmetricCrossEntropy(WeightedSum):
    """Cross-entropy, which learns, and its reverse, which tolerates wrong labels: ``a * ce + b * rce``.

    Source: Wang et al., ICCV 2019, arXiv:1908.06112; a and b are .01 and 1 on MNIST, .1 and 1 on CIFAR-10, 6 and
    .1 on CIFAR-100 (the readme of its code says 6 and 1), 10 and 1 on WebVision.
    """

    by_classes = ByClasses({10: {"a": 0.1, "b": 1}, 50: {"a": 10, "b": 1}, 100: {"a": 6, "b": 0.1}})

    def __init__(self, a: float = 0.1, b: float = 1.0) -> None:
        super().__init__(CrossEntropy(), ReverseCrossEntropy(), a=a, b=b)
