"""Corrected copies of npz files."""

from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from refusals import refuses

from labelscan.config import DatasetConfig
from labelscan.correction.corrections import correct
from labelscan.correction.decisions import Decision
from labelscan.correction.label_lists import numpy_arrays
from labelscan.errors import DatasetError
from labelscan.files.atomic import write_npz

N = 4
SEALED = ("objects",)
"""Arrays of pickled objects, which are not to be looked into."""
DROP = Decision(example_id="1", verdict="drop")


def copied(folder, decision, *, n_objects=N + 1, **arrays):
    scores = pd.DataFrame({"example_id": [str(row) for row in range(N)], "given_label": "a", "suggested_label": "b"})
    made = correct(scores.assign(error_probability=0.5, flagged=False), decisions=[decision])
    write_npz(folder / "plain.npz", {"features": np.zeros((N, 2)), **arrays})
    with ZipFile(folder / "plain.npz", "a") as archive, archive.open("objects.npy", "w") as file:
        np.lib.format.write_array(file, np.array([{}] * n_objects, dtype=object))
    (folder / "plain.npz").rename(folder / "d.npz")
    notes = numpy_arrays.write(folder / "d.npz", DatasetConfig(data="d.npz"), made, folder / "copy.npz")
    with np.load(folder / "copy.npz") as copy:
        return {name: copy[name].tolist() for name in copy.files if name not in SEALED} | {"notes": notes}


def relabel(new_label):
    return Decision(example_id="1", verdict="relabel", new_label=new_label)


LARGE = np.array([0, 0, 1, 2**63], dtype="u8")
WORDS = np.array(["a", "a", "b", "b"])


@pytest.mark.parametrize(
    ("labels", "new", "expected"),
    [
        (WORDS, "a longer name", np.array(["a", "a longer name", "b", "b"])),
        (np.array([True, True, False, False]), "false", np.array([True, False, False, False])),
        (np.array([b"0", b"0", b"1", b"1"]), "1", np.array([b"0", b"1", b"1", b"1"])),
        (np.array([[0], [0], [1], [1]], dtype="i1"), "1", np.array([[0], [1], [1], [1]], dtype="i1")),
        *(
            (np.array([0, 0, 1, 1], dtype=dtype), label, np.array([0, int(label), 1, 1], dtype=wide))
            for dtype, label, wide in (("u1", "300", "u2"), ("u1", "-1", "i2"), ("i1", "1", "i1"), ("i8", "7", "i8"))
        ),
    ],
)
def test_labels_keep_their_type_or_get_one_with_room_for_the_new_one(tmp_path, labels, new, expected):
    copied(tmp_path, relabel(new), labels=labels)
    with np.load(tmp_path / "copy.npz") as copy:
        np.testing.assert_array_equal(copy["labels"], expected, strict=True)


@pytest.mark.parametrize(
    ("labels", "new"),
    [
        ([0, 0, 1, 1], "bird"),
        ([0, 1, 0, 1], "01"),
        ([0, 1, 0, 1], "1_0"),
        ([True, False] * 2, "maybe"),
        (LARGE, "18446744073709551616"),
        (LARGE, "-1"),
    ],
)
def test_what_would_be_read_as_another_label_is_refused(tmp_path, labels, new):
    with refuses(DatasetError, "label-not-storable"):
        copied(tmp_path, relabel(new), labels=np.array(labels))


def test_a_new_class_gets_a_place_where_labels_are_places(tmp_path):
    made = copied(tmp_path, relabel("bird"), labels=np.array([0, 0, 1, 1]), class_names=np.array(["a", "b"]))
    assert (made["labels"], made["class_names"]) == ([0, 2, 1, 1], ["a", "b", "bird"])
    names = np.array([f"class {place}" for place in range(256)])  # as many as the type of their places holds
    made = copied(tmp_path, relabel("one more"), labels=np.array([0, 0, 1, 255], dtype="u1"), class_names=names)
    assert (made["labels"], made["class_names"][256]) == ([0, 256, 1, 255], "one more")


def test_class_names_stay_whole_though_there_are_as_many_as_examples(tmp_path):
    made = copied(tmp_path, DROP, labels=np.arange(N), class_names=np.array(list("abcd")), groups=np.arange(N))
    assert made["class_names"] == list("abcd")
    assert made["labels"] == made["groups"] == made["ids"] == [0, 2, 3]
    assert made["notes"] == []


def test_an_array_that_nothing_is_known_of_is_cut_only_where_its_length_is_clear(tmp_path):
    labels = np.array([0, 0, 1, 1])
    clear = copied(tmp_path, DROP, labels=labels, weight=np.arange(N), names=np.arange(2), pairs=np.zeros((N, N)))
    assert clear["weight"] == [0, 2, 3]
    assert clear["names"] == [0, 1]
    assert len(clear["pairs"]) == N
    assert "pairs" in clear["notes"][0]
    square = copied(tmp_path, DROP, labels=labels, features=np.zeros((N, N)), feature_names=np.arange(N))
    assert np.shape(square["features"]) == (N - 1, N)
    assert square["feature_names"] == list(range(N))
    assert "feature_names" in square["notes"][0]


def test_arrays_may_be_called_anything_and_hold_what_is_never_loaded(tmp_path):
    arrays = {name: np.arange(3) for name in ("file", "path", "allow_pickle")}
    made = copied(tmp_path, DROP, labels=np.array([0, 0, 1, 1]), **arrays)
    assert made["file"] == made["path"] == made["allow_pickle"] == [0, 1, 2]
    for name in ("d.npz", "copy.npz"):
        with ZipFile(tmp_path / name) as archive:
            assert archive.read("objects.npy").endswith(b".")  # the end of a pickle
    with refuses(DatasetError, "unreadable"):
        copied(tmp_path, DROP, labels=np.array([0, 0, 1, 1]), n_objects=N)
    assert copied(tmp_path, relabel("1"), labels=np.array([0, 0, 1, 1]), n_objects=N)["labels"] == [0, 1, 1, 1]
