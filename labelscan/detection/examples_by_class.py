"""Examples and their probabilities, by given label: what a noisy channel is fitted to.

Examples of one given label need the same column of the channel: they are sorted by it once, and classes are worked on
side by side, in chunks. No sum depends on the number of cores.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from labelscan.arrays import GivenLabels, Index, PredProbs
from labelscan.processes.cores import available_cores

T = TypeVar("T")
Floats: TypeAlias = NDArray[np.float64]
Sharpened: TypeAlias = Sequence[NDArray[np.float32]]
"""By given label: (n, K) the distributions of the true labels of its examples, rounded to take half the memory. The
channel is made of sums of many of them; what is said of a single example is not."""

CLIP = 0.01
"""Lower probabilities count as this over K: trees and neighbours give exact zeros, whose logarithm is infinite."""
ENOUGH = 100_000
"""Examples that are enough to estimate one number, an exponent."""
CHUNK_CELLS = 1 << 18
"""Probabilities worked on at a time: 2 MiB in float64, which stays in a core's cache."""
WORTH_THREADS = 1 << 22
"""Probabilities from which on it pays to start threads."""


@dataclass(frozen=True, eq=False)
class Examples:
    """N examples and their probabilities, or the weighted geometric mean of probabilities of two kinds."""

    given_labels: GivenLabels
    probs: PredProbs
    further_probs: NDArray[np.floating[Any]] | None = None
    """(N, K) of the second kind."""
    further_weight: float = 0.5
    """The weight of the second kind, in [0, 1]; the first has the rest."""

    @property
    def n_classes(self) -> int:
        return int(self.probs.shape[1])

    @cached_property
    def rows_of_class(self) -> list[Index]:
        """Return the rows of each given label, in their order."""
        order = np.argsort(self.given_labels, kind="stable")
        ends = np.cumsum(np.bincount(self.given_labels, minlength=self.n_classes))
        return np.split(order, ends[:-1])

    def for_each_class(self, work: Callable[[int], T]) -> list[T]:
        """Return what ``work`` makes of each given label, side by side on all cores where there is much to do."""
        labels = range(self.n_classes)
        if self.probs.size < WORTH_THREADS:
            return [work(label) for label in labels]
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(available_cores()) as threads:
            return list(threads.map(work, labels))

    def chunks(self, label: int) -> Iterator[tuple[Index, Floats]]:
        """Yield rows with a given label, and the logarithms of their clipped probabilities."""
        for rows in in_chunks(self.rows_of_class[label], self.n_classes):
            log_p = clipped_logs(self.probs, rows)
            if self.further_probs is not None:
                log_p *= 1 - self.further_weight
                log_p += self.further_weight * clipped_logs(self.further_probs, rows)
            yield rows, log_p

    def sharpened(self, exponent: float) -> Sharpened:
        """Return softmax(exponent * log p)."""

        def of_class(label: int) -> NDArray[np.float32]:
            kept = np.empty((len(self.rows_of_class[label]), self.n_classes), dtype=np.float32)
            places = in_chunks(np.arange(len(kept)), self.n_classes)
            for place, (_, log_p) in zip(places, self.chunks(label), strict=True):
                kept[place] = sharpen(log_p, exponent)
            return kept

        return self.for_each_class(of_class)

    def enough_for_an_exponent(self) -> "Examples":
        """Return these examples, or ``ENOUGH`` of them, evenly spread by the probability of the given label.

        The choice must not depend on the order of rows.
        """
        n_examples = len(self.given_labels)
        if n_examples <= ENOUGH:
            return self
        given = self.probs[np.arange(n_examples), self.given_labels].astype(np.float64)
        chunks = in_chunks(np.arange(n_examples), self.n_classes)
        squares = np.concatenate([np.square(self.probs[chunk]).sum(axis=1) for chunk in chunks])
        rows = spread_rows(given, self.given_labels, [squares], ENOUGH)
        further_probs = None if self.further_probs is None else self.further_probs[rows]
        return Examples(self.given_labels[rows], self.probs[rows], further_probs, self.further_weight)


def in_chunks(rows: NDArray[Any], n_classes: int) -> Iterator[NDArray[Any]]:
    """Yield parts of ``rows``, about ``CHUNK_CELLS`` of their probabilities each."""
    size = max(1, CHUNK_CELLS // n_classes)
    return (rows[start : start + size] for start in range(0, len(rows), size))


def spread_rows(given: Floats, given_labels: GivenLabels, ties: Sequence[NDArray[Any]], n: int) -> Index:
    """Return ``n`` rows, evenly spread by the probability of the given label, whatever the order of rows.

    Ties, common where models are very sure, are broken by the label and then by ``ties``, never by the row.
    """
    order = np.lexsort((*ties, given_labels, given))
    return order[np.linspace(0, len(given) - 1, n).astype(np.int64)]


def clipped_logs(probs: NDArray[np.floating[Any]], rows: Index) -> Floats:
    """Return (n, K) the logarithms of some rows of (N, K) probabilities, lower ones counting as ``CLIP`` over K."""
    values = probs[rows].astype(np.float64)
    return cast(Floats, np.log(np.maximum(values, CLIP / probs.shape[1], out=values), out=values))


def sharpen(log_p: Floats, exponent: float) -> Floats:
    """Return softmax(exponent * log_p), in the memory of ``log_p``."""
    log_p *= exponent
    log_p -= log_p.max(axis=1, keepdims=True)
    np.exp(log_p, out=log_p)
    log_p /= log_p.sum(axis=1, keepdims=True)
    return log_p
