"""Tables of numbers and categories, and the cells that are refused with row and column."""

import numpy as np
import pandas as pd
import pytest

from data.reading import hint, load, refused, write
from labelscan.config import DatasetConfig
from labelscan.data.readers import form

CSV = "width,height,label\n1.5,2,a\n2.5,3,b\n3.5,5,a\n"


def test_a_table_has_its_numbers_and_row_numbers_as_ids(tmp_path):
    dataset = load(write(tmp_path, CSV))
    np.testing.assert_array_equal(dataset.inputs.features, [[1.5, 2], [2.5, 3], [3.5, 5]])
    assert dataset.inputs.features.dtype == np.float32
    assert dataset.inputs.names == ("width", "height")
    assert dataset.example_ids.tolist() == ["0", "1", "2"]
    assert dataset.given_labels.tolist() == [0, 1, 0]
    assert dataset.path(0) == ""


def test_csv_jsonl_and_parquet_are_the_same_data(tmp_path):
    text = "x,colour,flag,n,label\n1,red,True,,01\n2,blue,False,5,NA\n3,red,True,7,01\n"
    path = write(tmp_path, text)
    cells = pd.read_csv(path, dtype={"label": str, "n": "Int64"}, keep_default_na=False, na_values={"n": [""]})
    cells.to_parquet(tmp_path / "table.parquet")
    cells.to_json(tmp_path / "table.jsonl", orient="records", lines=True)
    one, *others = load(path), load(tmp_path / "table.parquet"), load(tmp_path / "table.jsonl")
    for other in others:
        pd.testing.assert_frame_equal(one.inputs.frame, other.inputs.frame)
        assert one.class_names == other.class_names == ("01", "NA")
        assert one.fingerprint() == other.fingerprint()


def test_a_split_keeps_numbers_and_labels_together(tmp_path):
    text = "x,label,split\n1,a,train\n2,b,val\n3,b,train\nz,a,val\n4,b,val\n5,b,val\n6,a,\n"
    dataset = load(write(tmp_path, text), split="train,")  # a comma too many chooses no rows without a split
    np.testing.assert_array_equal(dataset.inputs.features, [[1], [3]])
    assert dataset.given_labels.tolist() == [0, 1]
    assert refused(write(tmp_path, text), split="val") == [("not-typed", "table.csv row 5")]


def test_the_ten_columns_with_most_gaps_are_named(tmp_path):
    frame = pd.DataFrame(np.arange(12 * 30.0).reshape(30, 12) * ([1, -1] * 6), columns=[f"c{n:02}" for n in range(12)])
    for column in range(12):
        frame.iloc[: column + 1, column] = np.nan
    frame.assign(label=["a", "b"] * 15).to_csv(tmp_path / "table.csv", index=False)
    note = next(note for note in load(tmp_path / "table.csv").notes if note.startswith("missing values"))
    assert note.startswith("missing values: 'c11' 12, 'c10' 11, ")
    assert note.endswith("'c02' 3; 78 in 12 columns")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("x,one,word,label\n1,7,k,a\n2,7,k,b\n", "columns dropped that have one value only: one, word"),
        (",x,label\n0,5,a\n1,1,b\n2,4,a\n", "columns dropped that number the rows: ''; --include '*' keeps them"),
    ],
)
def test_constant_columns_and_row_numbers_are_dropped_with_a_note(tmp_path, text, note):
    dataset = load(write(tmp_path, text))
    assert dataset.inputs.names == ("x",)
    assert note in dataset.notes


def test_free_text_is_kept_beside_numbers(tmp_path):
    rows = "".join(f"text {row},{row % 7},{'ab'[row % 2]}\n" for row in range(150))
    dataset = load(write(tmp_path, "comment,x,label\n" + rows))
    assert dataset.inputs.frame["comment"][3] == "text 3"
    assert "features: 1 column of numbers ('x'), 1 column of text ('comment')" in dataset.notes


def day(text):
    return pd.Timestamp(text)


