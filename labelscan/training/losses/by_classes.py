"""Default options by the number of classes.

Papers tune the options of a loss for each data set. What decides between their choices, as far as is known
of new data, is the number of classes: with many of them a label's probability starts low and the part of a loss
that makes a model fit must be stronger. A loss whose class has an attribute ``by_classes`` gets its defaults so.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FAR = 1.25
"""Ratio of two numbers of classes from which on they are not about the same."""


@dataclass(frozen=True, slots=True)
class ByClasses:
    """Published options of a loss.

    Those of CIFAR-10 stand for 10 classes, of WebVision (its first classes) for 50, of CIFAR-100 for 100. Other
    numbers of classes take the nearest in ratio, so that 50 take those for 100 where there are none for 50.
    """

    columns: Mapping[int, Mapping[str, float]]
    """Options by the number of classes that they were published for, ascending."""

    def options(self, n_classes: int) -> Mapping[str, float]:
        """Return the options for data of ``n_classes``."""
        return self.columns[self.nearest(n_classes)]

    def nearest(self, n_classes: int) -> int:
        """Return the number of classes of the options that data of ``n_classes`` get."""
        return min(self.columns, key=lambda published: abs(math.log(n_classes / published)))

    def is_between(self, n_classes: int) -> bool:
        """Return whether ``n_classes`` lie between two published numbers and near neither."""
        if not min(self.columns) < n_classes < max(self.columns):
            return False
        return abs(math.log(n_classes / self.nearest(n_classes))) > math.log(FAR)

    def ranges(self) -> Iterator[tuple[int, Mapping[str, float]]]:
        """Yield (number of classes from which on they are taken, options), ascending."""
        below: int | None = None
        for number, options in self.columns.items():
            yield 2 if below is None else math.isqrt(below * number) + 1, options
            below = number
