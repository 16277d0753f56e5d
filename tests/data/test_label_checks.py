"""A column that gives the label away is named."""

import numpy as np
import pandas as pd
from tiny_texts import column_dataset, draw_columns

from labelscan.data.dataset import make_dataset
from labelscan.data.inputs import FeatureTable
from labelscan.data.label_checks import warn_of_counted_labels, warn_of_leaking_columns


def test_a_code_of_the_label_and_gaps_that_follow_it_are_named():
    frame, _, given = draw_columns()
    assert warn_of_leaking_columns(column_dataset(frame, given)) == []
    codes = pd.Series(given, dtype=object).map({"ring": 7.0, "coat": 8.0, "lamp": 9.0})
    (warning,) = warn_of_leaking_columns(column_dataset(frame.assign(code=codes), given))
    assert "'code' alone gives 100.0% of the labels" in warning
    assert "--exclude 'code'" in warning
    two = ["gone" if label == "ring" else "stayed" for label in given]
    left = np.where(np.array(two) == "gone", np.arange(len(two), dtype=float), np.nan)
    assert "'left'" in warn_of_leaking_columns(column_dataset(frame.assign(left=left), two))[0]


def test_tables_of_plain_numbers_are_looked_at_too_and_rare_classes_do_not_make_columns_leak():
    labels = ["a"] * 298 + ["b"] * 2
    numbers = np.column_stack([np.arange(300) % 5, np.arange(300) % 7]).astype(np.float32)

    def dataset(labels, numbers):
        inputs = FeatureTable(numbers, ("x", "y"))
        ids = list(map(str, range(300)))
        return make_dataset(
            name="t", inputs=inputs, labels=labels, example_ids=ids, where=str, ids_depend_on_order=True
        )

    assert warn_of_leaking_columns(dataset(labels, numbers)) == []
    assert len(warn_of_leaking_columns(dataset([str(row % 5) for row in range(300)], numbers))) == 1


def test_many_whole_numbers_in_few_rows_each_are_reported():
    frame = pd.DataFrame({"x": np.arange(300.0)})
    (warning,) = warn_of_counted_labels(column_dataset(frame, [str(row % 30 - 2) for row in range(300)]))
    assert "30 whole numbers, from -2 to 27" in warning


def test_classes_are_not_taken_for_counts():
    frame = pd.DataFrame({"x": np.arange(3000.0)})
    for labels in ([str(row % 10) for row in range(3000)], [f"kind {row % 30}" for row in range(3000)]):
        assert warn_of_counted_labels(column_dataset(frame, labels)) == []
    assert warn_of_counted_labels(column_dataset(frame, [str(row % 30) for row in range(3000)])) == []
