"""Simulated labels and models: good ones, weak ones, and those that are wrong in some way."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from labelscan.arrays import Mask

Floats = NDArray[np.float64]
Change = Callable[[Floats, Mask, np.random.Generator], Floats]
"""What makes a model worse: of (N,) its log-odds, and which labels are wrong, it returns others."""

WEAK, USUAL, STRONG = 1.5, 3.0, 5.0
"""How far apart wrong and right labels are, in standard deviations of what the model sees."""
RATES = (0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
SMALLEST_RATE = 1e-3
"""What a model believes where no label is wrong."""


def as_it_is(log_odds: Floats, is_wrong: Mask, rng: np.random.Generator) -> Floats:
    """Return the log-odds of a model that knows how good it is."""
    return log_odds


def surest_are_wrong(log_odds: Floats, is_wrong: Mask, rng: np.random.Generator) -> Floats:
    """Return log-odds by which a third of the errors is among the labels least likely wrong."""
    hidden = rng.choice(np.flatnonzero(is_wrong), int(is_wrong.sum()) // 3, replace=False)
    surest = np.sort(log_odds)[: max(3 * len(hidden), 1)]
    log_odds[hidden] = rng.choice(surest, len(hidden))
    return log_odds


def tied(values: list[float], shares: list[float]) -> Change:
    """Return what gives log-odds a few values only, from the lowest up; ``shares`` of all are below each but one."""

    def tie(log_odds: Floats, is_wrong: Mask, rng: np.random.Generator) -> Floats:
        return np.array(values)[np.searchsorted(np.quantile(log_odds, shares), log_odds)]

    return tie


def unseen(share: float) -> Change:
    """Return what makes a share of the errors look like right labels."""

    def hide(log_odds: Floats, is_wrong: Mask, rng: np.random.Generator) -> Floats:
        hidden = rng.choice(np.flatnonzero(is_wrong), int(share * is_wrong.sum()), replace=False)
        log_odds[hidden] = rng.choice(log_odds[~is_wrong], len(hidden))
        return log_odds

    return hide


def overfit(log_odds: Floats, is_wrong: Mask, rng: np.random.Generator) -> Floats:
    """Return log-odds by which a tenth of all labels, which the model has learned, are right."""
    learned = rng.random(len(log_odds)) < 0.1
    return np.where(learned, rng.normal(-8, 1, len(log_odds)), log_odds)


KINDS: dict[str, tuple[float, Change]] = {
    "good": (USUAL, as_it_is),
    "weak": (WEAK, as_it_is),
    "strong": (STRONG, as_it_is),
    "overconfident": (USUAL, lambda log_odds, _, __: 2.5 * log_odds),
    "underconfident": (USUAL, lambda log_odds, _, __: 0.4 * log_odds - 1),
    "sees too few errors": (USUAL, lambda log_odds, _, __: log_odds - 3),
    "a third of the errors at the sure end": (USUAL, surest_are_wrong),
    "a third of the errors at the sure end, strong": (STRONG, surest_are_wrong),
    "six values": (USUAL, tied([-9, -5, -3, -1.5, 0, 3], [0.3, 0.5, 0.7, 0.85, 0.95])),
    "two values": (USUAL, tied([-6, 0], [0.8])),
    "a tenth of the errors unseen": (USUAL, unseen(0.1)),
    "half of the errors unseen": (USUAL, unseen(0.5)),
    "a tenth of the errors unseen, strong": (STRONG, unseen(0.1)),
    "a tenth of the labels learned": (USUAL, overfit),
    "random order": (USUAL, lambda log_odds, _, rng: rng.permutation(log_odds)),
    "reversed order": (USUAL, lambda log_odds, _, __: -log_odds),
}


def a_world(kind: str, rate: float, n: int, seed: int) -> tuple[Floats, Mask]:
    """Return (N,) the error log-odds of a kind of model, and (N,) which labels are wrong: about a share ``rate``."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind), round(1000 * rate)])
    separation, change = KINDS[kind]
    is_wrong = rng.random(n) < rate
    seen = rng.normal(np.where(is_wrong, separation / 2, -separation / 2))
    return change(separation * seen + logit(max(rate, SMALLEST_RATE)), is_wrong, rng), is_wrong
