"""What the decisions of a person about a few labels say about all others: Platt scaling with a floor.

The log-odds of noise-posterior rank labels well, but cannot say how many are wrong. A few decided labels can. Given
log-odds ``l``, a label is wrong with probability ``floor + (1 - floor) * sigmoid(offset + exp(log_slope) * l)``: offset
and slope as in Platt (1999), the floor for errors that no model sees. Which labels were decided may depend on ``l``, so
the likelihood needs no weights.

The posterior of the three numbers is computed on a grid, and once more on the part of the grid that holds its mass.
From it come a fixed number of evenly spaced draws, without chance, in the order of the count that they imply: whatever
is asked, such as how many labels are wrong, is worked out for each draw. The page of a report does the same in
JavaScript (``reporting/assets/posterior.js``), with the constants of ``constants``.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from labelscan.arrays import Index, Mask
from labelscan.detection.estimates import Range

Floats = NDArray[np.float64]
Grid = tuple[Floats, ...]
"""The offsets, log slopes and square roots of floors whose combinations are the points."""

OFFSET_DEVIATION = 4.0
LOG_SLOPE_DEVIATION = 0.8
"""Standard deviations of the normal priors, both around 0."""
FLOOR_SCALE = 0.04
"""The scale of the gamma prior of the floor, of shape 1/2: its density falls from the start, since most data has no
floor to speak of, and its mean is half the scale."""
OFFSETS = (-12.0, 12.0, 61)
LOG_SLOPES = (-2.5, 2.0, 31)
FLOOR_ROOTS = (0.0, 0.8, 17)
"""First, last and number of the grid's offsets, log slopes, and square roots of floors."""
NEGLIGIBLE = 1e-3
"""The share of the posterior mass on each side of a number that the second grid leaves out."""
N_DRAWS = 400
N_BINS = 300
"""Examples are grouped by their log-odds: within such a group all have the same probability."""
LEVEL = 0.98
"""The posterior mass within the limits of a 95 % interval. Log-odds and doubt are not quite as the formula has it, and
with this they held the truth in about 95 of 100 draws (tests/bench/RESULTS.md)."""
WORTH_A_LOOK = 0.1
"""A review pays while at least so large a share of the labels looked at are wrong."""
UNDOUBTED_SHARE = 0.75
"""The share of labels, from the lowest log-odds up, in which a wrong one is hardly doubted."""
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


@dataclass(frozen=True, kw_only=True, eq=False)
class ReviewPosterior:
    """What decided labels say about N labels: draws of the probability that each is wrong."""

    bins: Bins
    decided: DecidedLabels
    draws: Floats
    """(N_DRAWS, B) the probability that a label of a bin is wrong."""

    @cached_property
    def error_probability(self) -> Floats:
        """Return (N,) the mean over the draws, and 0 or 1 for labels that are decided."""
        probability = self.draws.mean(axis=0)[self.bins.of_example]
        probability[self.decided.index] = self.decided.is_wrong
        return cast(Floats, probability)

    def n_wrong(self) -> Range:
        """Return how many of the N labels are wrong."""
        return self._range_of_count(np.ones(len(self.bins.of_example), dtype=bool))

    def precision(self, listed: Mask) -> Range:
        """Return the share of ``listed`` (N,) labels that is wrong; 0 of none."""
        count, n_listed = self._range_of_count(listed), max(int(listed.sum()), 1)
        return Range(count.estimate / n_listed, count.low / n_listed, count.high / n_listed)

    def found(self, listed: Mask) -> Range:
        """Return the share of all wrong labels that is ``listed`` (N,); 1 where none is wrong."""
        inside, deviation_inside = self._count(listed)
        outside, deviation_outside = self._count(~listed)
        total = np.maximum(inside + outside, 1e-9)
        share = np.where(inside + outside > 0, inside / total, 1.0)
        deviation = np.hypot(deviation_inside * (1 - share), deviation_outside * share) / total
        return _range(share, deviation, least=0.0, most=1.0)

    def n_worth_a_look(self) -> int:
        """Return how many labels, most likely wrong first, are wrong at least as often as ``WORTH_A_LOOK``."""
        return int((self.error_probability >= WORTH_A_LOOK).sum())

    def n_undoubted(self) -> int:
        """Return how many decided labels are outside of the quarter most likely wrong."""
        before = np.cumsum(self.bins.sizes) - self.bins.sizes  # in bins of lower log-odds
        is_undoubted = before < UNDOUBTED_SHARE * self.bins.sizes.sum()
        return int(is_undoubted[self.bins.of_example[self.decided.index]].sum())

    def decisions_to_halve(self) -> int:
        """Return about how many more of the labels left would halve the intervals, which shrink with the root of it."""
        return min(3 * len(self.decided), len(self.bins.of_example) - len(self.decided))

    def _range_of_count(self, listed: Mask) -> Range:
        """Return how many of the ``listed`` are wrong: no fewer and no more than the decided ones among them allow.

        It is possibly none while no decided label is wrong, listed or not.
        """
        known = self.decided.is_wrong[listed[self.decided.index]]
        least, most = int(known.sum()), int(listed.sum()) - int((~known).sum())
        count = _range(*self._count(listed), least=least, most=most)
        return count if self.decided.is_wrong.any() else Range(count.estimate, 0.0, count.high)

    def _count(self, listed: Mask) -> tuple[Floats, Floats]:
        """Return (N_DRAWS,) how many of the ``listed`` are wrong, and the deviation of what chance adds to it."""
        unknown = listed.copy()
        unknown[self.decided.index] = False
        sizes = np.bincount(self.bins.of_example[unknown], minlength=len(self.bins.sizes))
        known = int((self.decided.is_wrong & listed[self.decided.index]).sum())
        return self.draws @ sizes + known, np.sqrt((self.draws * (1 - self.draws)) @ sizes)


