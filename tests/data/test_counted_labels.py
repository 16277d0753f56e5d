import numpy as np
import pandas as pd
from tiny_texts import column_dataset

from labelscan.data.counted_labels import warn_of_counted_labels


def test_many_whole_numbers_in_few_rows_each_are_told():
    frame = pd.DataFrame({"x": np.arange(300.0)})
    (warning,) = warn_of_counted_labels(column_dataset(frame, [str(row % 30 - 2) for row in range(300)]))
    assert "30 whole numbers, from -2 to 27" in warning


def test_classes_are_not_taken_for_counts():
    frame = pd.DataFrame({"x": np.arange(3000.0)})
    for labels in ([str(row % 10) for row in range(3000)], [f"kind {row % 30}" for row in range(3000)]):
        assert warn_of_counted_labels(column_dataset(frame, labels)) == []
    assert warn_of_counted_labels(column_dataset(frame, [str(row % 30) for row in range(3000)])) == []
