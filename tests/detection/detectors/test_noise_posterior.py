import dataclasses
import math
import threading

import numpy as np
import pytest
from plain_noise_posterior import reference
from scipy.special import expit, logit
from sklearn.metrics import f1_score
from tiny_run import evidence_of

from labelscan.detection import channel as noise_channel
from labelscan.detection import examples_by_class
from labelscan.detection.channel import calibrate
from labelscan.detection.detectors.noise_posterior import NoisePosterior, highest_expected_f1
from labelscan.detection.evidence import Evidence
from labelscan.detection.examples_by_class import Examples
from labelscan.detection.pooling import pool


def as_evidence(probs: np.ndarray, given_labels: np.ndarray, train_probs: np.ndarray | None = None) -> Evidence:
    train_probs = None if train_probs is None else train_probs.astype(np.float32)
    return evidence_of(probs.astype(np.float32), given_labels, train_probs=train_probs)


def a_channel(n_classes: int) -> np.ndarray:
    """Return P(given = column | true = row) that is as lopsided as can be: each class errs to the next one only."""
    rates = np.linspace(0.05, 0.35, n_classes)
    channel = np.diag(1 - rates)
    channel[np.arange(n_classes), (np.arange(n_classes) + 1) % n_classes] = rates
    return channel


def planted(n_examples: int, n_classes: int, seed: int = 0, signal: float = 4.0) -> tuple[Evidence, np.ndarray]:
    generator = np.random.default_rng(seed)
    true_labels = generator.integers(0, n_classes, n_examples)
    scores = generator.normal(size=(n_examples, n_classes)) + signal * np.eye(n_classes)[true_labels]
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    steps = np.cumsum(a_channel(n_classes), axis=1)[true_labels]
    given_labels = (generator.random(n_examples)[:, None] > steps).sum(axis=1).clip(max=n_classes - 1)
    return as_evidence(probs, given_labels), true_labels


