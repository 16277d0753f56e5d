import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

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
    with pytest.raises(labelscan.DatasetError, match="not uint8"):
        settings_and_data((IMAGES.astype(int) + 250).tolist(), LABELS, None)


def test_nested_lists_of_features_are_judged():
    features = [[*row, 0.0] for row in np.random.default_rng(0).normal(size=(40, 3)).tolist()]
    plan = labelscan.plan(features, [row % 2 for row in range(40)])
    assert plan.dataset.inputs.features.shape == (40, 4)


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
