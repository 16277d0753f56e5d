"""What stands out in a row of a table among the values of its class, in place of the picture that images have.

A number, or a date as seconds, is measured in robust standard deviations, so that suspects and other wrong rows do not
widen what counts as usual: 1.4826 times the median absolute deviation from the median (Hampel 1974), which is the
standard deviation of a normal distribution. If more than half of a class share one value, that is zero, and 1.2533
times the mean absolute deviation takes its place.

A category, a truth value or a gap stands out by the share of its class that has the same or a rarer value; the distance
beyond which a normal distribution has as much makes it comparable with a number. In a column of names or of free text
each value is as rare as the others, and none stands out.
"""

import warnings
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from labelscan.arrays import GivenLabels, Index
from labelscan.data.inputs import ColumnTable, FeatureTable
from labelscan.reporting.page import FeatureNote
from labelscan.wording.words import percent, shorten

MOST_NOTES = 5
MOST_ROWS = 20_000
"""The most examples of a class, evenly spaced, from which its usual values are computed."""
FROM_MEDIAN, FROM_MEAN = 1.4826, 1.2533
MISSING = "missing"
MOST_DEVIATIONS = 1e9
"""What an infinite number counts as."""
MOST_CHARACTERS = 120
"""Characters of a text that a row shows."""


class _Usual(NamedTuple):
    """What is usual in a class."""

    median: NDArray[np.float64]
    """(D,) of the numbers that are there and finite, NaN without any."""
    deviation: NDArray[np.float64]
    """(D,) robust standard deviations; 0 where all are equal."""
    missing: NDArray[np.float64]
    """(D,) shares that are missing."""
    counts: dict[str, Counter[str]]
    """By column, how many examples have each value, in words."""


class UnusualValues:
    """Finds what stands out in the rows of a table; what is usual in a class is computed once."""

    def __init__(self, table: FeatureTable | ColumnTable, given_labels: GivenLabels) -> None:
        self._table, self._given_labels = table, given_labels
        self._usual: dict[int, _Usual] = {}
        self._frame = table.frame if isinstance(table, ColumnTable) else pd.DataFrame()
        kinds = {str(name): self._frame[name].dtype for name in self._frame.columns}
        is_number, is_bool = pd.api.types.is_numeric_dtype, pd.api.types.is_bool_dtype
        self._dates = [name for name, kind in kinds.items() if kind.kind == "M"]
        numbers = [name for name, kind in kinds.items() if is_number(kind) and not is_bool(kind)]
        self._numbers = [name for name in kinds if name in numbers or name in self._dates]
        self._others = [name for name in kinds if name not in self._numbers]
        if isinstance(table, FeatureTable):
            self._numbers = list(table.names) or [f"feature {place}" for place in range(table.features.shape[1])]

    def notes(self, row: int, *, given: int, suggested: int) -> tuple[FeatureNote, ...]:
        """Return the values of a row that stand out most among those of its given class, the strangest first.

        Where nothing stands out the strangest are usual values: rows that are drawn to be measured need some to show.
        """
        usual, other = self._usual_of(given), self._usual_of(suggested)
        values = self._block([row])[0].astype(np.float64)
        is_missing, varies = np.isnan(values), usual.deviation > 0
        deviations = np.divide(values - usual.median, usual.deviation, out=np.zeros(len(values)), where=varies)
        deviations = np.clip(deviations, -MOST_DEVIATIONS, MOST_DEVIATIONS)
        deviations[is_missing] = _as_deviations(usual.missing[is_missing])
        order = np.argsort(-np.abs(deviations), kind="stable")
        found = []
        for place in order[(is_missing | varies)[order]][:MOST_NOTES].tolist():
            name = self._numbers[place]
            numbers = (values[place], usual.median[place], other.median[place])
            found.append(_note(name, deviations[place], *(_shown(one, is_date=name in self._dates) for one in numbers)))
        for name, counts in usual.counts.items():
            if len(counts) > 1 and max(counts.values()) > 1:  # else all values are the same, or all different
                value = as_words(self._frame[name].iloc[row])
                as_rare = max(sum(count for count in counts.values() if count <= counts[value]), 1) / counts.total()
                shares = [percent(one[value] / one.total(), 0) for one in (counts, other.counts[name])]
                found.append(_note(name, _as_deviations(as_rare), value, *(f"{share} have it" for share in shares)))
        return tuple(sorted(found, key=lambda note: -abs(note.deviations))[:MOST_NOTES])

    def cells(self, row: int) -> tuple[tuple[str, str], ...]:
        """Return all columns of a row with what they hold; none where they have no names, as those of an embedding."""
        if isinstance(self._table, ColumnTable):
            return tuple((str(name), as_words(self._frame[name].iloc[row])) for name in self._frame.columns)
        numbers = self._table.features[row].tolist() if self._table.names else ()
        return tuple((name, f"{number:.6g}") for name, number in zip(self._table.names, numbers, strict=True))

    def _usual_of(self, label: int) -> _Usual:
        if label not in self._usual:
            rows = np.flatnonzero(self._given_labels == label)
            rows = rows[:: -(-len(rows) // MOST_ROWS) or 1]
            block = self._block(rows)
            there = np.where(np.isfinite(block), block, np.float32(np.nan))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of columns in which nothing is there
                median = np.nanmedian(there, axis=0).astype(np.float64)
                distance = np.abs(there - median)
                from_median, from_mean = np.nanmedian(distance, axis=0), np.nanmean(distance, axis=0)
            deviation = np.where(from_median > 0, FROM_MEDIAN * from_median, FROM_MEAN * from_mean)
            counts = {name: self._counted(name, rows) for name in self._others}
            self._usual[label] = _Usual(median, deviation, np.isnan(block).mean(axis=0), counts)
        return self._usual[label]

    def _counted(self, name: str, rows: Index) -> Counter[str]:
        counts: Counter[str] = Counter()
        values = self._frame[name].iloc[rows].value_counts(dropna=False, sort=False)
        for value, count in values.items():
            if count:  # a category may have no example in this class
                counts[as_words(value)] += int(count)
        return counts

    def _block(self, rows: Index | list[int]) -> NDArray[np.floating]:
        """Return (M, D) what rows have in the columns of numbers and dates, NaN where it is missing."""
        if isinstance(self._table, FeatureTable):
            return self._table.features[rows]
        columns = [_as_numbers(self._frame[name].iloc[rows]) for name in self._numbers]
        return np.stack(columns, axis=1) if columns else np.empty((len(rows), 0))


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


def _note(name: str, deviations: float, *values: float | str) -> FeatureNote:
    value, usual, of_suggested = values
    return FeatureNote(
        name=name, value=value, usual=usual, usual_of_suggested=of_suggested, deviations=_rounded(deviations)
    )


def _as_deviations(share: Any) -> Any:
    """Return how far from the mean of a normal distribution a share of it lies on both sides, at least one in 1e9."""
    return -ndtri(np.maximum(share, 1e-9) / 2)


def _shown(number: float, *, is_date: bool) -> float | str:
    """Return a number or a day as people read it; JSON holds neither NaN nor ``inf``."""
    if np.isnan(number):
        return MISSING
    if is_date:  # the time of day would be that of a median between two days
        return str(np.datetime64(round(number), "s").astype("datetime64[D]"))
    return str(number) if np.isinf(number) else _rounded(number)


def _rounded(value: float) -> float:
    """Return a number as it was before it became a float32: 2.6, not 2.5999999."""
    return float(f"{value:.6g}")
