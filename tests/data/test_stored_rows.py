"""Texts and tables come back from their file as they went in."""

import numpy as np
import pandas as pd
from tiny_texts import draw_columns

from labelscan.arrays import as_strings
from labelscan.data.inputs import ColumnTable, Texts
from labelscan.data.stored_rows import StoredRows, write_rows


def test_texts_of_any_script_come_back_in_the_order_asked_for(tmp_path):
    texts = as_strings(["plain", "", "שלום", "🙂 two\nlines", "x" * 1_000_000])
    write_rows(Texts(texts), tmp_path / "rows.arrow")
    stored = StoredRows(tmp_path / "rows.arrow")
    assert len(stored) == 5
    assert stored.take(np.array([4, 2, 1])).tolist() == [texts[4], texts[2], texts[1]]


def test_columns_keep_their_types_and_gaps(tmp_path):
    frame, _, _ = draw_columns(9)
    write_rows(ColumnTable(frame), tmp_path / "rows.arrow")
    back = StoredRows(tmp_path / "rows.arrow").take(np.array([2, 0, 1]))
    pd.testing.assert_frame_equal(
        back, frame.iloc[[2, 0, 1]].reset_index(drop=True), check_dtype=False, check_column_type=False
    )
    assert back["weight"].isna().tolist() == [False, False, True]
    assert back["sold"].dtype.kind == "M"
    assert back["imported"].dtype == bool
