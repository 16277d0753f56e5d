"""Corrected copies of parquet files: types, categories and index stay."""

import pandas as pd
import pytest
from refusals import refuses

from correction.label_lists.test_delimited import edits
from labelscan.correction.label_lists import parquet
from labelscan.errors import DatasetError


def copied(folder, labels, changes, name="a.parquet"):
    pd.DataFrame({"label": labels, "n": range(len(labels))}).to_parquet(folder / name)
    parquet.write(folder / name, changes, folder / f"copy-{name}")
    return pd.read_parquet(folder / f"copy-{name}")["label"]


@pytest.mark.parametrize("ordered", [False, True])
def test_categories_keep_their_order_and_those_without_an_example(tmp_path, ordered):
    labels = pd.Categorical(["light", "dark", "dark", None], categories=["zebra", "light", "dark"], ordered=ordered)
    texts = ["light", "dark", "dark", ""]
    made = copied(tmp_path, labels, edits(texts, new={1: "light", 2: "zebra"}, dropped=(0,)))
    assert made.cat.categories.tolist() == ["zebra", "light", "dark"]
    assert made.cat.ordered is ordered
    assert made.cat.codes.tolist() == [1, 0, -1]
    with_new = copied(tmp_path, labels, edits(texts, new={0: "dim", 1: "bird", 2: "dim"}))
    assert with_new.cat.categories.tolist() == ["zebra", "light", "dark", "dim", "bird"]
    assert with_new.tolist()[:3] == ["dim", "bird", "dim"]
    assert with_new.cat.ordered is ordered


def test_there_can_be_more_categories_than_the_type_of_their_codes_holds(tmp_path):
    names = [f"class {place:03}" for place in range(128)]
    made = copied(tmp_path, pd.Categorical(names), edits(names, new={5: "one more"}))
    assert made[5] == "one more"
    assert made.tolist()[6:] == names[6:]


@pytest.mark.parametrize(
    ("labels", "new", "expected"),
    [
        ([0, 1], "7", [7, 1]),
        ([0.5, 1.0], "7.0", [7.0, 1.0]),
        ([True, True], "false", [False, True]),
        (pd.Categorical([0, 1]), "7", [7, 1]),
    ],
)
def test_a_new_label_is_read_as_the_type_of_the_column(tmp_path, labels, new, expected):
    made = copied(tmp_path, labels, edits([str(label).lower() for label in labels], new={0: new}))
    assert made.tolist() == expected
    assert made.dtype == pd.read_parquet(tmp_path / "a.parquet")["label"].dtype


@pytest.mark.parametrize(("labels", "new"), [([0, 1], "bird"), ([0, 1], "07"), ([0, 1], "1.5"), ([True, False], "2")])
def test_a_new_label_that_the_column_cannot_hold_is_refused(tmp_path, labels, new):
    with refuses(DatasetError, "label-not-storable"):
        copied(tmp_path, labels, edits([str(label).lower() for label in labels], new={0: new}))
    assert not list(tmp_path.glob("copy*"))
