"""Labels that no model should learn: a column gives them away, or they count or measure something."""

import re
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable

Column: TypeAlias = "NDArray[np.generic] | pd.Series[Any]"

LOOKED_AT = 1000
"""Rows that are looked at first: most columns of numbers show in them that they have too many values."""
MOST_VALUES = 100
"""A column with more different values is none that names the classes."""
LEAKS_FROM = 0.99
"""The share of labels that the values of a column must give, by the most frequent label of each."""
LEAST_NUMBERS = 20
"""Fewer whole numbers are classes more often than counts."""
MOST_ROWS = 50
"""Rows a number, on average, above which they are classes more often than counts."""


def warn_of_leaking_columns(dataset: Dataset) -> list[str]:
    """Return a warning for each column whose values, or gaps, alone give nearly every label."""
    inputs, labels = dataset.inputs, dataset.given_labels
    columns: dict[str, Column] = {}
    if isinstance(inputs, ColumnTable):
        columns = {str(name): inputs.frame[name] for name in inputs.frame.columns}
    elif isinstance(inputs, FeatureTable):
        columns = dict(zip(inputs.names, inputs.features.T, strict=True)) if inputs.names else {}
    n_classes, most_frequent = len(dataset.class_names), np.bincount(labels).max() / len(labels)
    warnings = []
    for name, column in columns.items():
        codes = _codes(column, most=min(MOST_VALUES, len(labels) // 10))
        counts = np.bincount(codes * n_classes + labels, minlength=(codes.max() + 1) * n_classes)
        share = counts.reshape(-1, n_classes).max(axis=1).sum() / len(labels)
        if share >= LEAKS_FROM and share > (1 + most_frequent) / 2:
            warnings.append(
                f"the column {name!r} alone gives {share:.1%} of the labels, so hardly any label can look wrong: if it "
                f"was made from them, or is filled in after them, leave it out by --exclude {name!r}"
            )
    return warnings


def _codes(column: Column, most: int) -> NDArray[np.int64]:
    """Return (N,) numbers from 0 on, equal for equal values; of more than ``most`` values, whether each is missing."""
    for rows in (column[:LOOKED_AT], column):
        codes, values = pd.factorize(rows, use_na_sentinel=False)
        if len(values) > most:
            return np.asarray(pd.isna(column), dtype=np.int64)  # whether it is filled in may tell as much
    return codes.astype(np.int64)


def warn_of_counted_labels(dataset: Dataset) -> list[str]:
    """Return a warning where the labels of a table are many whole numbers, each in few rows."""
    names, inputs = dataset.class_names, dataset.inputs
    is_table = isinstance(inputs, ColumnTable) or (isinstance(inputs, FeatureTable) and bool(inputs.names))
    if not is_table or not all(re.fullmatch(r"-?[0-9]+", name) for name in names):
        return []
    if len(names) < LEAST_NUMBERS or len(dataset) > MOST_ROWS * len(names):
        return []
    numbers = sorted(map(int, names))
    return [
        f"the labels are {len(names):,} whole numbers, from {numbers[0]:,} to {numbers[-1]:,}: if they count or measure"
        " something, a neighbour is no wrong label; what can be judged are few classes, such as low, medium and high"
    ]
