"""A noisy channel that turns true labels into given ones, fitted to probabilities by expectation maximisation.

The distribution of an example's true label is its probabilities, raised to an exponent and normalised. The channel is
fitted to these and the given labels as in Dawid and Skene (1979), with a classifier instead of further annotators.
Every pass goes over the examples in chunks and keeps a few numbers of each, so the memory needed besides the
probabilities does not grow with N times K.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, PredProbs

Floats = NDArray[np.float64]

CLIP = 0.01
"""Lower probabilities count as this over K: trees and neighbours give exact zeros, whose logarithm is infinite."""
SCALE_LIMITS = (math.exp(-3), math.exp(3))
"""The range of exponents."""
DIAGONAL = 0.9
"""The share of right labels in each class that the fit starts from."""
TOLERANCE = 1e-6
"""The fit ends when the mean log-likelihood changes by less."""
STRIDE = 1.5
"""Steps of the exponent, in those of Newton's method: longer ones make up for slow expectation maximisation."""
ENOUGH = 100_000
"""Examples that are enough to estimate one number, an exponent."""
CHUNK_CELLS = 1 << 18
"""Probabilities worked on at a time: 2 MiB in float64, which stays in a core's cache."""
TINY = 1e-290
"""Replaces likelihoods that underflow to 0, before they are divided by."""


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

    def chunks(self) -> Iterator[tuple[int, Index, Floats]]:
        """Yield a given label, rows that have it, and the logarithms of their clipped probabilities.

        All rows of a chunk have one given label, and so need the same column of the channel.
        """
        size = max(1, CHUNK_CELLS // self.n_classes)
        order = np.argsort(self.given_labels, kind="stable")
        ends = np.cumsum(np.bincount(self.given_labels, minlength=self.n_classes))
        for label, members in enumerate(np.split(order, ends[:-1])):
            for start in range(0, len(members), size):
                rows = members[start : start + size]
                log_p = clipped_logs(self.probs, rows)
                if self.further_probs is not None:
                    log_p *= 1 - self.further_weight
                    log_p += self.further_weight * clipped_logs(self.further_probs, rows)
                yield label, rows, log_p

    def enough_for_an_exponent(self) -> "Examples":
        """Return these examples, or ``ENOUGH`` of them, evenly spread by the probability of the given label.

        The choice must not depend on the order of rows.
        """
        n_examples = len(self.given_labels)
        if n_examples <= ENOUGH:
            return self
        given = self.probs[np.arange(n_examples), self.given_labels].astype(np.float64)
        rows = spread_rows(given, self.given_labels, [np.square(self.probs).sum(axis=1)], ENOUGH)
        further_probs = None if self.further_probs is None else self.further_probs[rows]
        return Examples(self.given_labels[rows], self.probs[rows], further_probs, self.further_weight)


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


@dataclass(frozen=True, eq=False)
class Channel:
    """A fitted channel.

    Both matrices are P(given = column | true = row), rows summing to 1: the transpose of ``noise_matrix``.
    """

    exponent: float
    """True labels are distributed as softmax(exponent * log p)."""
    matrix: Floats
    """(K, K) as the last E-step used it."""
    refitted: Floats
    """(K, K) after the M-step that followed."""


def calibrate(examples: Examples) -> float:
    """Return the exponent with the lowest mean negative log-likelihood of the given labels, without a channel.

    The problem is convex: Newton's method within shrinking bounds takes half a dozen passes over the examples. Where
    the exponent makes no difference, as all rows are uniform, it is 1.
    """
    lower, upper = SCALE_LIMITS
    scale, tried = 1.0, {1.0}
    for _ in range(100):
        slope, curvature = _calibration_slope(examples, scale)
        if slope == 0:
            break
        lower, upper = (scale, upper) if slope < 0 else (lower, scale)
        newton = scale - slope / curvature if curvature > 0 else math.copysign(math.inf, -slope)
        following = min(max(newton, lower), upper)
        if following in tried:
            following = math.sqrt(lower * upper)
        if abs(following - scale) <= 1e-9 * scale:
            break
        tried.add(following)
        scale = following
    return scale


def fit_channel(
    examples: Examples, exponent: float, *, max_steps: int, fit_exponent: bool = False, start: Floats | None = None
) -> Channel:
    """Return the channel of highest likelihood.

    Args:
        examples: given labels and probabilities.
        exponent: sharpens the probabilities.
        max_steps: the most steps of expectation maximisation.
        fit_exponent: whether to fit the exponent too, starting from ``exponent``.
        start: (K, K) matrix to start from; by default few errors, spread evenly.
    """
    n_classes = examples.n_classes
    if start is None:
        start = np.full((n_classes, n_classes), (1 - DIAGONAL) / (n_classes - 1), order="F")
        np.fill_diagonal(start, DIAGONAL)
    following = start
    likelihood = -math.inf
    sharper = exponent
    for _ in range(max_steps):
        matrix, exponent, previous = following, sharper, likelihood
        following, likelihood, slope, curvature = _step(examples, exponent, matrix, slopes=fit_exponent)
        if abs(likelihood - previous) < TOLERANCE:
            break
        if fit_exponent and curvature > 0:
            sharper = min(max(exponent + STRIDE * slope / curvature, SCALE_LIMITS[0]), SCALE_LIMITS[1])
    return Channel(exponent, matrix, following)


def error_log_odds(examples: Examples, channel: Channel) -> Floats:
    """Return (N,) the log-odds that a given label is wrong."""
    log_odds = np.empty(len(examples.given_labels))
    for label, rows, log_p in examples.chunks():
        joint = sharpen(log_p, channel.exponent)
        joint *= channel.matrix[:, label]
        right = np.maximum(joint[:, label], TINY)
        joint[:, label] = 0
        log_odds[rows] = np.log(np.maximum(joint.sum(axis=1), TINY)) - np.log(right)
    return log_odds


def _step(examples: Examples, exponent: float, matrix: Floats, *, slopes: bool) -> tuple[Floats, float, float, float]:
    """Return the matrix after one E-step and one M-step, and the mean log-likelihood before them.

    If ``slopes``, also the derivative in the exponent of what expectation maximisation raises, and minus its second
    derivative, which is not negative.

    The posterior of an example is matrix[j, given] * sharpened[j] over the sum of these, and all examples of a chunk
    have one given label: adding up their posteriors is one product with the inverse sums. Columns lie together in
    memory: with 10,000 classes it takes longer to gather one than all the rest.
    """
    # One right label a class, so that a class which is never predicted keeps a row.
    counts = np.eye(len(matrix), order="F")
    log_likelihood = slope = curvature = 0.0
    for label, _, log_p in examples.chunks():
        sharpened = sharpen(log_p.copy() if slopes else log_p, exponent)
        likelihood = np.maximum(sharpened @ matrix[:, label], TINY)
        log_likelihood += float(np.sum(np.log(likelihood)))
        counts[:, label] += matrix[:, label] * ((1 / likelihood) @ sharpened)
        if slopes:
            means = np.einsum("nk,nk->n", sharpened, log_p)
            squares = np.einsum("nk,nk,nk->n", sharpened, log_p, log_p)
            posterior_means = np.einsum("nk,nk,k->n", sharpened, log_p, matrix[:, label]) / likelihood
            slope += float(np.sum(posterior_means - means))
            curvature += float(np.sum(squares - means**2))
    n_examples = len(examples.given_labels)
    counts /= counts.sum(axis=1, keepdims=True)
    return counts, log_likelihood / n_examples, slope, curvature


def _calibration_slope(examples: Examples, scale: float) -> tuple[float, float]:
    """Return the first and second derivative of the mean negative log-likelihood in the exponent."""
    slope = curvature = 0.0
    for label, _, log_p in examples.chunks():
        log_p -= log_p.max(axis=1, keepdims=True)
        weights = np.exp(scale * log_p)
        sums = weights.sum(axis=1)
        means = np.einsum("nk,nk->n", weights, log_p) / sums
        squares = np.einsum("nk,nk,nk->n", weights, log_p, log_p) / sums
        slope += float(np.sum(means - log_p[:, label])) / len(examples.given_labels)
        curvature += float(np.sum(squares - means**2)) / len(examples.given_labels)
    return slope, curvature


def sharpen(log_p: Floats, exponent: float) -> Floats:
    """Return softmax(exponent * log_p), in the memory of ``log_p``."""
    log_p *= exponent
    log_p -= log_p.max(axis=1, keepdims=True)
    np.exp(log_p, out=log_p)
    log_p /= log_p.sum(axis=1, keepdims=True)
    return log_p
