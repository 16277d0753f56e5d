"""The values of a table's row that stand out among those of its class: what there is to see where there is no picture.

How far a value stands out is measured in robust standard deviations, so that the very rows which are suspected, and any
others that are wrong, do not widen what counts as usual: 1.4826 times the median absolute deviation from the median
(Hampel 1974), which for a normal distribution is its standard deviation. Where more than half of a class have one and
the same value that is zero, and 1.2533 times the mean absolute deviation stands in for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels
from labelscan.data.dataset import FeatureTable
from labelscan.reporting.page import FeatureNote

MOST_NOTES = 5
LEAST_DEVIATIONS = 1.0
"""What lies nearer than this to the median does not stand out."""
MOST_ROWS = 20_000
"""The most examples of a class, evenly spaced, that its usual values are computed from."""
FROM_MEDIAN, FROM_MEAN = 1.4826, 1.2533


@dataclass(frozen=True, slots=True)
class Usual:
    """What the values of one class are like."""

    median: NDArray[np.float64]
    """(D,)"""
    deviation: NDArray[np.float64]
    """(D,) robust standard deviations; 0 where all values are the same."""


class StandingOut:
    """What stands out in the rows of a table.

    Args:
        table: N rows of features.
        given_labels: (N,)
    """

    def __init__(self, table: FeatureTable, given_labels: GivenLabels) -> None:
        self._table, self._given_labels = table, given_labels
        self._usual: dict[int, Usual] = {}

    def notes(self, row: int, *, given: int, suggested: int) -> tuple[FeatureNote, ...]:
        """Return the values of a row that stand out most among those of its class, first the strangest.

        Args:
            row: of the table.
            given: the class of its label.
            suggested: the class that it is taken for.
        """
        usual, other = self._of_class(given), self._of_class(suggested)
        values = self._table.features[row].astype(np.float64)
        spread = usual.deviation > 0
        deviations = np.zeros(len(values))
        deviations[spread] = (values - usual.median)[spread] / usual.deviation[spread]
        order = np.argsort(-np.abs(deviations), kind="stable")[:MOST_NOTES].tolist()
        return tuple(
            FeatureNote(
                name=self._name(place),
                value=_rounded(values[place]),
                usual=_rounded(usual.median[place]),
                usual_of_suggested=_rounded(other.median[place]),
                deviations=_rounded(deviations[place]),
            )
            for place in order
            if abs(deviations[place]) >= LEAST_DEVIATIONS
        )

    def _name(self, place: int) -> str:
        names: Sequence[str] = self._table.names
        return names[place] if names else f"feature {place}"

    def _of_class(self, label: int) -> Usual:
        if label not in self._usual:
            rows = np.flatnonzero(self._given_labels == label)
            step = -(-len(rows) // MOST_ROWS) or 1
            self._usual[label] = _usual_of(self._table.features[rows[::step]])
        return self._usual[label]


def _usual_of(features: NDArray[np.float32]) -> Usual:
    """Return what (M, D) values of a class are like."""
    median = np.median(features, axis=0).astype(np.float64)
    distance = np.abs(features - median)
    from_median, from_mean = np.median(distance, axis=0), distance.mean(axis=0)
    return Usual(median, np.where(from_median > 0, FROM_MEDIAN * from_median, FROM_MEAN * from_mean))


def _rounded(value: float) -> float:
    """Return a number as it was before it became a float32: 2.6, not 2.5999999."""
    return float(f"{value:.6g}")
