import numpy as np
import pytest
from scipy.special import expit

from labelscan.detection.decisions.decided_labels import DecidedLabels, review_posterior

N = 4000


def log_odds_and_errors(seed: int, *, offset=0.0, slope=1.0, floor=0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-3, 2.5, N)
    return log_odds, rng.random(N) < floor + (1 - floor) * expit(offset + slope * log_odds)


def decide(log_odds: np.ndarray, errors: np.ndarray, n: int, seed: int) -> DecidedLabels:
    """Decide on the examples most likely wrong more often than on others."""
    half = expit(log_odds / 2)
    chance = np.sqrt(half * (1 - half))
    rows = np.random.default_rng(seed).choice(N, n, replace=False, p=chance / chance.sum())
    return DecidedLabels(index=rows, is_wrong=errors[rows])


@pytest.mark.parametrize(("offset", "slope", "floor"), [(2, 1, 0), (-2, 1.5, 0), (1, 0.5, 0), (0, 1, 0.03)])
def test_the_intervals_hold_the_truth(offset, slope, floor):
    held = []
    for seed in range(12):
        log_odds, errors = log_odds_and_errors(seed, offset=offset, slope=slope, floor=floor)
        posterior = review_posterior(log_odds, decide(log_odds, errors, 60, seed))
        listed = posterior.error_probability > 0.3
        found = [posterior.n_wrong(), posterior.precision(listed), posterior.found(listed)]
        truth = [errors.sum(), errors[listed].mean(), errors[listed].sum() / errors.sum()]
        assert all(one.low <= one.estimate <= one.high for one in found)
        held.append([one.low <= true <= one.high for one, true in zip(found, truth, strict=True)])
    assert (np.mean(held, axis=0) >= 0.9).all()


def test_more_decisions_narrow_the_interval_and_none_leave_the_prior_which_is_wide():
    log_odds, errors = log_odds_and_errors(0, offset=1)
    none, few, many = (review_posterior(log_odds, decide(log_odds, errors, n, 0)).n_wrong() for n in (0, 30, 400))
    assert none.high > 5 * none.low
    assert many.high - many.low < 0.6 * (few.high - few.low)


def test_decided_labels_are_known_and_of_others_higher_log_odds_are_at_least_as_probably_wrong():
    log_odds, errors = log_odds_and_errors(1)
    decided = decide(log_odds, errors, 50, 1)
    probability = review_posterior(log_odds, decided).error_probability
    assert (probability[decided.index] == errors[decided.index]).all()
    unknown = np.setdiff1d(np.arange(N), decided.index)
    assert (np.diff(probability[unknown][np.argsort(log_odds[unknown])]) >= 0).all()
    everything = DecidedLabels(index=np.arange(600), is_wrong=errors[:600])
    assert review_posterior(log_odds[:600], everything).n_wrong().low == errors[:600].sum()


def test_an_interval_never_contradicts_what_was_decided():
    log_odds = np.array([-9.0, -8, -7, -6, -5, -4, -3, -2, -1, 5, 6, 7])
    listed = log_odds > -4
    for is_wrong in (np.arange(10) % 2 == 0, np.zeros(10, dtype=bool), np.ones(10, dtype=bool)):
        posterior = review_posterior(log_odds, DecidedLabels(index=np.arange(10), is_wrong=is_wrong))
        count, precision = posterior.n_wrong(), posterior.precision(listed)
        assert is_wrong.sum() <= count.low <= count.estimate <= count.high <= 12 - (~is_wrong).sum()
        known = is_wrong[listed[:10]]
        assert known.sum() <= round(precision.low * listed.sum(), 9)
        assert round(precision.high * listed.sum(), 9) <= listed.sum() - (~known).sum()


def test_no_more_decisions_are_asked_for_than_labels_are_left():
    log_odds = np.linspace(-3, 3, 40)
    errors = log_odds > 1
    for n, expected in ((8, 24), (30, 10), (40, 0)):
        decided = DecidedLabels(index=np.arange(n), is_wrong=errors[:n])
        assert review_posterior(log_odds, decided).decisions_to_halve() == expected


def test_labels_outside_of_the_quarter_most_likely_wrong_are_counted():
    log_odds = np.random.default_rng(0).normal(-3, 3, 1000)
    order = np.argsort(log_odds)
    for rows, expected in ((order[-20:], 0), (order[:20], 20), (order[[100, 500, 740, 760, 990]], 3)):
        decided = DecidedLabels(index=rows, is_wrong=np.zeros(len(rows), dtype=bool))
        assert review_posterior(log_odds, decided).n_undoubted() == expected
    same = np.where(np.arange(1000) < 900, -15.0, 3.0)
    decided = DecidedLabels(index=np.arange(40), is_wrong=np.zeros(40, dtype=bool))
    assert review_posterior(same, decided).n_undoubted() == 40
