"""What classifiers see of images, all pixels or means over squares where these are too many, and how they predict."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from labelscan.training.batches import StoredInputs
from labelscan.training.learners import ClassifierLearner, GivenClassifier


class Nothing:
    """A classifier that is never asked."""


def rows_of(tmp_path, array, most_pixels):
    np.save(tmp_path / "inputs.npy", array)
    learner = ClassifierLearner(GivenClassifier(Nothing()), most_pixels=most_pixels)
    return learner._rows(StoredInputs(tmp_path / "inputs.npy", 2**20), np.array([2, 0]))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 7, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("most_pixels", [0, 7 * 8 * 3])
def test_images_are_flattened_and_scaled(tmp_path, images, most_pixels):
    rows = rows_of(tmp_path, images, most_pixels)
    np.testing.assert_allclose(rows, images[[2, 0]].reshape(2, -1) / 255, rtol=1e-6)


def test_larger_images_are_averaged_over_squares_of_pixels(tmp_path, images):
    rows = rows_of(tmp_path, images, 60)  # 168 values: squares of 2 x 2, and of 2 x 1 at the lower edge
    assert rows.shape == (2, 3 * 4 * 4)
    first = rows.reshape(2, 3, 4, 4)[1]
    np.testing.assert_allclose(first[2, 0, 3], images[0, 0:2, 6:8, 2].mean() / 255, rtol=1e-6)
    np.testing.assert_allclose(first[0, 3, 1], images[0, 6:7, 2:4, 0].mean() / 255, rtol=1e-6)


def test_features_are_taken_as_they_are_however_many(tmp_path):
    features = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    np.testing.assert_array_equal(rows_of(tmp_path, features, 10), features[[2, 0]])


def test_a_forest_predicts_in_one_thread_since_several_would_round_differently_each_time(tmp_path):
    threads = []

    class Forest(RandomForestClassifier):
        def predict_proba(self, x):
            threads.append(self.n_jobs)
            return super().predict_proba(x)

    features = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)
    np.save(tmp_path / "inputs.npy", features)
    job = SimpleNamespace(
        repeat=0,
        fold=0,
        seed=1,
        n_classes=2,
        given_labels=np.arange(12) % 2,
        train_index=np.arange(8),
        held_out_index=np.arange(8, 12),
    )
    learner = ClassifierLearner(GivenClassifier(Forest(5, n_jobs=2)))
    output = learner.learn(job, StoredInputs(tmp_path / "inputs.npy", 2**20), lambda _: None)
    assert threads == [1]
    assert output.pred_probs.shape == (4, 2)
