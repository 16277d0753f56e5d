"""How many labels are wrong by a drawn sample alone: an interval that no model can break.

The labels are in strata by their error log-odds, and from each stratum some were drawn with equal chances
(``measured_sample``). So the share of wrong ones among those drawn says how many are wrong in the stratum, whether the
log-odds mean something or not. Each end of the interval has its own posterior of that share, as in the interval of
Clopper and Pearson (1934): for the lower end Beta(x, n - x + 1/2), where ``x`` of ``n`` drawn labels are wrong, for the
upper end Beta(x + 1/2, n - x). That is between their interval and the one of Jeffreys; in simulated worlds it held in
at least 93 of 100 draws (tests/bench/coverage.py). The sum over the strata is a convolution. The lower end allows for
a few mistaken decisions.

Other labels that were decided, as in a review of the list, were chosen and not drawn: they say what they are, and no
more. The page of a report does the same in JavaScript (``reporting/assets/interval.js``).
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Mask
from labelscan.detection.decisions.decided_labels import WORTH_A_LOOK, DecidedLabels
from labelscan.detection.estimates import Range

Floats = NDArray[np.float64]
Strata = NDArray[np.int64]

TAIL = 0.025
"""What an end of a 95 % interval leaves out."""
HALF = 0.5
"""Wrong or right labels that an end adds to those that were drawn."""
MISTAKEN = 0.02
"""The share of decisions that may be mistaken, for which the lower end allows. Where hardly any label is wrong, a right
one that was decided to be wrong would otherwise stand for many that nobody has looked at."""
N_ANGLES = 400
"""Values of a share: the squared sines of as many angles, which are dense where a share is nearly 0 or 1."""
N_STEPS = 2000
"""Steps of a count, from none of the labels to all of them."""
N_QUANTILES = 200
"""Values of each of two counts whose ratio is looked at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnLabels:
    """The strata of N labels, and which of these were drawn and decided."""

    stratum: Strata
    """(N,) from 0; a negative one has labels that were known before, of which none was drawn."""
    index: Index
    """(M,) rows that were drawn with equal chances in each stratum, and decided; each once."""

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """What decisions say: intervals by the drawn sample alone, and within them estimates by all that was decided."""

    error_probability: Floats
    """(N,) by the decisions, 0 or 1 for decided labels."""
    decided: DecidedLabels
    drawn: DrawnLabels
    listed: Mask
    """(N,) which labels were on the list if no decided one were known: all drawn labels that are on it are wrong, which
    says nothing of others."""

    def n_wrong(self) -> Range:
        """Return how many of the N labels are wrong."""
        everything = np.ones(len(self.listed), dtype=bool)
        return _within(float(self.error_probability.sum()), *n_wrong(self.drawn, self.decided, everything))

    def precision(self) -> Range | None:
        """Return the share of the list that is wrong: labels that are known to be are on it, and no right ones."""
        on_list, n_added = self._list()
        if not on_list.any():
            return None
        ends = ((end + n_added) / int(on_list.sum()) for end in n_wrong(self.drawn, self.decided, self.listed))
        return _within(float(self.error_probability[on_list].mean()), *ends)

    def found(self) -> Range:
        """Return the share of all wrong labels that is on the list; 1 where none is wrong."""
        on_list, n_added = self._list()
        total = float(self.error_probability.sum())
        share = float(self.error_probability[on_list].sum()) / total if total else 1.0
        return _within(share, *share_of_wrong(self.drawn, self.decided, self.listed, n_added=n_added))

    def _list(self) -> tuple[Mask, int]:
        """Return (N,) the list, and how many labels are on it only since they are known to be wrong."""
        on_list = self.listed.copy()
        on_list[self.decided.index] = self.decided.is_wrong
        return on_list, int((on_list & ~self.listed).sum())

    def n_worth_a_look(self) -> int:
        """Return how many labels, most likely wrong first, are wrong at least as often as ``WORTH_A_LOOK``."""
        return int((self.error_probability >= WORTH_A_LOOK).sum())

    def decisions_to_halve(self) -> int:
        """Return about how many more of the labels left would halve the intervals, which shrink with the root of it."""
        return min(3 * len(self.drawn), len(self.error_probability) - len(self.decided))


def interval_constants() -> dict[str, float]:
    """Return what the same computation in another language needs, by name."""
    return {
        "interval_tail": TAIL,
        "half": HALF,
        "mistaken": MISTAKEN,
        "n_angles": N_ANGLES,
        "n_steps": N_STEPS,
        "n_quantiles": N_QUANTILES,
    }


def _within(estimate: float, low: float, high: float) -> Range:
    return Range(min(max(estimate, low), high), low, high)


