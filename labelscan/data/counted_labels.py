"""Labels of a table that may count or measure something: a neighbour of the right number is no wrong label."""

import re

from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable

LEAST_NUMBERS = 20
"""Fewer whole numbers are classes more often than counts."""
MOST_ROWS = 50
"""Rows a number, on average, above which they are classes more often than counts."""


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