FEB = [day("2020-02-01"), None, day("2020-03-01")]
COLUMNS = [
    (",", ["red", "NA", ""], ["red", "NA", None], ""),
    (",", ["5", "6", "NA", "?", "", "0"], [5, 6, None, None, None, 0], "missing values: 'x' 3"),
    (",", ["yes", "no", "yes"], [True, False, True], "truth values"),
    (",", ["True", "false", ""], [1, 0, None], ""),
    (",", ["T", "F", "T"], [True, False, True], "truth values"),
    (",", ["Y", "n", ""], [1, 0, None], ""),
    (",", ["2,062.50", "-1,004.10", "", "1,330,000", "904.10"], [2062.5, -1004.1, None, 1330000, 904.1], "thousands"),
    (";", ["0,5", "12,25", "-3,125", "4"], [0.5, 12.25, -3.125, 4], "decimal commas: 'x'"),
    ("\t", ["1.234,5", "12,0", "1.000", "3"], [1234.5, 12, 1000, 3], "decimal commas: 'x'"),
    (";", ["1 234,5", "12\N{NO-BREAK SPACE}000,5", "n/a", ""], [1234.5, 12000.5, None, None], "decimal commas: 'x'"),
    ("\t", ["0,123", "0,250", "0,375", "0,500"], [0.123, 0.25, 0.375, 0.5], "decimal commas: 'x'"),
    (",", ["2020-01-31", "2021-12-01T10:30", "NA"], [day("2020-01-31"), day("2021-12-01T10:30"), None], ""),
    (",", ["2020-01-31T01:00+02:00", "2020-02-01T00:00Z"], [day("2020-01-30T23:00"), day("2020-02-01")], ""),
    (",", ["02/01/2020", "31/01/2020"], [day("2020-01-02"), day("2020-01-31")], ""),
    (",", ["02/01/2020", "01/31/2020"], [day("2020-02-01"), day("2020-01-31")], ""),
    (",", ["1.2.2020", "", "2.3.2020"], [day("2020-02-01"), None, day("2020-03-02")], ""),
    (",", ["Jan 5, 2020", "Feb 1, 2021"], [day("2020-01-05"), day("2021-02-01")], ""),
    (",", ["1/13/2020 3:45 PM", "2/1/2020 11:00 AM"], [day("2020-01-13T15:45"), day("2020-02-01T11:00")], ""),
    (",", ["02/01/2020", "", "03/01/2020"], FEB, "read as %m/%d/%Y: by %d/%m/%Y they could be read too"),
    *[
        (separator, cells, cells, "")
        for separator, *cells in (
            (",", "12 Main St", "7 Oak Ave", "9 Elm Rd", "1 Hill Ln"),
            (",", "3A", "3B", "4C", "5D"),
            (",", "2.15b", "1.0", "3.6rc", "4.1c"),
            (",", "1st", "2nd", "3rd", "4th"),
            (",", "18-25", "26-35", "36-45", "65+"),
            (",", "192.168.0.1", "10.0.0.1", "10.0.0.2", "127.0.0.1"),
            ("\t", "192.168.100.200", "10.100.100.1", "192.168.100.200"),
            (",", "room 1", "room 2", "room 3", "room 4"),
        )
    ],
]


@pytest.mark.parametrize(("separator", "cells", "values", "note"), COLUMNS)
def test_cells_are_read_as_what_most_of_their_column_are(tmp_path, separator, cells, values, note):
    rows = [*zip("uvuvuv", cells, "abbaba", strict=False)]
    pd.DataFrame(rows, columns=["t", "x", "label"]).to_csv(tmp_path / "table.csv", index=False, sep=separator)
    dataset = load(tmp_path / "table.csv")
    read = dataset.inputs.frame["x"].astype(object)
    assert [None if pd.isna(one) else one for one in read] == values
    assert note in " ".join(dataset.notes)
    assert ("dates in column" in " ".join(dataset.notes)) == ("%m" in note)


