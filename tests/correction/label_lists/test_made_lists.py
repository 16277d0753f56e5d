"""Lists made from the data set: a manifest of images whose labels were folders, and arrays of images in no files."""

import csv

import numpy as np
from refusals import refuses

from correction.label_lists.test_link_folders import images
from labelscan.config import DatasetConfig
from labelscan.correction.corrections import Change, Corrections
from labelscan.correction.label_lists import made_lists
from labelscan.data.dataset import make_dataset
from labelscan.errors import DatasetError
from labelscan.images.sources import ImageArray


def write(dataset, output, *changes):
    made = {one: Change(one, action, "", new, 0.5, "flag", "") for one, action, new in changes}
    corrections = Corrections(n_examples=len(dataset), changes=made, verdicts={})
    made_lists.write(dataset, DatasetConfig(), corrections, output)


def test_paths_start_from_the_manifest_and_splits_and_groups_stay(tmp_path):
    labels_of = {"a/1,\r.png": "a", "b/2.png": "b", "b/3.png": "b"}
    dataset = images(tmp_path / "in", labels_of, splits=["train", "train", "test"], groups=["p", "q", "p"])
    (tmp_path / "run").mkdir()
    write(dataset, tmp_path / "run" / "corrected.csv", ("b/2.png", "drop", ""))
    with (tmp_path / "run" / "corrected.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [tuple(row.values()) for row in rows] == [
        ("a/1,\r.png", "../in/a/1,\r.png", "a", "train", "p"),
        ("b/3.png", "../in/b/3.png", "b", "test", "p"),
    ]
    assert list(rows[0]) == ["example_id", "path", "label", "split", "group"]
    assert all((tmp_path / "run" / row["path"]).is_file() for row in rows)


class Sizes(ImageArray):
    """Images of 1 x 1, 2 x 2, ... pixels."""

    def read(self, index):
        return np.zeros((index + 1, index + 1, 1), np.uint8)


def in_memory(kind=ImageArray):
    return make_dataset(
        name="squares",
        inputs=kind(np.arange(16, dtype=np.uint8).reshape(4, 2, 2, 1)),
        labels=list("abab"),
        example_ids=list("0123"),
        where=str,
        ids_depend_on_order=True,
        groups=list("ppqq"),
        true_labels=list("aaab"),
    )


def test_images_labels_ids_groups_and_true_labels_are_written(tmp_path):
    dataset = in_memory()
    write(dataset, tmp_path / "copy.npz", ("1", "relabel", "a longer name"), ("2", "drop", ""))
    with np.load(tmp_path / "copy.npz") as made:
        assert made["images"].tolist() == dataset.inputs.images[[0, 1, 3]].tolist()
        assert made["labels"].tolist() == ["a", "a longer name", "b"]
        assert made["ids"].tolist() == ["0", "1", "3"]
        assert made["groups"].tolist() == ["p", "p", "q"]
        assert made["true_labels"].tolist() == ["a", "a", "b"]


def test_images_of_several_sizes_are_refused(tmp_path):
    with refuses(DatasetError, "no-file-to-name"):
        write(in_memory(Sizes), tmp_path / "copy.npz")
    assert not list(tmp_path.iterdir())
