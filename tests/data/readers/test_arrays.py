"""Arrays from an npz file or from Python: the same checks, the same data set."""

import pickle

import numpy as np
import pytest
from refusals import refuses

from labelscan.config import DatasetConfig
from labelscan.data.inputs import FeatureTable
from labelscan.data.readers import read
from labelscan.data.readers.arrays import dataset_from_arrays
from labelscan.errors import ConfigError, DatasetError
from labelscan.images.sources import ImageArray

IMAGES = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
LABELS = np.array([0, 1, 1, 10])


def load(folder, arrays, **config):
    np.savez(folder / "data.npz", **arrays)
    return read(DatasetConfig(data=str(folder / "data.npz"), **config))


def refused(folder, arrays, **config):
    with pytest.raises(DatasetError) as caught:
        load(folder, arrays, **config)
    return str(caught.value)


def not_taken(*args, **kwargs):
    with pytest.raises(DatasetError) as caught:
        dataset_from_arrays(*args, **kwargs)
    return str(caught.value)


def test_images_and_labels_are_read(tmp_path):
    dataset = load(tmp_path, {"images": IMAGES, "labels": LABELS})
    assert isinstance(dataset.inputs, ImageArray)
    np.testing.assert_array_equal(dataset.inputs.images, IMAGES[..., None])
    assert dataset.class_names == ("0", "1", "10")
    assert dataset.given_labels.tolist() == [0, 1, 1, 2]
    assert dataset.example_ids.tolist() == ["0", "1", "2", "3"]
    assert dataset.name == "data"


def test_features_are_read(tmp_path):
    features = np.array([[1.5, 2], [3, 4], [5, 6], [7, 8]])
    dataset = load(tmp_path, {"features": features, "label": np.array(["b", "a", "a", "NA"])})
    assert isinstance(dataset.inputs, FeatureTable)
    assert dataset.inputs.features.dtype == np.float32
    np.testing.assert_array_equal(dataset.inputs.features, features)
    assert dataset.class_names == ("NA", "a", "b")


def test_optional_arrays_are_read(tmp_path):
    dataset = load(
        tmp_path,
        {
            "images": IMAGES,
            "given_labels": [0, 1, 1, 2],
            "true_labels": [0, 1, 2, 2],
            "groups": [7, 7, 8, 8],
            "ids": ["d", "c", "b", "a"],
            "class_names": ["cat", "dog", "ant"],
        },
    )
    assert dataset.example_ids.tolist() == ["a", "b", "c", "d"]
    assert [dataset.class_names[label] for label in dataset.given_labels] == ["ant", "dog", "dog", "cat"]
    assert [dataset.true_class_names[label] for label in dataset.true_labels] == ["ant", "ant", "dog", "cat"]
    assert dataset.groups.tolist() == ["8", "8", "7", "7"]
    np.testing.assert_array_equal(dataset.inputs.images[0, :, :, 0], IMAGES[3])


def test_other_arrays_can_be_named(tmp_path):
    arrays = {"images": IMAGES, "labels": LABELS, "fine": [3, 4, 3, 4], "expert": [3, 3, 3, 4]}
    dataset = load(tmp_path, arrays, label_column="fine", true_label_column="expert")
    assert dataset.class_names == ("3", "4")
    assert dataset.true_labels.tolist() == [0, 0, 0, 1]
    assert "there are 'images', 'labels', 'fine', 'expert'" in refused(tmp_path, arrays, label_column="nothing")


def test_missing_arrays_are_reported_with_those_there_are(tmp_path):
    assert "no array of images or features; there are 'pixels'" in refused(tmp_path, {"pixels": IMAGES})
    assert "no array of labels; there are 'images'" in refused(tmp_path, {"images": IMAGES})
    both = {"images": IMAGES, "features": np.ones((4, 2)), "labels": LABELS}
    assert "'images' and 'features' could both be" in refused(tmp_path, both)


def test_pickled_objects_are_never_loaded(tmp_path):
    objects = {"images": IMAGES, "labels": np.array(["a", None, 3, {}], dtype=object)}
    assert "array 'labels' holds pickled objects" in refused(tmp_path, objects)
    (tmp_path / "bad.npz").write_bytes(pickle.dumps([1, 2, 3]))
    with refuses(DatasetError, "unreadable"):
        read(DatasetConfig(data=str(tmp_path / "bad.npz")))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"text"])