def test_columns_of_parquet_keep_their_types_and_gaps(tmp_path):
    days = pd.to_datetime(["2020-01-01", None, "2020-01-03"])
    columns = {"flag": [True, None, False], "n": pd.array([1, 2, None], "Int64"), "label": ["a", "b", "a"]}
    frame = pd.DataFrame({"day": days.date, "at": days.tz_localize("Europe/Paris"), **columns})
    frame.to_parquet(tmp_path / "t.parquet")
    dataset = load(tmp_path / "t.parquet")
    table = dataset.inputs.frame
    assert table["day"][2] == pd.Timestamp("2020-01-03")
    assert table["at"][0] == pd.Timestamp("2019-12-31T23:00")
    np.testing.assert_array_equal(table["flag"], [1, np.nan, 0])
    np.testing.assert_array_equal(table["n"], [1, 2, np.nan])
    assert "features: 2 columns of numbers ('flag', 'n'), 2 columns of dates ('day', 'at')" in dataset.notes


@pytest.mark.parametrize(
    "cells",
    [
        ["12 kg", "7 kg", "9.5 kg", "1 kg"],
        ["1,062", "1,004", "1,330", "9,104"],
        ["$5", "$1,200", "$7.50", "$8"],
        ["5,3", "6,1", "7,25", "8"],
        ["1.234,5", "12,0", "1.000,25", "3,5"],
        ["12%", "7 %", "30%", "5%"],
        ["12 лет", "7 лет", "30 лет", "5 лет"],
        ["10 km", "6 mi", "7 km", "8 mi", "9 km", "11 mi", "12 km"],
    ],
)
def test_numbers_with_units_are_refused(tmp_path, cells):
    frame = pd.DataFrame({"x": range(len(cells)), "weight": cells, "label": (["a", "b"] * 4)[: len(cells)]})
    frame.to_csv(tmp_path / "table.csv", index=False)
    assert refused(tmp_path / "table.csv") == [("not-typed", "table.csv row 2")]
    assert load(tmp_path / "table.csv", exclude=("weight",)).inputs.names == ("x",)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_header_shows_that_fields_are_separated_otherwise(tmp_path, separator):
    frame = pd.DataFrame({"a": [0.5, 1.25, 3.0, 4.5], "b": ["x, y", "z", "x, y", "z"], "label": list("abab")})
    frame.to_csv(tmp_path / "usual.csv", index=False)
    frame.to_csv(tmp_path / "other.csv", index=False, sep=separator)
    usual, other = load(tmp_path / "usual.csv"), load(tmp_path / "other.csv")
    pd.testing.assert_frame_equal(other.inputs.frame, usual.inputs.frame)
    assert (other.given_labels == usual.given_labels).all()


@pytest.mark.parametrize(
    "text",
    [
        '"a";"b";"label"\n1;"x, y";"p"\n2;"z";"q"\n',  # as write.csv2 of R has it
        "a;price, EUR;label\n1;1,5;p\n2;2,5;q\n",
        "a,b,label\n1,x;y;z,p\n2,x;y;z,q\n",
    ],
)
def test_what_separates_is_what_makes_most_fields_of_both_rows(tmp_path, text):
    assert load(write(tmp_path, text), include=("*",)).class_names == ("p", "q")


def test_ids_and_row_numbers_are_dropped_unless_they_are_asked_for(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "PassengerId": random.permutation(30),
            "code": [f"c{n:x}" for n in random.permutation(9999)[:30]],
            "order": np.arange(30) * 3 + 7,
            "price": random.permutation(30) + 0.5,
            "rooms": random.permutation(30),
            "label": ["a", "b"] * 15,
        }
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    dataset = load(tmp_path / "table.csv")
    assert dataset.inputs.names == ("price", "rooms")
    assert "columns dropped that look like ids: 'PassengerId', 'code'; --include '*' keeps them" in dataset.notes
    assert "columns dropped that number the rows: 'order'; --include '*' keeps them" in dataset.notes
    assert [*load(tmp_path / "table.csv", include=("*",)).inputs.frame] == [*frame.columns[:-1]]
    frame[["order", "label"]].to_csv(tmp_path / "table.csv", index=False)
    assert refused(tmp_path / "table.csv") == [("nothing-to-learn", "table.csv")]