def n_wrong(drawn: DrawnLabels, decided: DecidedLabels, part: Mask) -> tuple[float, float]:
    """Return at least and at most how many of the labels of a ``part`` (N,) are wrong."""
    low, high = _ends(drawn, decided, part)
    apart = part[decided.index] & (drawn.stratum[decided.index] < 0)
    n_apart = int(decided.is_wrong[apart].sum())
    known = decided.is_wrong[part[decided.index]]
    least, most = int(known.sum()), int(part.sum()) - int((~known).sum())
    ends = _quantile(low, TAIL, len(part)) + n_apart, _quantile(high, 1 - TAIL, len(part)) + n_apart
    return max(ends[0], least), min(ends[1], most)  # which steps of a count may miss


def share_of_wrong(drawn: DrawnLabels, decided: DecidedLabels, part: Mask, *, n_added: int = 0) -> tuple[float, float]:
    """Return at least and at most which share of all wrong labels is in a ``part`` (N,); 1 where none is wrong.

    So many known ones outside of it, ``n_added``, are taken as inside.
    """
    inside, outside, n = _ends(drawn, decided, part), _ends(drawn, decided, ~part), len(part)
    levels = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES

    def shares(within: Floats, without: Floats) -> Floats:
        """Return the shares that go with equally likely pairs of counts."""
        one, other = (np.array([_quantile(each, level, n) for level in levels]) for each in (within, without))
        one, other = one + n_added, np.maximum(other - n_added, 0)
        total = one[:, None] + other
        return cast(Floats, np.where(total > 0, one[:, None] / np.maximum(total, 1e-9), 1.0).ravel())

    least, most = shares(inside[0], outside[1]), shares(inside[1], outside[0])
    return float(np.quantile(least, TAIL)), float(np.quantile(most, 1 - TAIL))


def _ends(drawn: DrawnLabels, decided: DecidedLabels, part: Mask) -> tuple[Floats, Floats]:
    """Return the distributions of the wrong labels of a part, for the lower and the upper end, in steps of N."""
    is_wrong, is_decided, is_drawn = (np.zeros(len(part), dtype=bool) for _ in range(3))
    is_wrong[decided.index], is_decided[decided.index], is_drawn[drawn.index] = decided.is_wrong, True, True
    low = high = np.ones(1)
    for stratum in range(int(drawn.stratum.max()) + 1):
        cell = part & (drawn.stratum == stratum)
        if not cell.any():
            continue
        n_labels, n, x = int(cell.sum()), int((cell & is_drawn).sum()), int((cell & is_drawn & is_wrong).sum())
        n_known_wrong, n_known = int((cell & is_wrong).sum()), int((cell & is_decided).sum())
        limits = n_known_wrong, n_labels - (n_known - n_known_wrong)
        for_low = _distribution(n_labels - n, n, x, n - x + HALF, x, *limits, n_all=len(part), mistaken=MISTAKEN)
        for_high = _distribution(n_labels - n, n, x + HALF, n - x, x, *limits, n_all=len(part))
        low, high = np.convolve(low, for_low)[: N_STEPS + 1], np.convolve(high, for_high)[: N_STEPS + 1]
    return low, high


def _distribution(
    n_left: int, n: int, a: float, b: float, x: int, least: int, most: int, *, n_all: int, mistaken: float = 0.0
) -> Floats:
    """Return (N_STEPS + 1,) how likely each count of wrong labels is in a stratum.

    ``n`` labels were drawn, ``x`` of them wrong, and ``n_left`` were not; the share of wrong ones among these is
    Beta(a, b), and the count is between ``least`` and ``most``. Beta is made as wide as the count of so few labels is.
    Of labels that are right a share ``mistaken`` is decided to be wrong, and as many the other way round.
    """
    narrower = n_left / (n_left + n + 1)
    if n_left == 0 or a == 0:
        shares, weights = np.zeros(1), np.ones(1)
    elif b == 0:
        shares, weights = np.ones(1), np.ones(1)
    else:
        angles = (np.arange(N_ANGLES) + 0.5) / N_ANGLES * np.pi / 2
        log_weights = (2 * a * narrower - 1) * np.log(np.sin(angles)) + (2 * b * narrower - 1) * np.log(np.cos(angles))
        shares, weights = np.sin(angles) ** 2, np.exp(log_weights - log_weights.max())
    shares = np.clip((shares - mistaken) / (1 - 2 * mistaken), 0, 1)
    place = np.clip(x + n_left * shares, least, most) / n_all * N_STEPS
    below = np.minimum(place.astype(np.int64), N_STEPS - 1)
    # Each value is shared by the two steps beside it, which keeps its mean.
    above = place - below
    counts = np.bincount(below, weights=weights * (1 - above), minlength=N_STEPS + 1)
    counts += np.bincount(below + 1, weights=weights * above, minlength=N_STEPS + 1)
    return cast(Floats, counts / counts.sum())


def _quantile(distribution: Floats, level: float, n_all: int) -> float:
    """Return the count, in whole steps, that so large a share of a distribution does not exceed."""
    cumulated = np.cumsum(distribution)
    step = int(np.searchsorted(cumulated, level * cumulated[-1]))
    return step / N_STEPS * n_all
