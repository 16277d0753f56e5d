"""Identical images or rows: they must share a fold, else they leak, and should not have different labels."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype

from labelscan.arrays import Strings
from labelscan.data.dataset import Dataset

MANY_VALUES = 20
MOST_COPIES = 5
"""A column of measurements has so many values at least, each of which recurs so often at most, on average: ages, grades
and prices have fewer, and equal rows of these are examples that look alike."""


def number_identical(digests: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (N,) numbers, equal for equal rows of (N, D) digests; a row of zeros is unknown, and equal to nothing."""
    rows = np.ascontiguousarray(digests).view(np.dtype((np.void, digests.shape[1])))[:, 0]
    _, numbers = np.unique(rows, return_inverse=True)
    numbers = numbers.astype(np.int64)
    unknown = np.flatnonzero(~digests.any(axis=1))
    numbers[unknown] = len(digests) + np.arange(len(unknown))
    return numbers


def number_equal_texts(texts: Strings) -> NDArray[np.int64]:
    """Return (N,) numbers, equal for (N,) texts that are the same but for case and spaces; an empty one has its own."""
    plain = pd.Series([" ".join(text.casefold().split()) for text in texts], dtype=object)
    numbers = pd.factorize(plain)[0].astype(np.int64)
    empty = np.flatnonzero((plain == "").to_numpy())
    numbers[empty] = len(numbers) + np.arange(len(empty))
    return numbers


def number_equal_rows(table: NDArray[np.float32] | pd.DataFrame) -> NDArray[np.int64]:
    """Return (N,) numbers, equal for equal rows of a table, unless rows are equal by chance.

    Where fewer than half of the rows are distinct and columns have few values, equal rows are different examples that
    look alike: held out together, none of them could be learned. Every row then has a number of its own. Where the
    fractions of one column tell the distinct rows apart, as measurements do, equal rows are copies.

    Rows are compared by a hash of 64 bits: of a million rows, two that differ share one once in ten million tables.
    """
    # -0 becomes 0, which it equals.
    rows = pd.DataFrame(table + np.float32(0), copy=False) if isinstance(table, np.ndarray) else table
    hashes = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    distinct, numbers = np.unique(hashes, return_inverse=True)
    if 2 * len(distinct) >= len(hashes) or _has_measurements(rows, len(distinct)):
        return numbers.astype(np.int64)
    return np.arange(len(hashes))


def _has_measurements(rows: pd.DataFrame, n_distinct: int) -> bool:
    """Return whether a column has fractions, nearly as many as there are distinct rows, each a few times at most."""
    least = max(MANY_VALUES, 0.9 * n_distinct, len(rows) / MOST_COPIES)
    fractions = (rows[name] for name in rows if is_float_dtype(rows[name]) and (rows[name] % 1 != 0).any())
    return any(column.nunique(dropna=False) >= least for column in fractions)


def find_label_conflicts(dataset: Dataset, numbers: NDArray[np.int64]) -> list[list[tuple[str, str]]]:
    """Return groups of (example id, given label) with the same content and different labels, in the order of ids.

    ``numbers`` are (N,) as from ``number_identical`` or ``number_equal_rows``.
    """
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(numbers[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    conflicts = []
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        rows = order[start : start + size]
        if len(np.unique(dataset.given_labels[rows])) > 1:
            names = [dataset.class_names[label] for label in dataset.given_labels[rows]]
            conflicts.append(list(zip(dataset.example_ids[rows].tolist(), names, strict=True)))
    return sorted(conflicts)