def review_posterior(log_odds: Floats, decided: DecidedLabels) -> ReviewPosterior:
    """Return what the decided labels say about all, whose (N,) ``log_odds`` are those of noise-posterior.

    With no decided label the result is the prior.
    """
    bins = Bins.of(log_odds)
    at = np.clip(log_odds[decided.index], -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
    coarse = tuple(np.linspace(*limits) for limits in (OFFSETS, LOG_SLOPES, FLOOR_ROOTS))
    grid = _part_with_mass(coarse, _mass(coarse, at, decided.is_wrong))
    mass = _mass(grid, at, decided.is_wrong).ravel()
    offsets, log_slopes, roots = (axis.ravel() for axis in np.meshgrid(*grid, indexing="ij"))  # of each point
    floors = roots**2
    # Draws in the order of the count spread over what matters most. Without the floor it is the same for all floors.
    n_floors = len(grid[2])
    seen = offsets[::n_floors, None] + np.exp(log_slopes[::n_floors])[:, None] * bins.centres
    without_floor = np.repeat(expit(seen) @ bins.sizes, n_floors)
    order = np.argsort(floors * bins.sizes.sum() + (1 - floors) * without_floor, kind="stable")
    picked = order[np.searchsorted(np.cumsum(mass[order]), (np.arange(N_DRAWS) + 0.5) / N_DRAWS)]
    draws = _wrong(bins.centres, offsets[picked, None], log_slopes[picked, None], floors[picked, None])
    return ReviewPosterior(bins=bins, decided=decided, draws=draws)


def constants() -> dict[str, float | tuple[float, float, int]]:
    """Return what the same computation in another language needs, by name; priors and grid as above."""
    return {
        "offset_deviation": OFFSET_DEVIATION,
        "log_slope_deviation": LOG_SLOPE_DEVIATION,
        "floor_scale": FLOOR_SCALE,
        "offsets": OFFSETS,
        "log_slopes": LOG_SLOPES,
        "floor_roots": FLOOR_ROOTS,
        "negligible": NEGLIGIBLE,
        "n_draws": N_DRAWS,
        "tail": (1 - LEVEL) / 2,
        "normal_quantile": float(ndtri((1 + LEVEL) / 2)),
        "worth_a_look": WORTH_A_LOOK,
        "undoubted_share": UNDOUBTED_SHARE,
        "largest_log_odds": LARGEST_LOG_ODDS,
        "tiny": TINY,
    }


def _wrong(log_odds: Floats, offset: Floats, log_slope: Floats, floor: Floats) -> Floats:
    """Return the probability that labels with these log-odds are wrong; all four are broadcast."""
    return cast(Floats, floor + (1 - floor) * expit(offset + np.exp(log_slope) * log_odds))


def _mass(grid: Grid, log_odds: Floats, is_wrong: Mask) -> Floats:
    """Return the posterior mass of each point of the grid, in its shape; all sum to 1."""
    axes = offsets, log_slopes, floors = np.ix_(*grid[:2], grid[2] ** 2)
    # On a grid of roots the factor floor ** -1/2 of the gamma density is gone.
    log_mass = -0.5 * (offsets / OFFSET_DEVIATION) ** 2 - 0.5 * (log_slopes / LOG_SLOPE_DEVIATION) ** 2
    log_mass = log_mass - floors / FLOOR_SCALE
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


def _range(values: Floats, deviation: Floats, *, least: float, most: float) -> Range:
    """Return the median of draws and the limits of their interval, widened by what chance adds to each draw.

    All three are between ``least`` and ``most``.
    """
    tail = (1 - LEVEL) / 2
    low, middle, high = np.quantile(values, (tail, 0.5, 1 - tail))
    chance = float(ndtri(1 - tail)) * float(np.sqrt(np.mean(deviation**2)))
    low, high = middle - math.hypot(middle - low, chance), middle + math.hypot(high - middle, chance)
    return Range(*(float(min(max(one, least), most)) for one in (middle, low, high)))
