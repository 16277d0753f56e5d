"""What is known of examples from models that were trained with an extra class: the material of the AUM detector.

Some examples, the *threshold examples*, are relabelled to a class that does not exist. Their labels are wrong for
certain, so that the margins that training gives them show what margins of wrong labels are like. A threshold example
cannot be judged by the run that relabelled it, hence a second run whose threshold examples are others.
Source: Pleiss, Zhang, Elenberg and Weinberger, NeurIPS 2020, arXiv:2001.10528.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index
from labelscan.errors import DatasetError

N_RUNS = 2


@dataclass(frozen=True, eq=False)
class ThresholdRuns:
    """What R trainings with an extra class say of N examples; of the class itself nothing is kept."""

    train_margin: NDArray[np.float32]
    """(N, R) mean logit margin of the label that the run trained on: the given one, or the extra class."""
    is_threshold: NDArray[np.bool_]
    """(N, R) whether the run relabelled the example; none is by all of them."""

    def __post_init__(self) -> None:
        """Refuse what nothing can be judged by."""
        assert self.train_margin.shape == self.is_threshold.shape
        assert self.is_threshold.dtype == np.bool_
        assert bool(np.isfinite(self.train_margin).all())

    def __getitem__(self, order: Index) -> "ThresholdRuns":
        """Return the rows ``order``, in that order."""
        return ThresholdRuns(self.train_margin[order], self.is_threshold[order])


def n_threshold(n_examples: int, n_classes: int) -> int:
    """Return how many examples a run relabels: as many as a class of average size has, with the extra one.

    Raises:
        DatasetError: when there are too few examples for one of them.
    """
    if n_examples <= n_classes:
        raise DatasetError(
            f"{n_examples:,} examples of {n_classes:,} classes are too few for aum, "
            f"which relabels one in {n_classes + 1:,}",
            hint="choose another detector, as in --detector noise-posterior",
        )
    return n_examples // (n_classes + 1)


def draw_threshold_examples(n_examples: int, n_classes: int, *, seed: int) -> NDArray[np.bool_]:
    """Return (N, N_RUNS) bool, which examples each run relabels: drawn at random, none twice.

    Raises:
        DatasetError: too few examples.
    """
    size = n_threshold(n_examples, n_classes)
    order = np.random.default_rng(seed).permutation(n_examples)
    is_threshold = np.zeros((n_examples, N_RUNS), dtype=np.bool_)
    for run in range(N_RUNS):
        is_threshold[order[run * size : (run + 1) * size], run] = True
    return is_threshold
