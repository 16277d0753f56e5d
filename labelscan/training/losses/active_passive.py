"""Active passive losses: a normalized loss that raises the given label, and one that lowers all others.

Both are robust; together they also learn, which each alone does too slowly.

The option ``gamma`` is that of the focal loss.

Source: Ma et al., ICML 2020, arXiv:2006.13554; a and b are 1 and 10 on MNIST, 1 and 1 on CIFAR-10, 50 and .1 (rce)
or 50 and 1 (mae) on WebVision, 10 and .1 (rce) or 10 and 1 (mae) on CIFAR-100, gradients no longer than 5.
"""

import math

from torch import Tensor, nn

from labelscan.registry import check_option
from labelscan.training.losses.given_label import CrossEntropy, MeanAbsoluteError, ReverseCrossEntropy, focal
from labelscan.training.losses.per_example import PerExampleLoss, at_given, log_probs
from labelscan.training.losses.published import ByClasses, Regularisation

REGULARISATION = Regularisation(max_gradient_norm=5.0)
WITH_RCE = ByClasses({10: {"a": 1, "b": 1}, 50: {"a": 50, "b": 0.1}, 100: {"a": 10, "b": 0.1}})
WITH_MAE = ByClasses({10: {"a": 1, "b": 1}, 50: {"a": 50, "b": 1}, 100: {"a": 10, "b": 1}})


class NormalizedCrossEntropy(PerExampleLoss):
    """Cross-entropy over its sum for all labels, ``log p / sum_k log p_k``.

    Source: Ma et al., ICML 2020, arXiv:2006.13554.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        log_p = log_probs(logits)
        return at_given(log_p, given_labels) / log_p.sum(dim=1)


class NormalizedFocal(PerExampleLoss):
    """Focal loss over its sum for all labels, ``f(p) / sum_k f(p_k)`` with ``f(u) = -(1 - u) ** gamma * log u``.

    The factors ``(1 - u) ** gamma`` are held constant, above and below.
    Source: Ma et al., ICML 2020, arXiv:2006.13554, which trains with gamma = .5, and only together with a passive
    loss, see ``nfl+rce`` and ``nfl+mae``.

    Args:
        gamma: how much hard examples are favoured; 0 is nce.
    """

    def __init__(self, gamma: float = 0.5) -> None:
        super().__init__()
        check_option(0 <= gamma < math.inf, gamma, "gamma", "at least 0")
        self.gamma = gamma

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        of_each = focal(log_probs(logits), self.gamma)
        return at_given(of_each, given_labels) / of_each.sum(dim=1)


class WeightedSum(PerExampleLoss):
    """``a * fits + b * holds_back``."""

    def __init__(self, fits: nn.Module, holds_back: nn.Module, *, a: float, b: float) -> None:
        super().__init__()
        for option, value in (("a", a), ("b", b)):
            check_option(0 <= value < math.inf, value, option, "at least 0")
        check_option(a != 0 or b != 0, a, "a", "above 0 where b is 0")
        self.fits = fits
        self.holds_back = holds_back
        self.a = a
        self.b = b

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        fits: Tensor = self.fits(logits, given_labels)
        holds_back: Tensor = self.holds_back(logits, given_labels)
        return self.a * fits + self.b * holds_back


class SymmetricCrossEntropy(WeightedSum):
    """Cross-entropy, which learns, and its reverse, which tolerates wrong labels: ``a * ce + b * rce``.

    Source: Wang et al., ICCV 2019, arXiv:1908.06112; a and b are .01 and 1 on MNIST, .1 and 1 on CIFAR-10, 6 and
    .1 on CIFAR-100 (the readme of its code says 6 and 1), 10 and 1 on WebVision.
    """

    by_classes = ByClasses({10: {"a": 0.1, "b": 1}, 50: {"a": 10, "b": 1}, 100: {"a": 6, "b": 0.1}})

    def __init__(self, a: float = 0.1, b: float = 1.0) -> None:
        super().__init__(CrossEntropy(), ReverseCrossEntropy(), a=a, b=b)


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
