import numpy as np
import pytest

from labelscan.detection.annotators import find_agreement, wrong_given_labels


def annotate(truth: np.ndarray, error_rate: np.ndarray, n_classes: int, rng: np.random.Generator) -> np.ndarray:
    wrong = rng.random(len(truth)) < error_rate
    return np.where(wrong, (truth + rng.integers(1, n_classes, len(truth))) % n_classes, truth)


def three_annotators(n_classes: int, seed: int, rates=(0.15, 0.2, 0.1), n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Return the votes of annotators that err apart, the given labels first, and (N,) whether these are wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n)
    votes = np.column_stack([annotate(truth, np.full(n, rate), n_classes, rng) for rate in rates])
    return votes, votes[:, 0] != truth


@pytest.mark.parametrize("n_classes", [2, 5, 40])
def test_annotators_that_err_apart_tell_the_share_of_wrong_labels(n_classes):
    votes, wrong = three_annotators(n_classes, seed=n_classes)
    estimated = wrong_given_labels(votes, np.zeros(len(votes), dtype=np.int64), n_classes)
    assert estimated.mean() == pytest.approx(wrong.mean(), abs=0.02)
    assert estimated[wrong].mean() > 2 * estimated[~wrong].mean()


def test_confusions_that_differ_by_class_are_learned():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 8000)
    given = np.where((truth == 3) & (rng.random(8000) < 0.4), 2, truth)  # four in ten of one class are called another
    models = [annotate(truth, np.full(8000, 0.15), 4, rng) for _ in range(2)]
    estimated = wrong_given_labels(np.column_stack([given, *models]), np.zeros(8000, dtype=np.int64), 4)
    by_label = [estimated[given == label].mean() for label in range(4)]
    true_shares = [(given != truth)[given == label].mean() for label in range(4)]
    np.testing.assert_allclose(by_label, true_shares, atol=0.03)


def test_strata_tell_easy_examples_from_hard_ones():
    rng = np.random.default_rng(1)
    truth, hard = rng.integers(0, 5, 10_000), np.repeat([False, True], 5000)
    given = annotate(truth, np.where(hard, 0.3, 0.02), 5, rng)
    models = [annotate(truth, np.where(hard, 0.25, 0.02), 5, rng) for _ in range(2)]
    estimated = wrong_given_labels(np.column_stack([given, *models]), hard.astype(np.int64), 5)
    for stratum in (hard, ~hard):
        assert estimated[stratum].mean() == pytest.approx((given != truth)[stratum].mean(), abs=0.03)


def test_the_answer_follows_the_examples_and_not_their_order_and_where_all_agree_there_is_no_doubt():
    votes, _ = three_annotators(5, seed=2, n=500)
    strata = np.arange(500) % 3
    order = np.random.default_rng(0).permutation(500)
    estimated = wrong_given_labels(votes, strata, 5)
    np.testing.assert_allclose(wrong_given_labels(votes[order], strata[order], 5), estimated[order], atol=1e-12)
    assert wrong_given_labels(votes[:, [0, 0, 0]], strata, 5).max() < 0.01


def test_models_that_differ_often_are_trusted_less():
    rng = np.random.default_rng(3)
    truth, hard = rng.integers(0, 5, 4000), np.repeat([True, False], 2000)
    given = annotate(truth, np.full(4000, 0.1), 5, rng)
    members = [
        np.eye(5, dtype=np.float32)[annotate(truth, np.where(hard, 0.5, 0.02), 5, rng)] * 0.8 + 0.04 for _ in range(2)
    ]
    strata, wrong, trust = find_agreement(given, np.where(hard, 0.3, 0.9) + rng.random(4000) / 100, members)
    half = len(trust) // 2
    assert strata[hard].max() < half <= strata[~hard].min()
    assert trust[:half].max() < 0.5 < 0.9 < trust[half:].min()
    assert wrong[half:].mean() == pytest.approx(0.1, abs=0.03)