def test_a_file_that_is_no_npz_is_reported(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with refuses(DatasetError, "unreadable", "bad.npz"):
        read(DatasetConfig(data=str(tmp_path / "bad.npz")))


def test_a_single_array_is_no_npz(tmp_path):
    with (tmp_path / "one.npz").open("wb") as file:
        np.save(file, IMAGES)
    with refuses(DatasetError, "unreadable"):
        read(DatasetConfig(data=str(tmp_path / "one.npz")))


def test_splits_are_refused(tmp_path):
    with refuses(ConfigError, "setting-without-effect", "dataset.split"):
        load(tmp_path, {"images": IMAGES, "labels": LABELS}, split="train")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 3, 5, 5), np.uint8), r"images.transpose(0, 2, 3, 1)"),
        (np.zeros((4, 5, 5, 4), np.uint8), "leave out the alpha channel: use images[..., :3]"),
        (np.zeros((4, 5, 5, 7), np.uint8), "1 or 3 channels"),
        (np.zeros((4, 5, 5), np.float32), "(images * 255).round()"),
        (np.zeros((4, 5, 5), np.int64), "int64, not uint8"),
        (np.zeros((4, 0, 5), np.uint8), "no pixels"),
        (np.zeros(4, np.uint8), "neither images nor features"),
        (np.array([["a"]] * 4), "not numbers"),
    ],
)
def test_images_of_another_kind_have_a_remedy(images, message):
    assert message in not_taken(images, LABELS)


def test_features_that_are_not_finite_are_reported_by_row_and_column():
    features = np.ones((4, 3))
    features[2, 1] = np.inf
    assert "arrays index 2: features[2, 1] is inf" in not_taken(features, LABELS)
    features[2, 1] = 1e300
    assert "features[2, 1] is 1e+300" in not_taken(features, LABELS)


def test_features_that_are_missing_are_gaps_in_a_table():
    features = np.arange(12.0).reshape(4, 3)
    features[:, 1] = 7
    features[2, 2] = np.nan
    table = dataset_from_arrays(features, LABELS).inputs.frame
    assert list(table) == ["feature 0", "feature 2"]  # one that does not vary is left out, as in a file
    np.testing.assert_array_equal(table["feature 2"], [2, 5, np.nan, 11])
    kept = dataset_from_arrays(features, LABELS, keep_gaps=True).inputs.features
    np.testing.assert_array_equal(kept, features)
    assert "no feature has two" in not_taken(np.full((4, 3), np.nan), LABELS)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "labels have shape (2,), not (4,), one for each example"),
        (np.eye(4), "argmax(axis=1)"),
        ([0.0, 1.0, 1.0, 0.0], "not whole numbers or text"),
        ([0.0, 1.5, 1.0, 0.0], "labels are measured numbers such as 1.5"),
        (["a", "", "b", "a"], "arrays index 1: the label is empty"),
    ],
)
def test_labels_of_another_kind_are_refused(labels, message):
    assert message in not_taken(IMAGES, labels)


def test_labels_may_be_lists_columns_or_objects():
    expected = dataset_from_arrays(IMAGES, ["a", "b", "b", "a"]).given_labels
    for labels in (np.array(["a", "b", "b", "a"], object), np.array([[0], [1], [1], [0]]), [False, True, True, False]):
        np.testing.assert_array_equal(dataset_from_arrays(IMAGES, labels).given_labels, expected)


def test_class_names_must_cover_the_labels():
    assert "labels '10' is not in 0 .. 1" in not_taken(IMAGES, LABELS, class_names=["a", "b"])
    assert "labels 'x' is not among class_names" in not_taken(IMAGES, ["a", "x", "b", "a"], class_names=["a", "b"])
    assert "class_names has 'a' twice" in not_taken(IMAGES, [0, 1, 0, 1], class_names=["a", "a"])


def test_text_that_no_file_can_hold_is_refused():
    assert "index 1: the id 'q\\ud800' is not UTF-8" in not_taken(IMAGES, LABELS, ids=["p", "q\ud800", "r", "s"])
    assert "the label" in not_taken(IMAGES, ["a\ud800", "b", "b", "b"])


def test_ids_given_twice_are_refused():
    assert "'p' is listed twice" in not_taken(IMAGES, LABELS, ids=["p", "q", "p", "r"])


def test_probabilities_are_no_features(tmp_path):
    message = refused(tmp_path, {"pred_probs": np.full((4, 2), 0.5), "given_labels": LABELS})
    assert "data.npz: these are probabilities of classes, not features" in message
    assert "data.npz judges labels by them, then labelscan gate RUN" in message
    assert load(tmp_path, {"images": IMAGES, "labels": LABELS, "pred_probs": np.full((4, 2), 0.5)})
