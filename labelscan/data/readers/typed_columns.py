"""The columns that models see: each as what it holds, without those that say nothing or only tell rows apart.

All numbers without gaps are a ``FeatureTable``, as a network reads it; anything else is a ``ColumnTable``, which an
encoder turns into numbers in each fold.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from labelscan.data.inputs import ColumnTable, FeatureTable
from labelscan.data.readers.cells import Cells, read_column
from labelscan.data.readers.columns import MOST_NAMED, ROW_NUMBERS
from labelscan.errors import DatasetError, Problem

LEAST_ROWS = 20
"""In fewer rows it is chance where all cells differ, stand in order, or go with the labels."""
COMPARED = 1000
"""Rows that are looked at first: they show of most columns that values differ, recur, or leave the labels."""
NAMED_ID = re.compile(r"(?:^|[ _.-])(?:id|uid|uuid|guid|key)$|[a-z]I[Dd]$", re.IGNORECASE)
"""How a column of ids is called."""
WORD = r"[!-~]+"
"""One word in ASCII, as codes, addresses and names are; in some scripts whole texts have no blanks."""
KEEPS_THEM = "--include '*' keeps them"


@dataclass
class _Columns:
    """Columns found so far, and what is wrong or worth a note."""

    labels: NDArray[np.int64]
    """(N,) numbers from 0 on, equal for equal labels."""
    where: Callable[[int], str]
    asked: Collection[str]
    """Columns that are kept though they look like ids or labels."""
    values: dict[str, Cells] = field(default_factory=dict)
    constant: list[str] = field(default_factory=list)
    row_numbers: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    n_missing: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    """Rows, what is wrong there, and what to do."""

    def add(self, name: str, cells: Cells) -> None:
        column = read_column(name, cells, self.where)
        self.refused += [(row, what, column.hint) for row, what in column.refused]
        values = column.values
        if values is None:
            return
        if not _varies(values):
            self.constant.append(name)
        elif name not in self.asked and _are_row_numbers(name, values):
            self.row_numbers.append(name)
        elif name not in self.asked and _are_ids(name, values):
            self.ids.append(name)
        elif name not in self.asked and _are_labels(values, self.labels):
            self.copies.append(name)
        else:
            self.values[name] = values
            self.n_missing |= {name: n_missing} if (n_missing := int(values.isna().sum())) else {}
            self.notes += [column.note] if column.note else []

    def inputs(self, place: str) -> tuple[FeatureTable | ColumnTable, list[str]]:
        """Return the columns and notes on them, or raise DatasetError for what is wrong."""
        DatasetError.refuse(self.refused, lambda one: Problem("not-typed", one[1], self.where(one[0]), one[2]))
        if not self.values:
            raise DatasetError(
                "nothing-to-learn", "no feature column has two different values", where=place, hint=self._why_none()
            )
        notes = [f"features: {_describe(self.values)}", *self.notes]
        if self.n_missing:
            notes.append(f"missing values: {_worst(self.n_missing)}")
        if self.constant:
            notes.append(f"columns dropped that have one value only: {', '.join(self.constant)}")
        if self.row_numbers:
            numbers = ", ".join(map(repr, self.row_numbers))
            notes.append(f"columns dropped that number the rows: {numbers}; {KEEPS_THEM}")
        if self.ids:
            notes.append(f"columns dropped that look like ids: {', '.join(map(repr, self.ids))}; {KEEPS_THEM}")
        if self.copies:
            notes.append(f"columns dropped that are the labels: {', '.join(map(repr, self.copies))}; {KEEPS_THEM}")
        plain = all(_is_number(values) and name not in self.n_missing for name, values in self.values.items())
        if not plain:
            return ColumnTable(pd.DataFrame(self.values, copy=False)), notes
        features = np.empty((len(next(iter(self.values.values()))), len(self.values)), dtype=np.float32)
        for column, values in enumerate(self.values.values()):
            features[:, column] = values.to_numpy()
        return FeatureTable(features, tuple(self.values)), notes

    def _why_none(self) -> str:
        """Return why no column is left, and how to keep what was dropped."""
        if left_out := [*self.row_numbers, *self.ids]:
            return f"{', '.join(map(repr, left_out))} only tell the rows apart; {KEEPS_THEM}"
        return f"{', '.join(map(repr, self.copies))} are the labels" if self.copies else "there is nothing to learn"


def inputs_of_frame(
    frame: pd.DataFrame,
    *,
    labels: Sequence[str],
    where: Callable[[int], str],
    place: str,
    asked: Collection[str] = (),
) -> tuple[FeatureTable | ColumnTable, list[str]]:
    """Return what models see of the N rows of a frame, and notes on its columns.

    Args:
        frame: columns of features, as they were read; its index is not looked at.
        labels: N given labels; a column that only puts them in other words, such as their names, is dropped.
        where: returns the place of a row for messages.
        place: what messages about all rows name.
        asked: columns that are kept though they look like row numbers, ids or labels.

    Raises:
        DatasetError: cells that are not what the others of their column are, no column that varies; up to 20 at once.
    """
    if frame.empty:
        raise DatasetError(
            "no-examples", "there is no example", where=place, hint="check the data, and the split if you set one"
        )
    columns = _Columns(pd.factorize(pd.Series(labels, dtype=object))[0], where, asked)
    for name in frame.columns:
        columns.add(str(name), frame[name].reset_index(drop=True))
    return columns.inputs(place)


def _varies(values: Cells) -> bool:
    """Return whether there are two different values, or one and a gap."""
    return any(values[:head].nunique(dropna=False) > 1 for head in (COMPARED, len(values)))


def _are_row_numbers(name: str, values: Cells) -> bool:
    """Return whether numbers count the rows, or only stand in their order."""
    if not types.is_float_dtype(values.dtype) or values.isna().any():
        return False
    steps = np.diff(values.to_numpy())
    if (steps == 1).all() and name.strip().lower() in ROW_NUMBERS:
        return True
    return len(values) >= LEAST_ROWS and bool((steps >= 1).all() and (values % 1 == 0).all())


def _are_ids(name: str, values: Cells) -> bool:
    """Return whether no two rows have the same value, which is a word or, in a column called so, a whole number."""
    is_text = types.is_string_dtype(values.dtype)
    may_be = is_text or (types.is_float_dtype(values.dtype) and bool(NAMED_ID.search(name)))
    if len(values) < LEAST_ROWS or not may_be or values.isna().any():
        return False
    if not all(values[:head].is_unique for head in (COMPARED, len(values))):
        return False
    return bool((values.str.fullmatch(WORD) if is_text else values % 1 == 0).all())


def _are_labels(values: Cells, labels: NDArray[np.int64]) -> bool:
    """Return whether each value stands for one class, and each class for one value, where classes recur."""
    n_rows = len(labels)
    if n_rows < LEAST_ROWS or 2 * (labels.max() + 1) > n_rows:
        return False
    for head in (COMPARED, n_rows):
        value, label = pd.factorize(values[:head])[0], labels[:head]
        n_pairs = len(np.unique(value * n_rows + label))
        if not len(np.unique(value)) == n_pairs == len(np.unique(label)):
            return False
    return True


def _is_number(values: Cells) -> bool:
    return bool(types.is_float_dtype(values.dtype) or types.is_bool_dtype(values.dtype))


def _describe(columns: dict[str, Cells]) -> str:
    """Return how many columns there are of each kind, and the first of them by name."""
    kinds = {
        "numbers": types.is_float_dtype,
        "truth values": types.is_bool_dtype,
        "dates": types.is_datetime64_any_dtype,
    }
    named: dict[str, list[str]] = {kind: [] for kind in (*kinds, "text")}
    for name, one in columns.items():
        named[next((kind for kind, is_one in kinds.items() if is_one(one.dtype)), "text")].append(repr(name))
    return ", ".join(
        f"{len(names):,} column{'s' if len(names) > 1 else ''} of {kind} "
        f"({', '.join(names[:MOST_NAMED])}{', ...' if len(names) > MOST_NAMED else ''})"
        for kind, names in named.items()
        if names
    )


def _worst(counts: dict[str, int]) -> str:
    """Return the columns with the largest counts, and the sum where others have some too."""
    largest = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_NAMED]
    named = ", ".join(f"{name!r} {counts[name]:,}" for name in largest)
    return named if len(counts) <= MOST_NAMED else f"{named}; {sum(counts.values()):,} in {len(counts):,} columns"
