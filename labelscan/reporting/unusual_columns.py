"""What stands out in a row of a table as it is: numbers and dates as in ``unusual_features``, and rare values.

A category, a truth value or a gap stands out by the share of its class that has the same or a rarer value; the distance
beyond which a normal distribution has as much makes it comparable with a number. In a column of names or of free text
each value is as rare as the others, and none stands out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from labelscan.arrays import GivenLabels
from labelscan.data.inputs import ColumnTable
from labelscan.reporting.page import FeatureNote
from labelscan.reporting.unusual_features import MOST_NOTES, evenly_spaced, rounded, usual_of
from labelscan.wording.words import percent, shorten

MISSING = "missing"
MOST_DEVIATIONS = 1e9
"""What an infinite number counts as."""
MOST_CHARACTERS = 120
"""Characters of a text that a row shows."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What is usual in a class for a column of numbers, or of dates as seconds."""

    median: float
    """NaN where all are missing or infinite."""
    deviation: float
    """0 where all are equal or missing."""
    missing: float
    """The share that is missing."""


@dataclass(frozen=True, slots=True)
class _Values:
    """How many examples of a class have each value of a column, by its words."""

    counts: dict[str, int]
    n: int

    def share(self, value: str) -> float:
        return self.counts.get(value, 0) / self.n

    def share_as_rare(self, value: str) -> float:
        count = self.counts.get(value, 0)
        return max(sum(other for other in self.counts.values() if other <= count), 1) / self.n

    @property
    def is_uninformative(self) -> bool:
        """Return whether all values are the same, or all different."""
        return len(self.counts) == 1 or max(self.counts.values()) == 1


class UnusualColumns:
    """Finds what stands out in the rows of a table; what is usual in a class is computed once a column."""

    def __init__(self, table: ColumnTable, given_labels: GivenLabels) -> None:
        self._frame, self._given_labels = table.frame, given_labels
        self._usual: dict[tuple[str, int], _Numbers | _Values] = {}

    def notes(self, row: int, *, given: int, suggested: int) -> tuple[FeatureNote, ...]:
        """Return the values of a row that stand out most among those of its given class, the strangest first."""
        found = [self._note(str(name), row, given, suggested) for name in self._frame.columns]
        notes = sorted((note for note in found if note is not None), key=lambda note: -abs(note.deviations))
        return tuple(notes[:MOST_NOTES])

    def _note(self, name: str, row: int, given: int, suggested: int) -> FeatureNote | None:
        """Return what there is to say of a value, or None where nothing of its column could stand out."""
        usual, other = self._usual_of(name, given), self._usual_of(name, suggested)
        cell = self._frame[name].iloc[[row]]
        if isinstance(usual, _Numbers):
            assert isinstance(other, _Numbers), "a column is of one kind"
            (number,) = _as_numbers(cell)
            if np.isnan(number):
                deviations = _as_deviations(usual.missing)
            elif usual.deviation > 0:
                deviations = np.clip((number - usual.median) / usual.deviation, -MOST_DEVIATIONS, MOST_DEVIATIONS)
            else:
                return None
            as_shown = _as_date if cell.dtype.kind == "M" else _as_number
            values = (number, usual.median, other.median)
            shown = [MISSING if np.isnan(one) else as_shown(one) for one in values]
        else:
            assert isinstance(other, _Values), "a column is of one kind"
            if usual.is_uninformative:
                return None
            value = as_words(cell.iloc[0])
            deviations = _as_deviations(usual.share_as_rare(value))
            shown = [value, *(f"{percent(one.share(value), 0)} have it" for one in (usual, other))]
        here, of_given, of_suggested = shown
        return FeatureNote(
            name=name, value=here, usual=of_given, usual_of_suggested=of_suggested, deviations=rounded(deviations)
        )

    def _usual_of(self, name: str, label: int) -> _Numbers | _Values:
        if (name, label) not in self._usual:
            cells = self._frame[name].iloc[evenly_spaced(np.flatnonzero(self._given_labels == label))]
            is_number = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
            has_order = is_number or cells.dtype.kind == "M"
            self._usual[name, label] = _summed_up(_as_numbers(cells)) if has_order else _counted(cells)
        return self._usual[name, label]


def as_words(cell: object) -> str:
    """Return what a cell holds as people read it, on one line."""
    if pd.isna(cell):  # type: ignore[call-overload]  # it is a scalar of any kind
        return MISSING
    if isinstance(cell, bool | np.bool_):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ").removesuffix(" 00:00:00")
    return shorten(f"{cell:.6g}" if isinstance(cell, float) else str(cell), MOST_CHARACTERS)


def _as_numbers(cells: "pd.Series[Any]") -> NDArray[np.float64]:
    """Return numbers, or dates as seconds, NaN where they are missing."""
    if cells.dtype.kind != "M":
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers: NDArray[np.float64] = cells.to_numpy().astype("datetime64[s]").astype(np.float64)
    numbers[cells.isna().to_numpy()] = np.nan
    return numbers


def _summed_up(numbers: NDArray[np.float64]) -> _Numbers:
    there, missing = numbers[np.isfinite(numbers)], float(np.isnan(numbers).mean())
    if not len(there):
        return _Numbers(median=np.nan, deviation=0.0, missing=missing)
    (median,), (deviation,) = usual_of(there[:, None])
    return _Numbers(median=float(median), deviation=float(deviation), missing=missing)


def _counted(cells: "pd.Series[Any]") -> _Values:
    counts: dict[str, int] = {}
    for value, count in cells.value_counts(dropna=False, sort=False).items():
        if count:  # a category may have no example in this class
            words = as_words(value)
            counts[words] = counts.get(words, 0) + int(count)
    return _Values(counts, len(cells))


def _as_deviations(share: float) -> float:
    """Return how far from the mean of a normal distribution a share of it lies on both sides, at least one in 1e9."""
    return float(-ndtri(max(share, 1e-9) / 2))


def _as_number(value: float) -> float | str:
    """Return a number, or ``inf``, which JSON cannot hold: a caller's classifier may take it."""
    return str(value) if np.isinf(value) else rounded(value)


def _as_date(seconds: float) -> str:
    """Return the day; the time of day would be that of a median between two days."""
    return str(np.datetime64(round(seconds), "s").astype("datetime64[D]"))
