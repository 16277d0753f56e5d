"""The data set that every reader makes: its order, its classes, and what it refuses."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.arrays import as_strings
from labelscan.data.dataset import make_dataset, merge_similar_classes, sort_class_names
from labelscan.data.inputs import FeatureTable
from labelscan.errors import DatasetError


def make(labels, ids=None, **changes):
    ids = ids or [f"{row}.png" for row in range(len(labels))]
    settings = {
        "name": "data",
        "inputs": FeatureTable(np.arange(len(labels), dtype=np.float32)[:, None]),
        "labels": labels,
        "example_ids": ids,
        "where": lambda row: f"list.csv row {row + 2}",
        "ids_depend_on_order": False,
    }
    return make_dataset(**settings | changes)


def refused(*args, **changes):
    """Return the code and the place of each problem."""
    with pytest.raises(DatasetError) as caught:
        make(*args, **changes)
    return [(one.code, one.where) for one in caught.value.problems]


@given(order=st.permutations(range(6)))
def test_shuffled_rows_are_the_same_data_set(order):
    labels, ids = list("abcabc"), [f"{row}.png" for row in range(6)]
    shuffled = make(
        [labels[row] for row in order],
        [ids[row] for row in order],
        inputs=FeatureTable(np.array(order, dtype=np.float32)[:, None]),
        groups=[f"g{row}" for row in order],
        splits=[f"s{row}" for row in order],
        true_labels=[labels[row - 1] for row in order],
    )
    assert shuffled.example_ids.tolist() == ids
    assert [shuffled.class_names[label] for label in shuffled.given_labels] == labels
    assert shuffled.inputs.features[:, 0].tolist() == list(range(6))
    assert shuffled.groups.tolist() == [f"g{row}" for row in range(6)]
    assert shuffled.splits.tolist() == [f"s{row}" for row in range(6)]
    assert [shuffled.class_names[label] for label in shuffled.true_labels] == list("cabcab")


def test_the_file_of_examples_can_be_read_whatever_is_in_an_id(tmp_path):
    ids = ["a,b", 'say "c"', "d\re", "f\ng", ""]
    dataset = make(list("ababa"), ids)
    dataset.write(tmp_path / "examples.csv", as_strings(["scored"] * 5))
    with (tmp_path / "examples.csv").open(encoding="utf-8", newline="") as file:
        assert [row["example_id"] for row in csv.DictReader(file)] == sorted(ids)


def test_row_numbers_stay_in_their_order():
    dataset = make(list("ab") * 6, [str(row) for row in range(12)], ids_depend_on_order=True)
    assert dataset.example_ids.tolist() == [str(row) for row in range(12)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "1"], ("1", "9", "10")),
        (["1", "01", "0.5"], ("0.5", "01", "1")),
        (["10", "9", "x"], ("10", "9", "x")),
        (["Zebra", "ant", "Ärger"], ("Zebra", "ant", "Ärger")),
    ],
)
def test_classes_are_sorted_by_value_or_alphabetically(labels, expected):
    assert sort_class_names(labels) == expected


@given(st.lists(st.text(max_size=3), max_size=8), st.randoms())
def test_the_order_of_labels_does_not_change_the_order_of_classes(labels, random):
    shuffled = random.sample(labels, len(labels))
    assert sort_class_names(shuffled) == sort_class_names(labels)


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ([], "no-examples"),
        (["a", "a"], "one-class"),
        ([str(row % 300) for row in range(400)], "too-many-classes"),
        ([f"{row / 8}" for row in range(48)], "too-many-classes"),
        (["m1.png", "m2.PNG"], "too-many-classes"),
        (["cat", "dog", "cat;dog", "dog;cat", "bird;cat", "bird"], "too-many-classes"),
        (["cat|dog", "dog|bird", "cat|bird", "cat|dog|bird"], "too-many-classes"),
        (["a, b", "b", "a", "b, a"], "too-many-classes"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, code):
    assert refused(labels) == [(code, "data")]


@pytest.mark.parametrize(
    "labels", [[f"{row % 11 / 2}" for row in range(48)], [str(row) for row in range(48)], ["a.png", "b"]]
)
def test_grades_whole_numbers_and_one_name_of_a_file_are_classes(labels):
    assert set(make(labels).class_names) == set(labels)


def test_empty_labels_and_ids_given_twice_are_refused_with_their_rows():
    places = [("empty-label", "list.csv row 3"), ("empty-label", "list.csv row 4"), ("id-twice", "list.csv row 5")]
    assert refused(["a", " ", "", "b"], ["x", "y", "z", "x"]) == places


@pytest.mark.parametrize(
    "labels",
    [
        ["plants|oak", "plants|elm", "animals|cat"],
        ["red,big", "red,small", "blue,big", "blue,small"],
        ["yes; sure", "no", "yes"],
        ["|", "a|", "a"],
    ],
)
def test_names_with_a_separator_in_them_are_classes(labels):
    assert make(labels).class_names == tuple(sorted(labels))


def test_at_most_twenty_problems_are_reported():
    places = refused([""] * 50)
    assert [code for code, _ in places] == ["empty-label"] * 20 + ["more-problems"]


def test_classes_that_look_alike_stay_apart_and_are_noted():
    dataset = make(["cat", "Cat ", "dog", "cat"])
    assert dataset.class_names == ("Cat ", "cat", "dog")
    (note,) = dataset.notes
    assert note == "classes that differ only in case or spaces: 'cat' 2, 'Cat ' 1; --merge-labels case joins them"


def test_a_class_that_may_stand_for_missing_labels_is_noted():
    assert make(["cat", "dog", "none", "nano"]).notes == ()
    (note,) = make(["cat", "NA", "cat", "NA"]).notes
    assert note == "taken for a class, though it may stand for a missing label: 'NA' 2; take these rows out if it does"
    merged = merge_similar_classes(make(["cat", "NA", "cat", "na", "NA"]))
    assert [note for note in merged.notes if "missing" in note] == [note.replace("2", "3")]


def test_classes_that_look_alike_are_merged_under_the_most_frequent_spelling():
    labels, true_labels = ["Cat", "cat", "dog", "Cat", "CAT "], ["cat", "Cat", "Dog", "eel", "EEL"]
    merged = merge_similar_classes(make(labels, true_labels=true_labels))
    assert merged.class_names == ("Cat", "dog")
    assert [merged.class_names[label] for label in merged.given_labels] == ["Cat", "Cat", "dog", "Cat", "Cat"]
    assert merged.true_class_names == ("Cat", "dog", "EEL")
    assert [merged.true_class_names[label] for label in merged.true_labels] == ["Cat", "Cat", "dog", "EEL", "EEL"]
    assert merged.notes == (
        "labels merged: 'CAT ' and 'cat' into 'Cat'",
        "labels merged: 'Dog' into 'dog'",
        "labels merged: 'eel' into 'EEL'",
    )
    with pytest.raises(DatasetError):
        merge_similar_classes(make(["cat", "Cat"]))
