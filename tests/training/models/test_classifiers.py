"""Classifiers that stand beside networks: rows, pixels and features in, probabilities out."""

import pickle

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier as ScikitRidge
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from labelscan.training.models import MODELS
from labelscan.training.models.classifiers import RidgeClassifier

NAMES = [name for name in MODELS if (model := MODELS.build(name)).kind == "classifier" and model.takes == "features"]


@pytest.fixture
def blobs():
    """Return (120, 5) features, of which one is constant, and labels of three classes."""
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 3
    features = generator.normal(size=(120, 5)) + 2 * np.eye(3, 5)[labels]
    features[:, 4] = 7
    return features.astype(np.float32), labels


def test_there_are_trees_boosting_and_linear_models():
    assert NAMES == ["extra-trees", "boosting", "logistic", "ridge"]


@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_learns_and_the_seed_alone_decides_what_it_draws(name, blobs):
    features, labels = blobs
    model = pickle.loads(pickle.dumps(MODELS.build(name)))
    probs = [
        model.make_classifier(seed, threads).fit(features[:90], labels[:90]).predict_proba(features[90:])
        for seed, threads in ((3, 1), (3, 2), (2**32 - 1, 1))
    ]
    for each in probs:
        assert each.shape == (30, 3)
        np.testing.assert_allclose(each.sum(axis=1), 1, rtol=1e-6)
        assert (each.argmax(axis=1) == labels[90:]).mean() > 0.7
    np.testing.assert_allclose(probs[0], probs[1], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_rare_classes_and_columns_that_never_change_are_no_trouble(name):
    features = np.zeros((12, 3), dtype=np.float32)
    features[:, 0] = np.arange(12)
    labels = np.array([0] * 6 + [1] * 5 + [2])
    classifier = MODELS.build(name).make_classifier(0, 1).fit(features, labels)
    probs = classifier.predict_proba(features)
    assert classifier.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(probs).all()


@pytest.mark.parametrize("name", NAMES)
def test_features_that_say_nothing_leave_the_shares_of_the_classes(name):
    labels = np.array([0] * 9 + [1] * 3)
    classifier = MODELS.build(name).make_classifier(0, 1).fit(np.ones((12, 2), dtype=np.float32), labels)
    probs = classifier.predict_proba(np.ones((2, 2), dtype=np.float32))
    assert (probs[:, 0] > 0.6).all()
    assert (probs[:, 0] < 0.95).all()


@pytest.mark.parametrize("n_columns", [3, 40])  # fewer than rows, and more
def test_ridge_is_the_regression_that_it_says_it_is(n_columns):
    generator = np.random.default_rng(1)
    x, labels = generator.normal(size=(30, n_columns)), generator.integers(0, 3, 30)
    ridge = RidgeClassifier()
    ridge.PENALTIES = (0.1,)
    ridge.fit(x, labels)
    columns = StandardScaler().fit_transform(x)
    singular = np.linalg.svd(columns, compute_uv=False)
    kept = singular[singular**2 > 1e-10 * singular[0] ** 2]
    # Column by column: scikit-learn's own takes 1 and -1 for labels, which is twice the same, less 1.
    theirs = ScikitRidge(alpha=0.1 * np.mean(kept**2)).fit(columns, labels)
    np.testing.assert_allclose(2 * ridge.weights_, theirs.coef_.T, atol=1e-8)
    logs = np.log(ridge.predict_proba(x))
    scores = (theirs.decision_function(columns) + 1) / 2
    np.testing.assert_allclose(np.diff(logs, axis=1), ridge.scale_ * np.diff(scores, axis=1), atol=1e-6)


def test_the_sharpness_of_ridge_is_chosen_on_predictions_for_examples_left_out(monkeypatch):
    generator = np.random.default_rng(2)
    x, labels = generator.normal(size=(25, 4)), generator.integers(0, 2, 25)
    seen = []
    choose = RidgeClassifier._likeliest_scale

    def spy(self, scores, labels):
        seen.append(scores)
        return choose(self, scores, labels)

    monkeypatch.setattr(RidgeClassifier, "_likeliest_scale", spy)
    monkeypatch.setattr(RidgeClassifier, "PENALTIES", (0.1,))
    RidgeClassifier().fit(x, labels)
    columns = StandardScaler().fit_transform(x)
    penalty = 0.1 * np.mean(np.linalg.svd(columns, compute_uv=False) ** 2)
    regression = RidgeCV(alphas=[penalty], store_cv_results=True, scoring=None)
    regression.fit(columns, np.eye(2)[labels])
    errors = regression.cv_results_[..., 0]
    np.testing.assert_allclose((seen[0] - np.eye(2)[labels]) ** 2, errors, atol=1e-8)


def test_labels_at_random_make_ridge_unsure():
    generator = np.random.default_rng(3)
    x, labels = generator.normal(size=(200, 150)).astype(np.float32), generator.integers(0, 4, 200)
    probs = RidgeClassifier().fit(x, labels).predict_proba(generator.normal(size=(100, 150)).astype(np.float32))
    assert probs.max(axis=1).mean() < 0.5
