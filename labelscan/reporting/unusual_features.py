"""The values in a row of a table that stand out among those of its class, in place of the picture that images have.

The distance is measured in robust standard deviations, so that suspects and other wrong rows do not widen what counts
as usual: 1.4826 times the median absolute deviation from the median (Hampel 1974), which is the standard deviation of a
normal distribution. If more than half of a class share one value, that is zero, and 1.2533 times the mean absolute
deviation takes its place.
"""

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index
from labelscan.data.inputs import FeatureTable
from labelscan.reporting.page import FeatureNote

MOST_NOTES = 5
MOST_ROWS = 20_000
"""The most examples of a class, evenly spaced, from which its usual values are computed."""
FROM_MEDIAN, FROM_MEAN = 1.4826, 1.2533


class UnusualFeatures:
    """Finds what stands out in the rows of a table; the usual values of a class are computed once."""

    def __init__(self, table: FeatureTable, given_labels: GivenLabels) -> None:
        self._table, self._given_labels = table, given_labels
        self._usual: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def notes(self, row: int, *, given: int, suggested: int) -> tuple[FeatureNote, ...]:
        """Return the values of a row that stand out most among those of its given class, the strangest first.

        Where nothing stands out the strangest are usual values: rows that are drawn to be measured need some to show.
        """
        (median, deviation), (other, _) = self._usual_of(given), self._usual_of(suggested)
        values = self._table.features[row].astype(np.float64)
        deviations = np.zeros(len(values))
        np.divide(values - median, deviation, out=deviations, where=deviation > 0)
        order = np.argsort(-np.abs(deviations), kind="stable")[:MOST_NOTES].tolist()
        names = self._table.names
        return tuple(
            FeatureNote(
                name=names[place] if names else f"feature {place}",
                value=rounded(values[place]),
                usual=rounded(median[place]),
                usual_of_suggested=rounded(other[place]),
                deviations=rounded(deviations[place]),
            )
            for place in order
            if deviation[place] > 0
        )

    def _usual_of(self, label: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if label not in self._usual:
            rows = evenly_spaced(np.flatnonzero(self._given_labels == label))
            self._usual[label] = usual_of(self._table.features[rows])
        return self._usual[label]


def evenly_spaced(rows: Index) -> Index:
    """Return the rows of a class from which its usual values are computed."""
    return rows[:: -(-len(rows) // MOST_ROWS) or 1]


def usual_of(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (D,) medians of (M, D) values and their (D,) robust standard deviations, 0 where all are equal."""
    median = np.median(values, axis=0).astype(np.float64)
    distance = np.abs(values - median)
    from_median, from_mean = np.median(distance, axis=0), distance.mean(axis=0)
    return median, np.where(from_median > 0, FROM_MEDIAN * from_median, FROM_MEAN * from_mean)


def rounded(value: float) -> float:
    """Return a number as it was before it became a float32: 2.6, not 2.5999999."""
    return float(f"{value:.6g}")
