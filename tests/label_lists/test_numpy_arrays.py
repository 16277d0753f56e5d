"""Corrected copies of npz files."""

import numpy as np
import pandas as pd
import pytest

from labelscan.config import DatasetConfig
from labelscan.corrections import correct
from labelscan.decisions import Decision
from labelscan.errors import DatasetError
from labelscan.label_lists import numpy_arrays

N = 4


def copied(folder, decision, **arrays):
    scores = pd.DataFrame({"example_id": [str(row) for row in range(N)], "given_label": "a", "suggested_label": "b"})
    made = correct(scores.assign(error_probability=0.5, flagged=False), decisions=[decision])
    np.savez(folder / "d.npz", features=np.zeros((N, 2)), **arrays)
    numpy_arrays.write(folder / "d.npz", DatasetConfig(data="d.npz"), made, folder / "copy.npz")
    with np.load(folder / "copy.npz") as copy:
        return {name: copy[name].tolist() for name in copy.files}


def relabel(new_label):
    return Decision(example_id="1", verdict="relabel", new_label=new_label)


def test_text_has_room_for_a_longer_name(tmp_path):
    made = copied(tmp_path, relabel("a longer name"), labels=np.array(["a", "a", "b", "b"]))
    assert made["labels"] == ["a", "a longer name", "b", "b"]


def test_a_new_class_gets_a_place_where_labels_are_places(tmp_path):
    made = copied(tmp_path, relabel("bird"), labels=np.array([0, 0, 1, 1]), class_names=np.array(["a", "b"]))
    assert made["labels"] == [0, 2, 1, 1]
    assert made["class_names"] == ["a", "b", "bird"]


def test_truth_values_stay_what_they_are(tmp_path):
    made = copied(tmp_path, relabel("false"), labels=np.array([True, True, False, False]))
    assert made["labels"] == [True, False, False, False]


def test_a_name_among_numbers_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="'bird' is no whole number"):
        copied(tmp_path, relabel("bird"), labels=np.array([0, 0, 1, 1]))


def test_class_names_stay_whole_though_there_are_as_many_as_examples(tmp_path):
    drop = Decision(example_id="1", verdict="drop")
    made = copied(tmp_path, drop, labels=np.arange(N), class_names=np.array(list("abcd")), weight=np.arange(N))
    assert made["class_names"] == list("abcd")
    assert made["labels"] == made["weight"] == made["ids"] == [0, 2, 3]
