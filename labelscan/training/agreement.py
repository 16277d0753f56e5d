"""Whether a model has learned anything: how often its predictions agree with given labels, and how often by chance."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels

CHANCE_DEVIATIONS = 2.0
"""Standard deviations above chance that agreement must reach: 1 in 40 models that learned nothing gets there, and
all right on 8 examples of 2 classes is enough."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often predicted and given labels agree, and how often they would by chance.

    Chance is the share expected if the given labels were shuffled. Models that always predict the largest class
    reach it but do not exceed it. The share of the largest class would be the wrong yardstick: where it is 95 %,
    models that find half of the rest have learned a lot and may agree with fewer than 95 %.
    """

    share: float
    chance: float
    deviation: float
    """Standard deviation of the share under chance; 0 where the predictions are all of one class."""

    @classmethod
    def of(cls, predicted_labels: NDArray[np.int64], given_labels: GivenLabels, n_classes: int) -> "Agreement":
        """Return the agreement of (N,) predicted with (N,) given labels."""
        n = len(given_labels)
        predicted = np.bincount(predicted_labels, minlength=n_classes).astype(np.float64)
        given = np.bincount(given_labels, minlength=n_classes).astype(np.float64)
        pairs = float(predicted @ given)
        mean = pairs / n
        # The mean and variance of the number of agreements over all permutations of the given labels.
        clashes = float(np.sum(predicted * given * (predicted + given - 1)))
        variance = (pairs**2 - clashes) / (n * (n - 1)) + mean - mean**2 if n > 1 else 0.0
        share = float(np.mean(predicted_labels == given_labels))
        return cls(share, mean / n, math.sqrt(max(variance, 0.0)) / n)

    @property
    def learned_nothing(self) -> bool:
        """Return whether the agreement is not above chance by a significant margin."""
        return self.share - self.chance <= max(CHANCE_DEVIATIONS * self.deviation, 1e-9)
