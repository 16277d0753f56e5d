"""Data frames in memory: of pandas and others, with ids that lead back to their rows."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from refusals import refuses

from labelscan.config import DatasetConfig
from labelscan.data.inputs import ColumnTable, FeatureTable, Texts
from labelscan.data.readers import read
from labelscan.data.readers.frames import as_pandas, dataset_from_frame
from labelscan.errors import DatasetError

FRAME = pd.DataFrame(
    {
        "width": [1.5, 2.5, np.nan, 4.5],
        "colour": pd.Categorical(["red", "blue", "red", None]),
        "day": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-04", "2020-01-03"]),
        "flag": [True, False, True, True],
        "kind": ["a", "b", "b", "a"],
    }
)


LISTS = [["a"], ["a", "b"], ["b"], ["a"]]


def load(frame, labels=None, *, as_it_is=False, **config):
    return dataset_from_frame(as_pandas(frame), labels, DatasetConfig(**config), as_it_is=as_it_is)


def refused(frame, labels=None, **config):
    with pytest.raises(DatasetError) as caught:
        load(frame, labels, **config)
    return [(one.code, one.where) for one in caught.value.problems]


def test_a_frame_is_the_same_data_as_its_file(tmp_path):
    FRAME.to_csv(tmp_path / "table.csv", index=False)
    FRAME.to_parquet(tmp_path / "table.parquet")
    frame = load(FRAME, label_column="kind")
    for name in ("table.csv", "table.parquet"):
        file = read(DatasetConfig(data=str(tmp_path / name), label_column="kind"))
        for column in frame.inputs.frame:
            ours, theirs = frame.inputs.frame[column], file.inputs.frame[column]
            assert ours.isna().equals(theirs.isna())
            assert ours.dropna().tolist() == theirs.dropna().tolist()
        assert file.example_ids.tolist() == frame.example_ids.tolist()
        assert file.given_labels.tolist() == frame.given_labels.tolist()


@pytest.mark.parametrize("made_by", [pl.from_pandas, lambda frame: pl.from_pandas(frame).to_arrow()])
def test_frames_of_other_libraries_are_read(made_by):
    ours, theirs = load(FRAME, label_column="kind"), load(made_by(FRAME), label_column="kind")
    assert theirs.example_ids.tolist() == ["0", "1", "2", "3"]
    assert theirs.given_labels.tolist() == ours.given_labels.tolist()
    for name in ("width", "colour", "day", "flag"):
        assert theirs.inputs.frame[name].dropna().tolist() == ours.inputs.frame[name].dropna().tolist()


def test_columns_with_a_role_are_no_features_and_splits_are_chosen():
    frame = pd.DataFrame(
        {
            "x": [1, 2, 3],
            "label": [0, 1, 1],
            "patient": ["p", "q", "q"],
            "split": ["train", "train", "test"],
            "true_label": [0, 1, 0],
        }
    )
    dataset = load(frame, split="train")
    assert dataset.inputs.names == ("x",)
    assert dataset.class_names == ("0", "1")
    assert dataset.groups.tolist() == ["p", "q"]
    assert dataset.true_labels.tolist() == [0, 1]
    assert load(frame, include=("x", "patient")).inputs.names == ("x",)
    assert refused(frame, exclude=("y",)) == [("no-column", "frame")]


def test_the_index_is_the_ids_unless_it_counts_the_rows():
    named = FRAME.set_axis(["d", "c", "b", "a"])
    dataset = load(named, label_column="kind")
    assert dataset.example_ids.tolist() == ["a", "b", "c", "d"]
    assert dataset.given_labels.tolist() == [0, 1, 1, 0]
    assert dataset.inputs.frame["flag"].tolist() == [True, True, False, True]
    assert load(FRAME.iloc[[3, 1]], label_column="kind").example_ids.tolist() == ["1", "3"]
    with_ids = named.assign(id=["w", "x", "y", "z"])
    assert load(with_ids, label_column="kind").example_ids.tolist() == ["w", "x", "y", "z"]


def test_an_index_that_cannot_be_ids_is_refused():
    for frame in (pd.concat([FRAME, FRAME]), FRAME.set_index(["flag", "day"])):
        assert refused(frame, label_column="kind") == [("index-twice", "frame")]


def test_labels_may_be_beside_the_frame():
    plain = FRAME[["width", "flag"]].fillna(0)
    for labels in (["a", "b", "b", "a"], np.array(list("abba")), FRAME["kind"], FRAME["kind"].astype("category")):
        dataset = load(plain, labels)
        assert dataset.given_labels.tolist() == [0, 1, 1, 0]
        assert isinstance(dataset.inputs, FeatureTable)
    column = load(plain, FRAME[["kind"]].to_numpy())
    assert column.class_names == ("a", "b")
    assert refused(plain, ["a", "b"]) == [("rows-mismatch", "frame")]
    assert refused(plain, np.eye(2)[[0, 1, 1, 0]]) == [("wrong-shape", "frame")]
    assert refused(plain, FRAME["kind"].iloc[::-1]) == [("other-index", "frame")]


def test_a_column_that_is_the_labels_is_no_feature():
    dataset = load(FRAME, ["a", "b", "b", "a"])
    assert "kind" not in dataset.inputs.frame
    assert "column dropped that is the labels: 'kind'" in dataset.notes
    assert refused(FRAME[["kind"]], ["a", "b", "b", "a"]) == [("no-columns", "frame")]


@pytest.mark.parametrize(
    ("frame", "label", "code", "where"),
    [
        (FRAME, "kid", "no-column", "frame"),
        (FRAME, "", "no-column", "frame"),
        (FRAME, "width", "not-labels", "frame"),
        (FRAME.assign(width=np.inf), "width", "not-labels", "frame"),
        (FRAME, "colour", "empty-cell", "row 3 of the frame"),
        (FRAME.iloc[:0], "kind", "no-examples", "frame"),
        (FRAME.assign(kind=LISTS), "kind", "several-values", "row 0 of the frame"),
        # Arrow gives arrays for the lists of others' frames.
        (FRAME.assign(kind=list(map(np.array, LISTS))), "kind", "several-values", "row 0 of the frame"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "", "column-twice", "frame"),
    ],
)
def test_labels_are_refused_by_what_they_are(frame, label, code, where):
    assert refused(frame, label_column=label)[0] == (code, where)


def test_whole_floats_are_whole_numbers_as_labels():
    assert load(FRAME.assign(kind=[1.0, 2.0, 2.0, 1.0]), label_column="kind").class_names == ("1", "2")


def test_cells_are_named_by_the_index():
    frame = FRAME.assign(size=["1", "2", "3", "big"]).set_axis(list("wxyz"))
    assert refused(frame, label_column="kind") == [("not-typed", "row z of the frame")]
    assert refused(FRAME.assign(n=[{}] * 4), label_column="kind") == [("not-typed", "row 0 of the frame")]
    broken = pd.Series(["a", "b\udce9", "c", "d"], dtype=object, index=list("wxyz"))
    assert refused(frame.assign(n=broken), label_column="kind")[1] == ("not-typed", "row x of the frame")


@pytest.mark.parametrize("made", [list, tuple, np.array])
def test_a_column_of_lists_is_embeddings(made):
    vectors = [made([1.5, 2.5]), made([3, 4]), made([5, 6]), made([7, 8])]
    dataset = load(FRAME.assign(vector=vectors), label_column="kind")
    np.testing.assert_array_equal(dataset.inputs.features, [[1.5, 2.5], [3, 4], [5, 6], [7, 8]])
    assert "columns not used: width, colour, day, flag: models see the embeddings alone" in dataset.notes
    theirs = pl.DataFrame({"vector": [list(vector) for vector in vectors], "label": list("abba")})
    np.testing.assert_array_equal(load(theirs).inputs.features, dataset.inputs.features)
    of_arrow = pd.Series([list(vector) for vector in vectors], dtype=pd.ArrowDtype(pa.list_(pa.float64())))
    arrow = load(FRAME.assign(vector=of_arrow), label_column="kind")
    np.testing.assert_array_equal(arrow.inputs.features, dataset.inputs.features)
    ragged = FRAME.assign(vector=[None, made([3, 4]), made([5, 6, 7]), made([7, 8])])
    assert refused(ragged, label_column="kind") == [("ragged", f"row {row} of the frame") for row in (0, 2)]


def test_texts_are_found_as_in_a_file_or_named():
    frame = pd.DataFrame({"title": ["on a day", "at two", None], "body": ["a b", "", "c d"], "label": list("aba")})
    dataset = load(frame)
    assert isinstance(dataset.inputs, Texts)
    assert dataset.inputs.texts.tolist() == ["on a day\n\na b", "at two", "c d"]
    assert load(frame[["title", "label"]]).inputs.texts.tolist() == ["on a day", "at two", ""]
    words = frame.assign(said=["one two", "three four", "five six"], n=[1, 2, 3])
    assert load(words, text_column=("said",)).inputs.texts.tolist() == words["said"].tolist()
    assert isinstance(load(words, exclude=("title", "body")).inputs, ColumnTable)
    assert refused(frame, text_column=("titel",)) == [("no-column", "frame")]


def test_a_frame_stays_as_it_is_for_a_classifier_that_takes_frames():
    frame = FRAME.assign(constant=1, n=[1, 2, 3, 4], at=[datetime.date(2020, 1, 1)] * 4)
    frame["text"] = ["a b", "c d", "e f", "g h"]
    kept = load(frame, label_column="kind", as_it_is=True).inputs.frame
    pd.testing.assert_frame_equal(kept, frame.drop(columns="kind"))
    with refuses(DatasetError, "not-storable"):
        load(FRAME.assign(odd=[1, "a", b"b", {}]), label_column="kind", as_it_is=True)
