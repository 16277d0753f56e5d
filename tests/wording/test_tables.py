"""What people see of a data frame: each kind of column, missing values, and text from outside."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from labelscan.wording.tables import Column, Table, records


@dataclass(frozen=True)
class Pet:
    name: str
    age: int | None


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("text", "ours", "ours"),
        ("label", "cat", "cat"),
        ("count", 1234, "1,234"),
        ("count", 1234.4, "1,234"),
        ("share", 0.0961, "9.6 %"),
        ("number", 0.12345, "0.123"),
        ("figure", "0.625 ± 0.311", "0.625 ± 0.311"),
    ],
)
def test_a_value_is_shown_as_its_kind_asks(kind, value, shown):
    assert Column("", "value", kind).shown(value) == shown


@pytest.mark.parametrize("missing", [None, np.nan, float("nan")])
def test_a_number_that_is_missing_is_a_dash_and_a_text_is_empty(missing):
    assert Column("", "value", "number").shown(missing) == "-"
    assert Column("", "value", "label").shown(missing) == ""


def test_dataclasses_and_mappings_are_rows_and_ornaments_are_for_terminals_alone():
    columns = [Column("pet", "name", "label"), Column("", text="->"), Column("age", "age", "count")]
    for rows in ([Pet("a|b", 3), Pet("\udcff", None)], [{"name": "a|b", "age": 3}, {"name": "\udcff"}]):
        table = Table.of(columns, rows)
        assert table.cells(columns[1]) == ["->", "->"]
        assert list(table.markdown()) == [
            "| pet | age |",
            "| --- | ---: |",
            "| <code>a&#124;b</code> | 3 |",
            "| <code>&#92;udcff</code> | - |",
        ]


def test_json_has_none_where_a_value_is_missing():
    frame = pd.DataFrame({"n": [1, 2], "share": [0.5, np.nan], "name": ["a", None]})
    assert records(frame) == [{"n": 1, "share": 0.5, "name": "a"}, {"n": 2, "share": None, "name": None}]
