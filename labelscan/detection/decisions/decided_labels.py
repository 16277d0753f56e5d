"""What the decisions of a person about a few labels say about all others: Platt scaling with a floor.

The log-odds of noise-posterior rank labels well, but cannot say how many are wrong. A few decided labels can. Given
log-odds ``l``, a label is wrong with probability ``floor + (1 - floor) * sigmoid(offset + exp(log_slope) * l)``: offset
and slope as in Platt (1999), the floor for errors that no model sees. Which labels were decided may depend on ``l``, so
the likelihood needs no weights.

Where the agreement of models tells how many labels are wrong, as on images, that number is part of the prior: the sum
of all probabilities is about as large, so that few decisions do not undo what the models know.

The posterior of the three numbers is computed on a grid, and once more on the part of the grid that holds its mass. It
is only as good as its formula, so how sure a count of wrong labels is, a drawn sample says alone (``interval``). The
page of a report does the same in JavaScript (``reporting/assets/posterior.js``), with the constants of ``constants``.
"""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from labelscan.arrays import Index, Mask

Floats = NDArray[np.float64]
Grid = tuple[Floats, ...]
"""The offsets, log slopes and square roots of floors whose combinations are the points."""

OFFSET_DEVIATION = 4.0
LOG_SLOPE_MEAN, LOG_SLOPE_DEVIATION = math.log(0.5), 0.6
"""Of the normal priors; the mean offset is 0. On data with real errors, how often a label was wrong rose about half as
steeply as the log-odds say."""
LOG_NUMBER_DEVIATION = 0.2
"""The standard deviation of the logarithm of the number of wrong labels, around what the agreement of models says."""
FLOOR_SCALE = 0.04
"""The scale of the gamma prior of the floor, of shape 1/2: its density falls from the start, since most data has no
floor to speak of, and its mean is half the scale."""
OFFSETS = (-12.0, 12.0, 61)
LOG_SLOPES = (-2.5, 2.0, 31)
FLOOR_ROOTS = (0.0, 0.8, 17)
"""First, last and number of the grid's offsets, log slopes, and square roots of floors."""
NEGLIGIBLE = 1e-3
"""The share of the posterior mass on each side of a number that the second grid leaves out."""
N_BINS = 300
"""Examples are grouped by their log-odds: within such a group all have the same probability."""
WORTH_A_LOOK = 0.1
"""A review pays while at least so large a share of the labels looked at are wrong."""
LARGEST_LOG_ODDS = 15.0
TINY = 1e-12
FACTORS = 20
"""Probabilities that share a logarithm: the product of as many as small as ``TINY`` is still a number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DecidedLabels:
    """Labels of which a person has said whether they are right."""

    index: Index
    """(M,) their rows, each once."""
    is_wrong: Mask
    """(M,)."""

    def __len__(self) -> int:
        return len(self.index)


NONE_DECIDED = DecidedLabels(index=np.empty(0, dtype=np.int64), is_wrong=np.empty(0, dtype=np.bool_))


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """N log-odds in at most ``N_BINS`` groups of neighbouring values, with about the same number in each."""

    of_example: Index
    """(N,) the group of each example, from the lowest log-odds up."""
    centres: Floats
    """(B,) their mean log-odds, ascending."""
    sizes: NDArray[np.int64]
    """(B,)."""

    @classmethod
    def of(cls, log_odds: Floats) -> "Bins":
        clipped = np.clip(log_odds, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
        edges = np.unique(np.quantile(clipped, np.linspace(0, 1, N_BINS + 1)[1:-1]))
        raw = np.searchsorted(edges, clipped, side="right")
        _, of_example, sizes = np.unique(raw, return_inverse=True, return_counts=True)
        centres = np.bincount(of_example, weights=clipped) / sizes
        return cls(of_example=of_example.astype(np.int64), centres=centres, sizes=sizes.astype(np.int64))


def error_probability_by_decisions(
    log_odds: Floats, decided: DecidedLabels, *, number_by_agreement: float | None = None
) -> Floats:
    """Return (N,) the probability that each label is wrong by what some decided labels say, of these as of any other.

    ``log_odds`` (N,) are those of noise-posterior; ``number_by_agreement`` is how many labels are wrong by the
    agreement of models, None where that does not tell. With no decided label the result is that of the prior.
    """
    bins = Bins.of(log_odds)
    at = np.clip(log_odds[decided.index], -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
    coarse = tuple(np.linspace(*limits) for limits in (OFFSETS, LOG_SLOPES, FLOOR_ROOTS))
    grid = _part_with_mass(coarse, _mass(coarse, at, decided.is_wrong, bins, number_by_agreement))
    mass = _mass(grid, at, decided.is_wrong, bins, number_by_agreement)
    offsets, log_slopes, floors = np.ix_(*grid[:2], grid[2] ** 2)
    seen = expit(offsets + np.exp(log_slopes) * bins.centres)  # the third axis is that of the bins
    by_bin = (mass * floors).sum() + np.tensordot((mass * (1 - floors)).sum(axis=2), seen, axes=2)
    return cast(Floats, by_bin[bins.of_example])


def constants() -> dict[str, float | tuple[float, float, int]]:
    """Return what the same computation in another language needs, by name; priors and grid as above."""
    return {
        "offset_deviation": OFFSET_DEVIATION,
        "log_slope_mean": LOG_SLOPE_MEAN,
        "log_slope_deviation": LOG_SLOPE_DEVIATION,
        "log_number_deviation": LOG_NUMBER_DEVIATION,
        "floor_scale": FLOOR_SCALE,
        "offsets": OFFSETS,
        "log_slopes": LOG_SLOPES,
        "floor_roots": FLOOR_ROOTS,
        "negligible": NEGLIGIBLE,
        "worth_a_look": WORTH_A_LOOK,
        "largest_log_odds": LARGEST_LOG_ODDS,
        "tiny": TINY,
    }


def _wrong(log_odds: Floats, offset: Floats, log_slope: Floats, floor: Floats) -> Floats:
    """Return the probability that labels with these log-odds are wrong; all four are broadcast."""
    return cast(Floats, floor + (1 - floor) * expit(offset + np.exp(log_slope) * log_odds))


def _mass(grid: Grid, log_odds: Floats, is_wrong: Mask, bins: Bins, number_by_agreement: float | None) -> Floats:
    """Return the posterior mass of each point of the grid, in its shape; all sum to 1."""
    axes = offsets, log_slopes, floors = np.ix_(*grid[:2], grid[2] ** 2)
    # On a grid of roots the factor floor ** -1/2 of the gamma density is gone.
    log_mass = -0.5 * (offsets / OFFSET_DEVIATION) ** 2
    log_mass = log_mass - 0.5 * ((log_slopes - LOG_SLOPE_MEAN) / LOG_SLOPE_DEVIATION) ** 2 - floors / FLOOR_SCALE
    if number_by_agreement is not None:
        seen = expit(offsets + np.exp(log_slopes) * bins.centres) @ bins.sizes  # the third axis is that of the bins
        number = floors * bins.sizes.sum() + (1 - floors) * seen[..., None]
        shift = np.log(np.maximum(number, TINY) / max(number_by_agreement, TINY))
        log_mass -= 0.5 * (shift / LOG_NUMBER_DEVIATION) ** 2
    for start in range(0, len(log_odds), FACTORS):
        product = np.ones(log_mass.shape)
        some = slice(start, start + FACTORS)
        for value, wrong in zip(log_odds[some], is_wrong[some], strict=True):
            probability = _wrong(value, *axes)
            product *= np.maximum(probability if wrong else 1 - probability, TINY)
        log_mass += np.log(product)
    mass = np.exp(log_mass - log_mass.max())
    return cast(Floats, mass / mass.sum())


def _part_with_mass(grid: Grid, mass: Floats) -> Grid:
    """Return a grid of as many points on the part that holds nearly all of the mass, a step wider on each side."""
    axes = []
    for number, axis in enumerate(grid):
        others = tuple(other for other in range(len(grid)) if other != number)
        below = np.cumsum(mass.sum(axis=others))
        first = max(int(np.searchsorted(below, NEGLIGIBLE)) - 1, 0)
        last = min(int(np.searchsorted(below, 1 - NEGLIGIBLE)) + 1, len(axis) - 1)
        axes.append(np.linspace(axis[first], axis[last], len(axis)))
    return tuple(axes)
