"""Arrays from an npz file or from Python: the same checks, the same data set."""

import numpy as np
import pytest

from data.reading import load, refused
from labelscan.data.inputs import FeatureTable
from labelscan.data.readers.arrays import dataset_from_arrays
from labelscan.errors import DatasetError
from labelscan.images.sources import ImageArray

IMAGES = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
LABELS = np.array([0, 1, 1, 10])


def npz(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def not_taken(*args, **kwargs):
    """Return the code and the place of the first problem."""
    with pytest.raises(DatasetError) as caught:
        dataset_from_arrays(*args, **kwargs)
    return caught.value.problems[0].code, caught.value.problems[0].where


def test_images_and_labels_are_read(tmp_path):
    dataset = load(npz(tmp_path, images=IMAGES, labels=LABELS))
    assert isinstance(dataset.inputs, ImageArray)
    np.testing.assert_array_equal(dataset.inputs.images, IMAGES[..., None])
    assert dataset.class_names == ("0", "1", "10")
    assert dataset.given_labels.tolist() == [0, 1, 1, 2]
    assert dataset.example_ids.tolist() == ["0", "1", "2", "3"]
    assert dataset.name == "data"


def test_features_are_read(tmp_path):
    features = np.array([[1.5, 2], [3, 4], [5, 6], [7, 8]])
    dataset = load(npz(tmp_path, features=features, label=np.array(["b", "a", "a", "NA"])))
    assert isinstance(dataset.inputs, FeatureTable)
    assert dataset.inputs.features.dtype == np.float32
    np.testing.assert_array_equal(dataset.inputs.features, features)
    assert dataset.class_names == ("NA", "a", "b")


def test_optional_arrays_are_read(tmp_path):
    path = npz(
        tmp_path,
        images=IMAGES,
        given_labels=[0, 1, 1, 2],
        true_labels=[0, 1, 2, 2],
        groups=[7, 7, 8, 8],
        ids=["d", "c", "b", "a"],
        class_names=["cat", "dog", "ant"],
    )
    dataset = load(path)
    assert dataset.example_ids.tolist() == ["a", "b", "c", "d"]
    assert [dataset.class_names[label] for label in dataset.given_labels] == ["ant", "dog", "dog", "cat"]
    assert [dataset.true_class_names[label] for label in dataset.true_labels] == ["ant", "ant", "dog", "cat"]
    assert dataset.groups.tolist() == ["8", "8", "7", "7"]
    np.testing.assert_array_equal(dataset.inputs.images[0, :, :, 0], IMAGES[3])


def test_other_arrays_can_be_named(tmp_path):
    path = npz(tmp_path, images=IMAGES, labels=LABELS, fine=[3, 4, 3, 4], expert=[3, 3, 3, 4])
    dataset = load(path, label_column="fine", true_label_column="expert")
    assert dataset.class_names == ("3", "4")
    assert dataset.true_labels.tolist() == [0, 0, 0, 1]
    assert refused(path, label_column="nothing") == [("no-column", "data.npz")]


def test_probabilities_beside_images_are_left_alone(tmp_path):
    assert len(load(npz(tmp_path, images=IMAGES, labels=LABELS, pred_probs=np.full((4, 2), 0.5)))) == 4


def test_features_that_are_missing_are_gaps_in_a_table():
    features = np.arange(12.0).reshape(4, 3)
    features[:, 1] = 7
    features[2, 2] = np.nan
    table = dataset_from_arrays(features, LABELS).inputs.frame
    assert list(table) == ["feature 0", "feature 2"]  # one that does not vary is left out, as in a file
    np.testing.assert_array_equal(table["feature 2"], [2, 5, np.nan, 11])
    kept = dataset_from_arrays(features, LABELS, keep_gaps=True).inputs.features
    np.testing.assert_array_equal(kept, features)


@pytest.mark.parametrize(
    ("labels", "others", "code", "where"),
    [
        ([0.0, 1.0, 1.0, 0.0], {}, "not-labels", "arrays"),
        (["a", "", "b", "a"], {}, "empty-label", "arrays index 1"),
        (["a\ud800", "b", "b", "b"], {}, "not-utf8", "arrays index 0"),
        (["a", "x", "b", "a"], {"class_names": ["a", "b"]}, "not-text", "arrays index 1"),
        (LABELS, {"ids": ["p", "q\ud800", "r", "s"]}, "not-utf8", "arrays index 1"),
    ],
)
def test_labels_names_and_ids_of_another_kind_are_refused(labels, others, code, where):
    assert not_taken(IMAGES, labels, **others) == (code, where)


def test_features_beyond_32_bits_and_features_of_gaps_alone_are_refused():
    features = np.ones((4, 3))
    features[2, 1] = 1e300
    assert not_taken(features, LABELS) == ("not-finite", "arrays index 2")
    assert not_taken(np.full((4, 3), np.nan), LABELS) == ("nothing-to-learn", "arrays")


def test_labels_may_be_lists_columns_or_objects():
    expected = dataset_from_arrays(IMAGES, ["a", "b", "b", "a"]).given_labels
    for labels in (np.array(["a", "b", "b", "a"], object), np.array([[0], [1], [1], [0]]), [False, True, True, False]):
        np.testing.assert_array_equal(dataset_from_arrays(IMAGES, labels).given_labels, expected)
