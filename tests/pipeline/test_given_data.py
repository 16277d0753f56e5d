import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from refusals import refuses
from scipy.sparse import csr_array
from sklearn.ensemble import HistGradientBoostingClassifier

import labelscan
from labelscan.arrays import as_array
from labelscan.pipeline.given_data import settings_and_data

IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
FEATURES = np.array([[0.5, 1], [2, 3], [4, 5], [6, 7]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("data", "labels"),
    [
        (IMAGES.tolist(), LABELS.tolist()),
        (list(IMAGES), tuple(LABELS)),
        (torch.from_numpy(FEATURES).requires_grad_(), torch.from_numpy(LABELS)),
        (torch.from_numpy(FEATURES).bfloat16(), pd.Series(LABELS)),
        (list(torch.from_numpy(FEATURES)), list(torch.from_numpy(LABELS))),
        (torch.from_numpy(IMAGES), LABELS),
        (pd.DataFrame(FEATURES), list("abba")),
    ],
    ids=["lists", "list of arrays", "tensors", "bfloat16", "lists of tensors", "images", "data frame"],
)
def test_whatever_numpy_or_torch_holds_is_data_in_memory(data, labels):
    _, dataset = settings_and_data(data, labels, None)
    if np.ndim(as_array(data)) == 3:
        np.testing.assert_array_equal(dataset.inputs.images[..., 0], IMAGES)
    else:
        np.testing.assert_array_equal(dataset.inputs.features, FEATURES)
    np.testing.assert_array_equal(dataset.given_labels, LABELS)


@pytest.mark.gpu
def test_tensors_may_lie_on_a_gpu():
    _, dataset = settings_and_data(torch.from_numpy(FEATURES).cuda(), torch.from_numpy(LABELS).cuda(), None)
    np.testing.assert_array_equal(dataset.inputs.features, FEATURES)
    np.testing.assert_array_equal(dataset.given_labels, LABELS)


def test_lists_of_what_are_no_bytes_are_not_taken_for_pixels():
    with refuses(labelscan.DatasetError, "not-bytes"):
        settings_and_data((IMAGES.astype(int) + 250).tolist(), LABELS, None)


def test_nested_lists_of_features_are_judged():
    features = [[*row, 0.0] for row in np.random.default_rng(0).normal(size=(40, 3)).tolist()]
    plan = labelscan.plan(features, [row % 2 for row in range(40)])
    assert plan.plan.dataset.inputs.features.shape == (40, 4)


@pytest.mark.parametrize(
    ("data", "labels", "where"),
    [
        ([[1.0], [2.0, 3.0]], [0, 1], "data"),
        (torch.eye(2).to_sparse(), [0, 1], "data"),
        (FEATURES, [[0], [1, 2]], "labels"),
    ],
)
def test_what_is_no_array_is_refused_with_its_name(data, labels, where):
    with pytest.raises(labelscan.ConfigError, match=f"{where}: these are not one array"):
        settings_and_data(data, labels, None)


@pytest.mark.parametrize(("data", "labels"), [(FEATURES, None), ("demo:digits", LABELS), (None, LABELS), (None, None)])
def test_labels_go_with_data_in_memory_and_it_with_them(data, labels):
    with pytest.raises(labelscan.ConfigError, match=r"labels|no data"):
        settings_and_data(data, labels, None)


def test_an_array_is_taken_without_loading_torch():
    code = "import sys, labelscan.arrays as a; a.as_array([[1, 2]]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_texts_in_memory_are_texts_of_any_form():
    texts = ["a b", None, "c", ""]
    for data in (texts, tuple(texts), np.array(texts, dtype=object), pd.Series(texts), pl.Series(texts)):
        _, dataset = settings_and_data(data, LABELS, None)
        assert dataset.inputs.texts.tolist() == ["a b", "", "c", ""]
    _, dataset = settings_and_data(pd.Series(texts, index=list("zyxw")), LABELS.tolist(), None)
    assert dataset.example_ids.tolist() == list("wxyz")
    _, dataset = settings_and_data(np.array(["x y", "z"] * 2), LABELS, None)
    assert dataset.inputs.texts.tolist() == ["x y", "z"] * 2


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64, torch.int32])
def test_tensors_of_any_numbers_are_features(kind):
    _, dataset = settings_and_data(torch.from_numpy(FEATURES).to(kind), torch.from_numpy(LABELS), None)
    np.testing.assert_array_equal(dataset.inputs.features, FEATURES if kind.is_floating_point else FEATURES.astype(int))


def test_a_label_column_is_named_for_frames_and_files_alone(tmp_path):
    frame = pd.DataFrame({"x": FEATURES[:, 0], "kind": list("abba")})
    _, dataset = settings_and_data(frame, None, None, label="kind")
    assert dataset.given_labels.tolist() == [0, 1, 1, 0]
    frame.to_csv(tmp_path / "table.csv")
    config, _ = settings_and_data(tmp_path / "table.csv", None, None, label="kind")
    assert config.dataset.label_column == "kind"
    with refuses(labelscan.ConfigError, "wrong-usage"):
        settings_and_data(FEATURES, None, None, label="kind")
    with refuses(labelscan.ConfigError, "lazy-frame"):
        settings_and_data(pl.from_pandas(frame).lazy(), None, None, label="kind")
    with refuses(labelscan.ConfigError, "wrong-usage"):
        settings_and_data(frame, LABELS, None, label="kind")


def test_labels_in_memory_are_merged_where_the_settings_ask():
    settings = labelscan.settings(merge_labels="case")
    _, dataset = settings_and_data(FEATURES, ["a", "A", "b", "a"], settings)
    assert dataset.class_names == ("a", "b")


def test_the_columns_of_a_frame_stay_for_a_classifier_and_gaps_of_an_array_too():
    frame = pd.DataFrame(FEATURES, columns=["x", "y"])
    classifier = HistGradientBoostingClassifier()
    _, dataset = settings_and_data(frame, LABELS, None, model=[classifier])
    pd.testing.assert_frame_equal(dataset.inputs.frame, frame)
    with_gaps = np.where(FEATURES == 3, np.nan, FEATURES)
    _, dataset = settings_and_data(with_gaps, LABELS, None, model=classifier)
    np.testing.assert_array_equal(dataset.inputs.features, with_gaps)
    _, dataset = settings_and_data(with_gaps, LABELS, None)
    np.testing.assert_array_equal(dataset.inputs.frame["feature 1"], with_gaps[:, 1])


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        ({"a": [1, 2], "b": [3, 4]}, "pass it as a data frame"),
        (csr_array(FEATURES), r"pass data\.toarray\(\)"),
        (torch.utils.data.TensorDataset(torch.from_numpy(FEATURES)), "pass its images, features or texts as one array"),
    ],
    ids=["a dict", "a sparse matrix", "a dataset of torch"],
)
@pytest.mark.parametrize("labels", [LABELS, None])
def test_data_of_a_kind_that_is_not_read_says_what_to_pass(data, remedy, labels):
    with pytest.raises(labelscan.ConfigError, match=f"is not read; hint: {remedy}"):
        settings_and_data(data, labels, None)


def test_settings_are_not_a_dict():
    with refuses(labelscan.ConfigError, "wrong-type"):
        labelscan.detect(FEATURES, LABELS, settings={"epochs": 3})
