"""The columns that models see: each as what it holds, without those that say nothing or only tell rows apart.

All numbers without gaps are a ``FeatureTable``, as a network reads it; anything else is a ``ColumnTable``, which an
encoder turns into numbers in each fold.
"""

import re
from collections.abc import Callable, Collection, Sequence

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
CONSTANT, NUMBERED, IDS, COPIES = "have one value only", "number the rows", "look like ids", "are the labels"
"""Why columns are dropped, as notes say it."""
KEEPS_THEM = "--include '*' keeps them"


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
    codes = pd.factorize(pd.Series(labels, dtype=object))[0]
    kept: dict[str, Cells] = {}
    dropped: dict[str, list[str]] = {reason: [] for reason in (CONSTANT, NUMBERED, IDS, COPIES)}
    refused: list[tuple[int, str, str]] = []  # rows, what is wrong there, and what to do
    notes: list[str] = []
    for name in map(str, frame.columns):
        column = read_column(name, frame[name].reset_index(drop=True), where)
        refused += [(row, what, column.hint) for row, what in column.refused]
        if column.values is None:
            continue
        if reason := _why_dropped(name, column.values, codes, is_asked=name in asked):
            dropped[reason].append(name)
        else:
            kept[name] = column.values
            notes += [column.note] if column.note else []
    DatasetError.refuse(refused, lambda one: Problem("not-typed", one[1], where(one[0]), one[2]))
    if not kept:
        copies = ", ".join(map(repr, dropped[COPIES]))
        hint = f"{copies} are the labels" if copies else "there is nothing to learn"
        if ids := [*dropped[NUMBERED], *dropped[IDS]]:
            hint = f"{', '.join(map(repr, ids))} only tell the rows apart; {KEEPS_THEM}"
        raise DatasetError("nothing-to-learn", "no feature column has two different values", where=place, hint=hint)
    n_missing = {name: n for name, values in kept.items() if (n := int(values.isna().sum()))}
    notes = [f"features: {_describe(kept)}", *notes]
    notes += [f"missing values: {_worst(n_missing)}"] if n_missing else []
    for reason, names in dropped.items():
        if names and reason == CONSTANT:
            notes.append(f"columns dropped that {reason}: {', '.join(names)}")
        elif names:
            notes.append(f"columns dropped that {reason}: {', '.join(map(repr, names))}; {KEEPS_THEM}")
    if n_missing or not all(types.is_float_dtype(one.dtype) or types.is_bool_dtype(one.dtype) for one in kept.values()):
        return ColumnTable(pd.DataFrame(kept, copy=False)), notes
    features = np.empty((len(frame), len(kept)), dtype=np.float32)
    for column_number, values in enumerate(kept.values()):
        features[:, column_number] = values.to_numpy()
    return FeatureTable(features, tuple(kept)), notes


def _why_dropped(name: str, values: Cells, labels: NDArray[np.int64], *, is_asked: bool) -> str:
    """Return why models do not see a column, empty where they do.

    ``labels`` are (N,) numbers from 0 on, equal for equal labels. A column that ``is_asked`` for may look like ids or
    labels.
    """
    if not any(values[:head].nunique(dropna=False) > 1 for head in (COMPARED, len(values))):
        return CONSTANT
    if is_asked:
        return ""
    if _are_row_numbers(name, values):
        return NUMBERED
    if _are_ids(name, values):
        return IDS
    return COPIES if _are_labels(values, labels) else ""


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
