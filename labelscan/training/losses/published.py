"""What papers publish together with a loss: options by the number of classes, and regularisation of a batch.

Papers tune the options of a loss for each data set. Of new data only the number of classes is known: with many of
them a label's probability starts low, and the part of a loss that makes a model fit must be stronger.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labelscan.errors import ConfigError

FAR = 1.25
"""Two numbers of classes in a larger ratio are not about the same."""


@dataclass(frozen=True, slots=True)
class ByClasses:
    """Options of a loss by the number of classes, ascending, that they were published for.

    CIFAR-10 counts as 10 classes, WebVision (its first classes) as 50, and CIFAR-100 as 100. Other numbers of classes
    use the options of the nearest in ratio.
    """

    columns: Mapping[int, Mapping[str, float]]

    def options(self, n_classes: int) -> Mapping[str, float]:
        """Return the options for data of ``n_classes``."""
        return self.columns[self.nearest(n_classes)]

    def nearest(self, n_classes: int) -> int:
        """Return the published number of classes whose options ``n_classes`` use."""
        return min(self.columns, key=lambda published: abs(math.log(n_classes / published)))

    def is_between(self, n_classes: int) -> bool:
        """Return whether ``n_classes`` is between two published numbers and near neither."""
        if not min(self.columns) < n_classes < max(self.columns):
            return False
        return abs(math.log(n_classes / self.nearest(n_classes))) > math.log(FAR)

    def ranges(self) -> Iterator[tuple[int, Mapping[str, float]]]:
        """Yield (least number of classes that they are used for, options), ascending."""
        for below, (number, options) in zip([0, *self.columns], self.columns.items(), strict=False):
            yield max(2, math.isqrt(below * number) + 1), options


@dataclass(frozen=True, kw_only=True, slots=True)
class Regularisation:
    """What training does while the loss that has it as its attribute ``regularisation`` is in force."""

    l1_weight: float = 0.0
    """Times the L1 norm of all parameters, added to the mean loss of a batch."""
    max_gradient_norm: float = 0.0
    """Gradients of a batch are clipped to this norm; 0 leaves them as they are."""
    weight_decay: float | None = None
    """Replaces the model's for the whole training, unless the user has set one; None keeps the model's."""


NONE = Regularisation()


def regularisation_of(loss: object) -> Regularisation:
    """Return the regularisation of ``loss``, or ``NONE``."""
    found = getattr(loss, "regularisation", NONE)
    if not isinstance(found, Regularisation):
        raise ConfigError(
            "wrong-loss",
            f"its regularisation is {found!r}, not a Regularisation",
            where=f"loss {type(loss).__name__}",
            hint="fix it in the code of the loss",
        )
    return found
