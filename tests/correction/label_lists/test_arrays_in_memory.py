"""Images that lie in no files, with their labels corrected."""

import numpy as np
import pandas as pd
import pytest
from refusals import refuses

from labelscan.correction.corrections import correct
from labelscan.correction.decisions import Decision
from labelscan.correction.label_lists import arrays_in_memory
from labelscan.data.dataset import make_dataset
from labelscan.errors import DatasetError
from labelscan.images.sources import ImageArray

DECISIONS = [
    Decision(example_id="1", verdict="relabel", new_label="a longer name"),
    Decision(example_id="2", verdict="drop"),
]


class Sizes:
    """Images of 1 x 1, 2 x 2, ... pixels."""

    def read(self, index):
        return np.zeros((index + 1, index + 1, 1), np.uint8)


def corrections():
    ids = list("0123")
    columns = {"example_id": ids, "given_label": list("abab"), "suggested_label": list("baba")}
    return correct(pd.DataFrame({**columns, "error_probability": 0.5, "flagged": False}), decisions=DECISIONS)


@pytest.fixture
def dataset():
    return make_dataset(
        name="squares",
        inputs=ImageArray(np.arange(16, dtype=np.uint8).reshape(4, 2, 2, 1)),
        labels=list("abab"),
        example_ids=list("0123"),
        where=str,
        ids_depend_on_order=True,
        groups=list("ppqq"),
        true_labels=list("aaab"),
    )


def test_images_labels_ids_groups_and_true_labels_are_written(dataset, tmp_path):
    arrays_in_memory.write(dataset, dataset.inputs, corrections(), tmp_path / "copy.npz")
    with np.load(tmp_path / "copy.npz") as made:
        assert made["images"].tolist() == dataset.inputs.images[[0, 1, 3]].tolist()
        assert made["labels"].tolist() == ["a", "a longer name", "b"]
        assert made["ids"].tolist() == ["0", "1", "3"]
        assert made["groups"].tolist() == ["p", "p", "q"]
        assert made["true_labels"].tolist() == ["a", "a", "b"]


def test_images_of_several_sizes_are_refused(dataset, tmp_path):
    with refuses(DatasetError, "no-file-to-name"):
        arrays_in_memory.write(dataset, Sizes(), corrections(), tmp_path / "copy.npz")
    assert not list(tmp_path.iterdir())