def test_other_columns_of_labels_ids_and_splits_are_seen_only_where_they_are_named(tmp_path):
    text = "example_id,id,x,label,clean_label,true_label,split,subset,y\n"
    text += "a,1,0.5,u,u,u,train,p,2\nb,1,1.5,v,u,u,train,q,7\n"
    dataset = load(write(tmp_path, text))
    assert dataset.inputs.names == ("x", "y")
    note = "columns dropped that are called like labels, ids or splits: 'id', 'clean_label', 'subset'"
    assert f"{note}; --include with a name keeps it" in dataset.notes
    assert load(write(tmp_path, text), label_column="y").inputs.names == ("x",)
    assert load(write(tmp_path, text), include=("*",)).inputs.names == ("x", "y")
    assert [*load(write(tmp_path, text), include=("x", "subset")).inputs.frame] == ["x", "subset"]


def test_a_column_that_is_the_labels_in_other_words_is_dropped_with_a_note(tmp_path):
    labels = ["a", "b", "c", "a", "a"] * 6
    frame = pd.DataFrame(
        {
            "x": np.random.default_rng(0).permutation(30) / 4,
            "name": [{"a": "ant", "b": "bee", "c": "cat"}[label] for label in labels],
            "code": [{"a": 7, "b": np.nan, "c": 1}[label] for label in labels],
            "is_a": [label == "a" for label in labels],
            "almost": ["a", *labels[:-1]],
            "label": labels,
        }
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    dataset = load(tmp_path / "table.csv")
    assert [*dataset.inputs.frame] == ["x", "is_a", "almost"]
    assert "columns dropped that are the labels: 'name', 'code'; --include '*' keeps them" in dataset.notes
    assert "name" in load(tmp_path / "table.csv", include=("*",)).inputs.frame
    frame[["name", "label"]].to_csv(tmp_path / "table.csv", index=False)
    assert refused(tmp_path / "table.csv") == [("nothing-to-learn", "table.csv")]


def test_a_column_that_leaves_the_labels_late_is_a_feature(tmp_path):
    labels = ["a", "b"] * 1000
    frame = pd.DataFrame({"word": [*labels[:-1], "a"], "x": [*labels[:-1], "c"], "label": labels})
    frame.to_csv(tmp_path / "table.csv", index=False)
    assert [*load(tmp_path / "table.csv").inputs.frame] == ["word", "x"]


WIDE = "pixel_1,pixel_2,id,age,label\n1,2,a,30,a\n3,1,b,20,b\n5,6,c,40,a\n"


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ({"exclude": ("age",)}, ("pixel_1", "pixel_2")),
        ({"exclude": ("pixel*", "label")}, ("age",)),
        ({"include": ("pixel_?", "age"), "exclude": ("*_2",)}, ("pixel_1", "age")),
        ({"include": ("*",)}, ("pixel_1", "pixel_2", "age")),
    ],
)
def test_columns_are_chosen_by_names_and_patterns(tmp_path, choice, left):
    assert load(write(tmp_path, WIDE), **choice).inputs.names == left


def test_a_column_called_as_paths_that_models_may_not_see_leaves_a_table(tmp_path):
    path = write(tmp_path, "image,x,label\nyes,1,a\nno,2,b\nyes,3,b\n")
    assert refused(path)[0] == ("no-file", "table.csv row 2")
    assert load(path, exclude=("image",)).inputs.names == ("x",)
    assert load(path, include=("x",)).inputs.names == ("x",)
    assert form(DatasetConfig(data=str(path), exclude=("image",), path_column="image")) == "manifest"


def test_the_one_column_of_words_is_proposed_for_the_labels(tmp_path):
    flowers = "id,width,height,species\na,1.5,2,rose\nb,2.5,,tulip\nc,1,3,rose\nd,2,4,tulip\n"
    assert "--label-column species" in hint(write(tmp_path, flowers))
    assert "species" not in hint(write(tmp_path, "width,country,species\n1,fr,rose\n2,nl,tulip\n"))


def test_labels_of_other_case_are_merged_where_the_settings_ask(tmp_path):
    path = write(tmp_path, "x,label\n1,cat\n2,Cat\n3,dog\n4,cat\n")
    assert load(path).class_names == ("Cat", "cat", "dog")
    merged = load(path, merge_labels="case")
    assert merged.class_names == ("cat", "dog")
    assert merged.given_labels.tolist() == [0, 0, 1, 0]
    assert merged.fingerprint() != load(path).fingerprint()
