"""Errors planted on labels judged right, in the shape of the noise that a run has estimated.

What comes out differs from the data in a few labels alone, and it is known which: how many of them a second run
finds says what share of such errors the first one is likely to have found.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, Mask, as_strings
from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detections
from labelscan.tables import write_csv

FILE_NAME = "planted.csv"
LEAST = 50
"""Planted at least, where the data has room for them: with fewer the interval says next to nothing."""
MOST_OF_A_CLASS = 0.1
"""Share of a class that is moved away at most, and of its size that is moved into it: more would be other data."""
UNIFORM_SHARE = 0.01
"""Share of the planted errors that may go anywhere: some of all errors do, and where the estimated noise has no room
left they are all that can be planted."""


@dataclass(frozen=True, eq=False)
class PlantedErrors:
    """Which labels are replaced by which wrong ones.

    Attributes:
        index: (M,) rows of the data set, ascending.
        labels: (M,) int64, the wrong labels.
    """

    index: Index
    labels: GivenLabels

    def __len__(self) -> int:
        """Return M."""
        return len(self.index)

    def in_place(self, given_labels: GivenLabels) -> GivenLabels:
        """Return (N,) labels: those given, with the planted errors in them."""
        labels = given_labels.copy()
        labels[self.index] = self.labels
        return labels

    def write(self, path: Path, dataset: Dataset) -> None:
        """Write one row a planted error: the example, its given label and the planted one."""
        names = as_strings(dataset.class_names)
        given, planted = names[dataset.given_labels[self.index]], names[self.labels]
        columns = {"example_id": dataset.example_ids[self.index], "given_label": given, "planted_label": planted}
        write_csv(pd.DataFrame(columns, dtype=object), path)


def count_wanted(rate: float, n_scored: int) -> int:
    """Return how many errors are to be planted among so many labels, if no class is too small for its part."""
    return min(max(round(rate * n_scored), LEAST), int(MOST_OF_A_CLASS * n_scored))


def plant_errors(evidence: Evidence, detections: Detections, *, alone: Mask, rate: float, seed: int) -> PlantedErrors:
    """Choose right labels and a wrong one for each, class by class in the shape of the estimated noise.

    Labels are taken for right where no detector flags them. Among those of a class all have the same chance: to
    prefer the surest would make planted errors even easier to find than they are.

    Args:
        evidence: N scored examples.
        detections: judgements of them.
        alone: (N,) whether no other example has the same content; two different labels of one image are a conflict
            and no error that has to be found.
        rate: planted errors as a share of N; at least ``LEAST`` are planted where the classes have room for them.
        seed: the same seed plants the same errors.

    Returns:
        The errors; none at all where every class has fewer than 10 examples.
    """
    generator = np.random.default_rng(seed)
    given_labels, n_classes = evidence.given_labels, len(evidence.class_names)
    right = alone & ~np.logical_or.reduce([detection.flagged for detection in detections.by_name.values()])
    room = np.floor(MOST_OF_A_CLASS * np.bincount(given_labels, minlength=n_classes))
    sources = np.minimum(room, np.bincount(given_labels[right], minlength=n_classes))
    shape = noise_shape(detections.noise_matrix, np.bincount(given_labels, minlength=n_classes))
    expected = _within(shape, count_wanted(rate, len(evidence)), most_into=room, most_from=sources)
    rows, labels = [], []
    for true_class, count in enumerate(_rounded(expected.sum(axis=0)).tolist()):
        candidates = np.flatnonzero(right & (given_labels == true_class))
        rows.append(generator.permutation(candidates)[:count])
        labels.append(_draw(expected[:, true_class], count, generator))
    chosen = np.concatenate(rows)
    order = np.argsort(chosen)
    return PlantedErrors(evidence.index[chosen[order]], np.concatenate(labels)[order].astype(np.int64))


def noise_shape(noise_matrix: NDArray[np.float64], class_counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (K, K) P(given = row, true = column) among wrong labels: zero on the diagonal, with a sum of 1.

    ``UNIFORM_SHARE`` of it is spread over all pairs of classes by the size of the true one, and all of it where the
    matrix knows of no error.

    Args:
        noise_matrix: (K, K) P(given = row if true = column).
        class_counts: (K,) examples of each class, which stand for those of each true class.
    """
    uniform = np.tile(class_counts.astype(np.float64), (len(class_counts), 1))
    estimated = noise_matrix * class_counts
    for each in (uniform, estimated):
        np.fill_diagonal(each, 0)
    uniform /= uniform.sum()
    if not estimated.sum() > 0:
        return uniform
    shape: NDArray[np.float64] = (1 - UNIFORM_SHARE) * estimated / estimated.sum() + UNIFORM_SHARE * uniform
    return shape


def _within(
    shape: NDArray[np.float64], total: int, *, most_into: NDArray[np.float64], most_from: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (K, K) expected counts in this shape, their sum ``total`` as far as rows and columns have room.

    What a full class cannot take goes to the others in their shape.
    """
    expected = shape.copy()
    for _ in range(30):
        expected *= total / max(expected.sum(), 1e-300)
        for axis, most in ((1, most_into), (0, most_from)):
            sums = expected.sum(axis=axis)
            factor = np.minimum(1, most / np.maximum(sums, 1e-300))
            expected *= np.expand_dims(factor, axis)
        if expected.sum() >= total - 0.5:
            break
    return expected


def _rounded(exact: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return whole numbers next to ``exact`` with the same sum, rounded: the largest remainders are rounded up."""
    counts = np.floor(exact + 1e-9).astype(np.int64)
    left_over = round(float(exact.sum())) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left_over]] += 1
    return counts


def _draw(weights: NDArray[np.float64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` places in random order, each as often as its weight asks for, give or take one."""
    if not count:
        return np.empty(0, dtype=np.int64)
    ends = np.cumsum(weights)
    steps = (np.arange(count) + generator.uniform()) / count
    return generator.permutation(np.searchsorted(ends / ends[-1], steps, side="right").astype(np.int64))
