"""How many labels are wrong by a drawn sample: it holds whatever the log-odds are worth, and never contradicts it."""

import numpy as np
import pytest
from scipy.special import expit

from labelscan.arrays import as_strings
from labelscan.detection.decisions.decided_labels import DecidedLabels, error_probability_by_decisions
from labelscan.detection.decisions.interval import Measurement
from labelscan.detection.decisions.measured_sample import draw_sample

N = 2000
IDS = as_strings([f"{row:04}" for row in range(N)])


def a_world(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) log-odds and whether the labels are wrong, as ``kind`` of models have them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-3, 3, N)
    errors = rng.random(N) < expit(log_odds)
    if kind == "a third of the errors is where models are surest":
        surest = np.sort(log_odds)[: N // 10]
        moved = rng.choice(np.flatnonzero(errors), errors.sum() // 3, replace=False)
        log_odds[moved] = rng.choice(surest, len(moved))
    if kind == "the log-odds say nothing":
        log_odds = rng.permutation(log_odds)
    if kind == "ties":
        log_odds = np.where(log_odds > 0, 2.0, -6.0)
    if kind == "no errors":
        errors[:] = False
    return log_odds, errors


def measure(
    log_odds: np.ndarray, errors: np.ndarray, n: int, seed: int, *, top: int = 0, least: float = 0
) -> Measurement:
    """Return what the first ``n`` labels of the sample measure, with the ``top`` of a review decided besides."""
    sample = draw_sample(IDS[: len(errors)], log_odds, seed=seed)
    rows = np.union1d(sample.index[:n], np.argsort(-log_odds, kind="stable")[:top])
    decided = DecidedLabels(index=rows, is_wrong=errors[rows])
    error_probability = error_probability_by_decisions(log_odds, decided)
    error_probability[rows] = errors[rows]
    drawn = sample.drawn(decided)
    return Measurement(error_probability=error_probability, decided=decided, drawn=drawn, listed=log_odds > least)


WORLDS = ["usual", "a third of the errors is where models are surest", "the log-odds say nothing", "ties", "no errors"]


@pytest.mark.parametrize("kind", WORLDS)
def test_the_intervals_hold_the_truth_whatever_models_believe(kind):
    held = []
    for seed in range(30):
        log_odds, errors = a_world(kind, seed)
        found = measure(log_odds, errors, 50, seed)
        listed = log_odds > 0
        listed[found.decided.index] = found.decided.is_wrong
        truth = [errors.sum(), errors[listed].mean(), errors[listed].sum() / max(errors.sum(), 1)]
        if not errors.any():
            truth[2] = 1
        said = [found.n_wrong(), found.precision(), found.found()]
        assert all(one.low <= one.estimate <= one.high for one in said)
        held.append([one.low <= true <= one.high for one, true in zip(said, truth, strict=True)])
    assert (np.mean(held, axis=0) >= 0.9).all()


def test_a_few_mistaken_decisions_on_right_labels_stand_for_no_others():
    held = []
    for seed in range(40):
        log_odds, errors = a_world("no errors", seed)
        mistaken = np.random.default_rng(seed).random(N) < 0.02
        found = measure(log_odds, errors | mistaken, 50, seed)
        held.append(found.n_wrong().low <= found.decided.is_wrong.sum())
    assert np.mean(held) >= 0.9


def test_more_decisions_narrow_the_interval_and_those_of_a_review_never_widen_it():
    log_odds, errors = a_world("usual", 0)
    widths = []
    for n, top in ((25, 0), (50, 0), (100, 0), (100, 100), (100, 300)):
        count = measure(log_odds, errors, n, 0, top=top).n_wrong()
        widths.append(count.high - count.low)
    assert widths[2] < 0.75 * widths[0]
    assert (np.diff(widths) <= 0.1 * np.array(widths[:-1])).all()


def test_an_interval_never_contradicts_what_was_decided():
    log_odds = np.array([-9.0, -8, -7, -6, -5, -4, -3, -2, -1, 5, 6, 7])
    for errors in (np.arange(12) % 2 == 0, np.zeros(12, dtype=bool), np.ones(12, dtype=bool)):
        found = measure(log_odds, errors, 10, 0, least=-4)
        n_known_wrong, n_known = int(found.decided.is_wrong.sum()), len(found.decided)
        count, precision, share = found.n_wrong(), found.precision(), found.found()
        assert n_known_wrong <= count.low <= count.estimate <= count.high <= 12 - (n_known - n_known_wrong)
        if precision is not None:
            assert 0 <= precision.low <= precision.estimate <= precision.high <= 1
        assert 0 <= share.low <= share.estimate <= share.high <= 1
    everything = measure(log_odds, np.arange(12) % 3 == 0, 12, 0)
    assert everything.n_wrong().low == everything.n_wrong().high == 4


def test_no_more_decisions_are_asked_for_than_labels_are_left():
    log_odds = np.linspace(-3, 3, 40)
    for n, expected in ((8, 24), (30, 10), (40, 0)):
        assert measure(log_odds, log_odds > 1, n, 0).decisions_to_halve() == expected
