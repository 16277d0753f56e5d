"""Errors planted among labels judged right, distributed as the noise that a run has estimated.

The result differs from the data in a few known labels: the share of them that a second run finds estimates the share
of such errors that the first run has found.
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
from labelscan.wording.tables import write_csv

FILE_NAME = "planted.csv"
LEAST = 50
"""The least number planted, if the data has room: with fewer the interval says next to nothing."""
MOST_OF_A_CLASS = 0.1
"""The largest share of a class's size that is moved out of it, or into it: more would make other data of it."""
UNIFORM_SHARE = 0.01
"""Share of the planted errors between any two classes, as some errors always are; they are all that can be planted
where classes have no room for the estimated noise."""


@dataclass(frozen=True, eq=False)
class PlantedErrors:
    """The labels that are replaced, and by which wrong ones."""

    index: Index
    """(M,) rows of the data set, ascending."""
    labels: GivenLabels
    """(M,) the wrong labels."""

    def __len__(self) -> int:
        return len(self.index)

    def in_place(self, given_labels: GivenLabels) -> GivenLabels:
        """Return a copy of the given labels with the planted errors in it."""
        labels = given_labels.copy()
        labels[self.index] = self.labels
        return labels

    def write(self, path: Path, dataset: Dataset) -> None:
        """Write planted.csv: the examples, their given labels and the planted ones."""
        names = as_strings(dataset.class_names)
        given, planted = names[dataset.given_labels[self.index]], names[self.labels]
        columns = {"example_id": dataset.example_ids[self.index], "given_label": given, "planted_label": planted}
        write_csv(pd.DataFrame(columns, dtype=object), path)


def count_wanted(rate: float, n_scored: int) -> int:
    """Return how many errors to plant among ``n_scored`` labels, provided no class is too small for its share."""
    return min(max(round(rate * n_scored), LEAST), int(MOST_OF_A_CLASS * n_scored))


def plant_errors(evidence: Evidence, detections: Detections, *, alone: Mask, rate: float, seed: int) -> PlantedErrors:
    """Choose right labels and a wrong one for each, distributed over pairs of classes as the estimated noise is.

    A label counts as right if no detector flags it. Among those of a class all have the same chance: preferring the
    surest would make planted errors even easier to find than they are. No error at all is planted where every class
    has fewer than 10 examples.

    Args:
        evidence, detections: N scored examples, and judgements of them.
        alone: (N,) whether no other example has the same content; two labels for one image would be a conflict, which
            is found without a model.
        rate: planted errors as a share of N; at least ``LEAST`` are planted if the classes have room for them.
        seed: decides which.
    """
    generator = np.random.default_rng(seed)
    given_labels, n_classes = evidence.given_labels, len(evidence.class_names)
    right = alone & ~np.logical_or.reduce([detection.flagged for detection in detections.by_name.values()])
    room = np.floor(MOST_OF_A_CLASS * np.bincount(given_labels, minlength=n_classes))
    sources = np.minimum(room, np.bincount(given_labels[right], minlength=n_classes))
    shape = noise_shape(detections.noise_matrix, np.bincount(given_labels, minlength=n_classes))
    expected = _within(shape, count_wanted(rate, len(evidence)), most_into=room, most_from=sources)
    exact = expected.sum(axis=0)
    counts = np.floor(exact + 1e-9).astype(np.int64)  # those with the largest remainders are rounded up
    left_over = round(float(exact.sum())) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left_over]] += 1
    rows, labels = [], []
    for true_class, count in enumerate(counts.tolist()):
        candidates = np.flatnonzero(right & (given_labels == true_class))
        rows.append(generator.permutation(candidates)[:count])
        labels.append(_draw(expected[:, true_class], count, generator))
    chosen = np.concatenate(rows)
    order = np.argsort(chosen)
    return PlantedErrors(evidence.index[chosen[order]], np.concatenate(labels)[order].astype(np.int64))


def noise_shape(noise_matrix: NDArray[np.float64], class_counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (K, K) P(given = row, true = column) among wrong labels: 0 on the diagonal, with a sum of 1.

    ``UNIFORM_SHARE`` of it, or all if ``noise_matrix`` has no errors, is spread over all pairs of classes by the size
    of the true one. ``class_counts`` stand for the unknown sizes of the true classes.
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
    """Return (K, K) expected counts of this shape that add up to ``total``, as far as rows and columns have room.

    The excess of a full class goes to the others in proportion.
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


def _draw(weights: NDArray[np.float64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` row numbers in random order, each in proportion to its weight, give or take one."""
    if not count:
        return np.empty(0, dtype=np.int64)
    ends = np.cumsum(weights)
    steps = (np.arange(count) + generator.uniform()) / count
    return generator.permutation(np.searchsorted(ends / ends[-1], steps, side="right").astype(np.int64))