def in_sample(evidence: Evidence, true_labels: np.ndarray, seed: int = 9, signal: float = 5.0) -> np.ndarray:
    """Return probabilities from training: another look at the true label, with a pull towards the given one."""
    n_examples, n_classes = evidence.pred_probs.shape
    scores = np.random.default_rng(seed).normal(size=(n_examples, n_classes))
    scores += signal * np.eye(n_classes)[true_labels] + 1.5 * np.eye(n_classes)[evidence.given_labels]
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("n_classes", "kappa", "label_doubt", "max_steps", "trained"),
    [(2, 2.0, 1.0, 30, False), (3, 2.0, 0.25, 30, False), (5, 3.0, 0.5, 30, True), (4, 1.0, 0.0, 2, True)],
)
@pytest.mark.parametrize("cells", [1 << 18, 20])
def test_it_computes_what_the_formulas_say(
    monkeypatch, n_classes: int, kappa: float, label_doubt: float, max_steps: int, trained: bool, cells
) -> None:
    monkeypatch.setattr(examples_by_class, "CHUNK_CELLS", cells)
    evidence, true_labels = planted(80, n_classes, seed=n_classes, signal=3)
    evidence.pred_probs[:5] = np.eye(n_classes, dtype=np.float32)[evidence.given_labels[:5]]
    probs, labels = evidence.pred_probs, evidence.given_labels
    train_probs = in_sample(evidence, true_labels).astype(np.float32) if trained else None
    detector = NoisePosterior(kappa, label_doubt, max_steps=max_steps)
    detection = detector.detect(as_evidence(probs, labels, train_probs))
    expected = reference(probs, labels, kappa, label_doubt, max_steps, train_probs)
    np.testing.assert_allclose(detection.error_probability, expected["error_probability"], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(detection.label_quality, 1 - detection.error_probability)
    np.testing.assert_allclose(detection.noise_matrix, expected["noise_matrix"], rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(detection.flagged, expected["flagged"])
    measurable = expected["odds"] > 1e-9  # smaller ones are differences of nearly equal numbers in the plain formulas
    odds = np.exp(detection.error_log_odds[measurable])
    np.testing.assert_allclose(odds, expected["odds"][measurable], rtol=1e-4)
    found = (detection.wrong_labels.estimate, detection.wrong_labels.low, detection.wrong_labels.high)
    np.testing.assert_allclose(found, expected["wrong_labels"], rtol=1e-5)


def test_the_only_error_of_a_pair_of_classes_grows_likelier_without_a_jump() -> None:
    given_labels = np.repeat(np.arange(4), 60)
    scores = np.random.default_rng(0).normal(size=(240, 4)) + 3 * np.eye(4)[given_labels]
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    alike = (given_labels == 0) & (probs.argmax(axis=1) == 1)
    probs[alike] = [0.9, 0.04, 0.03, 0.03]  # so that the first example alone looks like the second class
    log_odds = []
    for probability in np.arange(0.3, 0.95, 0.01):
        probs[0] = [0.98 - probability, probability, 0.01, 0.01]
        log_odds.append(_log_odds(as_evidence(probs, given_labels))[0])
    assert 0 < np.diff(log_odds).min() <= np.diff(log_odds).max() < 2, "without a prior on the channel it was 8"


def _log_odds(evidence: Evidence) -> np.ndarray:
    log_odds = NoisePosterior().detect(evidence).error_log_odds
    assert log_odds is not None
    return log_odds


def test_probabilities_from_training_rank_better() -> None:
    evidence, true_labels = planted(3000, 5, signal=3)
    both = as_evidence(evidence.pred_probs, evidence.given_labels, in_sample(evidence, true_labels))
    alone, together = NoisePosterior().detect(evidence), NoisePosterior().detect(both)
    label_errors = evidence.given_labels != true_labels
    assert f1_score(label_errors, together.flagged) > f1_score(label_errors, alone.flagged) + 0.02
    ignored = NoisePosterior(in_sample=False).detect(both)
    np.testing.assert_array_equal(ignored.error_probability, alone.error_probability)
    for detection in (alone, together):
        known = detection.wrong_labels
        assert known.low <= known.estimate <= known.high
        assert detection.error_probability.sum() == pytest.approx(known.estimate, rel=1e-6)


def test_training_probabilities_that_are_entirely_in_sample_do_no_harm() -> None:
    evidence, true_labels = planted(3000, 5, signal=4)
    overfit = np.full((3000, 5), 1e-6)
    overfit[np.arange(3000), evidence.given_labels] = 1 - 4e-6
    alone = NoisePosterior().detect(evidence)
    together = NoisePosterior().detect(as_evidence(evidence.pred_probs, evidence.given_labels, overfit))
    label_errors = evidence.given_labels != true_labels
    assert f1_score(label_errors, together.flagged) > f1_score(label_errors, alone.flagged) - 0.02


def few_errors(seed: int, n_examples: int = 4000) -> tuple[list[Evidence], np.ndarray]:
    """Return the evidence of two weak models that err apart, on 4 % errors, and (N,) the errors."""
    generator = np.random.default_rng(seed)
    true_labels = generator.integers(0, 5, n_examples)
    given_labels = true_labels.copy()
    wrong = generator.permutation(n_examples)[: n_examples // 25]
    given_labels[wrong] = (true_labels[wrong] + generator.integers(1, 5, len(wrong))) % 5
    members = []
    for _ in range(2):
        probs = np.exp(generator.normal(size=(n_examples, 5)) + 2.5 * np.eye(5)[true_labels])
        members.append(as_evidence(probs / probs.sum(axis=1, keepdims=True), given_labels))
    return members, given_labels != true_labels


def test_a_weak_model_that_fits_what_it_misses_held_out_doubts_itself_and_not_the_labels() -> None:
    (evidence, _), label_errors = few_errors(0)
    fits_all = np.full(evidence.pred_probs.shape, 0.01)
    fits_all[np.arange(len(evidence)), evidence.given_labels] = 0.96
    untrained = NoisePosterior().detect(evidence).wrong_labels
    fitted = NoisePosterior().detect(as_evidence(evidence.pred_probs, evidence.given_labels, fits_all)).wrong_labels
    assert fitted.estimate < 0.8 * untrained.estimate
    assert abs(fitted.estimate - label_errors.sum()) < abs(untrained.estimate - label_errors.sum())


def test_two_members_that_err_apart_show_how_many_labels_are_wrong() -> None:
    members, label_errors = few_errors(0)
    pooled = pool(["one", "another"], members)
    of_two = NoisePosterior().detect(pooled).wrong_labels
    of_pool = NoisePosterior().detect(dataclasses.replace(pooled, members=())).wrong_labels
    assert abs(of_two.estimate - label_errors.sum()) < 0.25 * label_errors.sum()
    assert of_two.low <= label_errors.sum() <= of_two.high
    assert of_two.high - of_two.low < of_pool.high - of_pool.low


def seen_by_two_models(log_odds: np.ndarray, given_labels: np.ndarray, generator: np.random.Generator) -> Evidence:
    """Return two models that know nearly all that columns tell: the (N,) log-odds of the second class."""
    members = []
    for _ in range(2):
        of_second = expit(log_odds + generator.normal(0, 0.3, len(log_odds))) * 0.9 + 0.05
        members.append(as_evidence(np.column_stack([1 - of_second, of_second]), given_labels))
    return pool(["one", "another"], members)


def test_models_that_agree_on_what_columns_cannot_tell_do_not_make_labels_wrong() -> None:
    generator = np.random.default_rng(0)
    log_odds = generator.normal(0, 2.5, 4000)
    label_errors = generator.random(4000) < 0.05
    given_labels = (generator.random(4000) < expit(log_odds)) ^ label_errors
    of_images = seen_by_two_models(log_odds, given_labels.astype(np.int64), generator)
    of_columns = dataclasses.replace(of_images, from_columns=True)
    by_agreement, by_pool = NoisePosterior().detect(of_images), NoisePosterior().detect(of_columns)
    assert by_pool.flagged.sum() < 0.6 * by_agreement.flagged.sum()
    assert f1_score(label_errors, by_pool.flagged) > f1_score(label_errors, by_agreement.flagged) + 0.05
    alone = dataclasses.replace(of_images, members=())
    np.testing.assert_array_equal(by_pool.flagged, NoisePosterior(label_doubt=0.5).detect(alone).flagged)


def test_of_columns_that_explain_little_labels_that_are_missed_one_way_are_wrong() -> None:
    """A rule gives the rare class to a quarter of the rows in a fifth of the table; the models know that it does."""
    generator = np.random.default_rng(0)
    is_rare = expit(generator.normal(-9, 5, 4000))
    true_labels = generator.random(4000) < is_rare
    by_rule = np.where(generator.random(4000) < 0.2, 0.25, 0.01)
    label_errors = ~true_labels & (generator.random(4000) < by_rule)
    log_odds = logit((is_rare + (1 - is_rare) * by_rule).clip(max=0.9999))
    of_images = seen_by_two_models(log_odds, (true_labels | label_errors).astype(np.int64), generator)
    of_columns = dataclasses.replace(of_images, from_columns=True)
    by_pool = NoisePosterior().detect(dataclasses.replace(of_columns, members=()))
    by_agreement = NoisePosterior().detect(of_columns)
    assert by_pool.wrong_labels.estimate < 0.5 * label_errors.sum() < by_agreement.wrong_labels.estimate
    assert f1_score(label_errors, by_agreement.flagged) > f1_score(label_errors, by_pool.flagged) + 0.4
    assert NoisePosterior().detect(of_images).wrong_labels.estimate >= by_agreement.wrong_labels.estimate


def test_the_lower_end_of_a_weak_model_that_is_sure_of_itself_is_low() -> None:
    generator = np.random.default_rng(0)
    true_labels = generator.integers(0, 10, 1000)
    logits = (np.eye(10)[true_labels] + generator.normal(0, 1.5, (1000, 10))) * generator.uniform(2, 6, (1000, 1))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert (probs.argmax(axis=1) == true_labels).mean() < 0.3
    assert NoisePosterior().detect(as_evidence(probs, true_labels)).wrong_labels.low < 0.1 * len(probs)


def test_planted_errors_are_found_and_counted_and_the_noise_matrix_is_given_by_true() -> None:
    evidence, true_labels = planted(4000, 5, signal=6)
    detection = NoisePosterior().detect(evidence)
    label_errors = evidence.given_labels != true_labels
    assert f1_score(label_errors, detection.flagged) > 0.95
    assert detection.error_probability.sum() == pytest.approx(label_errors.sum(), rel=0.1)
    np.testing.assert_allclose(detection.noise_matrix, a_channel(5).T, atol=0.06)


@pytest.mark.parametrize("scale", [0.7, 1.0, 5.0])
def test_probabilities_that_are_too_sure_or_not_sure_enough_are_calibrated(scale: float) -> None:
    generator = np.random.default_rng(0)
    log_p = np.log(generator.dirichlet(np.ones(3), size=3000).clip(min=0.05))
    calibrated = np.exp(log_p) / np.exp(log_p).sum(axis=1, keepdims=True)
    given_labels = (generator.random(3000)[:, None] > np.cumsum(calibrated, axis=1)).sum(axis=1).clip(max=2)
    distorted = calibrated ** (1 / scale)
    evidence = as_evidence(distorted / distorted.sum(axis=1, keepdims=True), given_labels)
    assert calibrate(Examples(evidence.given_labels, evidence.pred_probs)) == pytest.approx(scale, rel=0.15)


@pytest.mark.parametrize(("moved", "power"), [(0, 3), (1, -3)])
def test_a_scale_without_limit_stops_at_the_limit(moved: int, power: int) -> None:
    given_labels = np.arange(12) % 3
    probs = (0.4 * np.eye(3)[(given_labels + moved) % 3] + 0.2).astype(np.float32)
    assert calibrate(Examples(given_labels, probs)) == pytest.approx(math.exp(power))


def test_uniform_probabilities_leave_the_scale_at_1_and_all_labels_alike() -> None:
    given_labels = np.arange(30) % 3
    probs = np.full((30, 3), 1 / 3)
    assert calibrate(Examples(given_labels, probs.astype(np.float32))) == 1
    detection = NoisePosterior().detect(as_evidence(probs, given_labels))
    np.testing.assert_allclose(detection.label_quality, detection.label_quality[0])


@pytest.mark.parametrize(("kappa", "n_wrong"), [(2.0, 4), (10.0, 4), (2.0, 0)])
def test_one_hot_rows_are_judged(kappa: float, n_wrong: int) -> None:
    given_labels = np.arange(60) % 3
    predicted = given_labels.copy()
    predicted[:n_wrong] = (predicted[:n_wrong] + 1) % 3
    detection = NoisePosterior(kappa=kappa).detect(as_evidence(np.eye(3)[predicted], given_labels))
    assert list(np.flatnonzero(detection.flagged)) == list(range(n_wrong))


@pytest.mark.parametrize(
    ("error_probability", "flagged"),
    [
        ([0.0, 0.0], [False, False]),
        ([1.0, 0.0], [True, False]),
        ([1.0, 1.0], [True, True]),
        ([1e-6, 1e-6, 1e-6], [False, False, False]),
        ([0.9, 0.1, 0.9, 0.5], [True, False, True, True]),
        ([0.2, 0.9, 0.2], [False, True, False]),
    ],
)
def test_the_cut_has_the_highest_expected_f1(error_probability: list[float], flagged: list[bool]) -> None:
    assert list(highest_expected_f1(np.array(error_probability))) == flagged


def test_an_exponent_is_estimated_from_some_of_many_examples_whatever_their_order(monkeypatch) -> None:
    evidence, _ = planted(3000, 4)
    whole = NoisePosterior().detect(evidence)
    monkeypatch.setattr(examples_by_class, "ENOUGH", 600)
    some = NoisePosterior().detect(evidence)
    np.testing.assert_allclose(some.error_probability, whole.error_probability, atol=0.1)
    order = np.random.default_rng(0).permutation(3000)
    shuffled = NoisePosterior().detect(evidence[order])
    np.testing.assert_allclose(shuffled.error_probability, some.error_probability[order], atol=1e-6)


def test_columns_of_a_channel_lie_together():
    evidence, _ = planted(60, 4)
    channel = noise_channel.fit_channel(Examples(evidence.given_labels, evidence.pred_probs), 1.0, max_steps=2)
    assert channel.matrix.flags.f_contiguous, "gathered, 10,000 columns take minutes"
    assert channel.refitted.flags.f_contiguous


def test_classes_side_by_side_give_the_same_bits_as_one_after_another(monkeypatch) -> None:
    evidence, true_labels = planted(600, 7, seed=5)
    evidence = as_evidence(evidence.pred_probs, evidence.given_labels, in_sample(evidence, true_labels))
    alone = NoisePosterior().detect(evidence)
    monkeypatch.setattr(examples_by_class, "WORTH_THREADS", 0)
    examples = Examples(evidence.given_labels, evidence.pred_probs)
    together = threading.Barrier(2, timeout=60)
    monkeypatch.setattr(examples_by_class, "available_cores", lambda: 2)
    examples.for_each_class(lambda label: together.wait() if label < 2 else 0)  # breaks unless two run at once
    again = NoisePosterior().detect(evidence)
    np.testing.assert_array_equal(again.error_log_odds, alone.error_log_odds)
    np.testing.assert_array_equal(again.noise_matrix, alone.noise_matrix)
