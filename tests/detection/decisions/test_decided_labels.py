import numpy as np
import pytest
from scipy.special import expit

from labelscan.detection.decisions.decided_labels import DecidedLabels, error_probability_by_decisions

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
def test_the_probabilities_learn_how_many_labels_are_wrong_and_which(offset, slope, floor):
    found, told = [], []
    for seed in range(12):
        log_odds, errors = log_odds_and_errors(seed, offset=offset, slope=slope, floor=floor)
        probability = error_probability_by_decisions(log_odds, decide(log_odds, errors, 100, seed))
        told.append(probability.sum() / errors.sum())
        found.append([errors[part].sum() / probability[part].sum() for part in (probability > 0.5, probability <= 0.5)])
    assert np.mean(told) == pytest.approx(1, abs=0.15)
    assert np.mean(found, axis=0) == pytest.approx([1, 1], abs=0.25)


def test_labels_of_higher_log_odds_are_at_least_as_probably_wrong():
    log_odds, errors = log_odds_and_errors(1)
    decided = decide(log_odds, errors, 50, 1)
    probability = error_probability_by_decisions(log_odds, decided)
    assert (np.diff(probability[np.argsort(log_odds)]) >= 0).all()


@pytest.mark.parametrize("number", [300, 1200])
def test_few_decisions_leave_the_number_near_what_the_agreement_of_models_says(number):
    log_odds, errors = log_odds_and_errors(2)  # of which about 670 are wrong
    few, many = decide(log_odds, errors, 25, 2), decide(log_odds, errors, 1500, 2)
    without = error_probability_by_decisions(log_odds, few).sum()
    by_few, by_many = (
        error_probability_by_decisions(log_odds, decided, number_by_agreement=number).sum() for decided in (few, many)
    )
    assert abs(by_few - number) < abs(without - number) / 2
    assert abs(by_many - errors.sum()) < abs(by_few - errors.sum()) / 2
