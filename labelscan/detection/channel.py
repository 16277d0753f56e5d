"""A noisy channel that turns true labels into given ones, fitted to probabilities by expectation maximisation.

The distribution of an example's true label is its probabilities, raised to an exponent and normalised. The channel is
fitted to these and the given labels as in Dawid and Skene (1979), with a classifier instead of further annotators.
What does not change between passes over the examples is kept, in N times K times 4 bytes besides the probabilities.
"""

import math
from dataclasses import dataclass

import numpy as np

from labelscan.detection.examples_by_class import Examples, Floats, Sharpened, in_chunks, sharpen

SCALE_LIMITS = (math.exp(-3), math.exp(3))
"""The range of exponents."""
DIAGONAL = 0.9
"""The share of right labels in each class that the fit starts from."""
TOLERANCE = 1e-6
"""The fit ends when the mean log-likelihood changes by less."""
STRIDE = 1.5
"""Steps of the exponent, in those of Newton's method: longer ones make up for slow expectation maximisation."""
PSEUDO_EXAMPLES = 10.0
"""Examples that each row of a channel with a prior starts from. Ten end the switching of pairs of classes between runs
on nearly the same data (tests/bench/RESULTS.md)."""
TINY = 1e-290
"""Replaces likelihoods that underflow to 0, before they are divided by."""


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
    examples: Examples,
    exponent: float,
    *,
    max_steps: int,
    fit_exponent: bool = False,
    noise_rate: float | None = None,
    start: Floats | None = None,
) -> Channel:
    """Return the channel of highest posterior after ``max_steps`` of expectation maximisation at most.

    ``fit_exponent`` fits the exponent too. The (K, K) matrix to ``start`` from is by default that of few errors, spread
    evenly. With a ``noise_rate`` each row has a Dirichlet prior, ``PSEUDO_EXAMPLES`` of which so large a share is wrong
    and spread evenly: without one, a pair of classes that starts with few errors goes to none, and comes back with a
    few examples more.
    """
    n_classes = examples.n_classes
    prior = _prior(n_classes, noise_rate)
    if start is None:
        start = np.full((n_classes, n_classes), (1 - DIAGONAL) / (n_classes - 1), order="F")
        np.fill_diagonal(start, DIAGONAL)
    following = start
    likelihood = -math.inf
    sharper = exponent
    kept = None if fit_exponent else examples.sharpened(exponent)
    for _ in range(max_steps):
        matrix, exponent, previous = following, sharper, likelihood
        if kept is None:
            following, likelihood, slope, curvature = _step_with_slopes(examples, exponent, matrix, prior)
            if curvature > 0:
                sharper = min(max(exponent + STRIDE * slope / curvature, SCALE_LIMITS[0]), SCALE_LIMITS[1])
        else:
            following, likelihood = _step(examples, kept, matrix, prior)
        if abs(likelihood - previous) < TOLERANCE:
            break
    return Channel(exponent, matrix, following)


def error_log_odds(examples: Examples, channel: Channel) -> Floats:
    """Return (N,) the log-odds that a given label is wrong."""
    log_odds = np.empty(len(examples.given_labels))

    def of_class(label: int) -> None:
        for rows, log_p in examples.chunks(label):
            joint = sharpen(log_p, channel.exponent)
            joint *= channel.matrix[:, label]
            right = np.maximum(joint[:, label], TINY)
            joint[:, label] = 0
            log_odds[rows] = np.log(np.maximum(joint.sum(axis=1), TINY)) - np.log(right)

    examples.for_each_class(of_class)
    return log_odds


def _prior(n_classes: int, noise_rate: float | None) -> Floats:
    """Return (K, K) the examples that are counted in each M-step before any is seen.

    Without a noise rate, one right example keeps the row of a class that is never predicted.
    """
    if noise_rate is None:
        return np.eye(n_classes, order="F")
    prior = np.full((n_classes, n_classes), PSEUDO_EXAMPLES * noise_rate / (n_classes - 1), order="F")
    np.fill_diagonal(prior, PSEUDO_EXAMPLES * (1 - noise_rate))
    return prior


def _step(examples: Examples, kept: Sharpened, matrix: Floats, prior: Floats) -> tuple[Floats, float]:
    """Return the matrix after one E-step and one M-step, and the mean log-likelihood before them.

    The posterior of an example is matrix[j, given] * sharpened[j] over the sum of these, and all examples of a class
    have one given label: adding up their posteriors is one product with the inverse sums. Columns lie together in
    memory: with 10,000 classes it takes longer to gather one than all the rest.
    """
    counts = prior.copy(order="F")

    def of_class(label: int) -> float:
        log_likelihood = 0.0
        for chunk in in_chunks(kept[label], examples.n_classes):
            likelihood, posteriors = _posteriors(chunk.astype(np.float64), matrix[:, label])
            log_likelihood += float(np.sum(np.log(likelihood)))
            counts[:, label] += posteriors
        return log_likelihood

    log_likelihood = sum(examples.for_each_class(of_class))
    counts /= counts.sum(axis=1, keepdims=True)
    return counts, log_likelihood / len(examples.given_labels)


def _step_with_slopes(
    examples: Examples, exponent: float, matrix: Floats, prior: Floats
) -> tuple[Floats, float, float, float]:
    """Return what ``_step`` does, and the derivative in the exponent of what expectation maximisation raises, and minus
    its second derivative, which is not negative."""
    counts = prior.copy(order="F")

    def of_class(label: int) -> Floats:
        sums = np.zeros(3)
        for _, log_p in examples.chunks(label):
            sharpened = sharpen(log_p.copy(), exponent)
            likelihood, posteriors = _posteriors(sharpened, matrix[:, label])
            counts[:, label] += posteriors
            sharpened *= log_p
            means, posterior_means = sharpened.sum(axis=1), sharpened @ matrix[:, label] / likelihood
            squares = np.einsum("nk,nk->n", sharpened, log_p)
            sums += np.sum([np.log(likelihood), posterior_means - means, squares - means**2], axis=1)
        return sums

    log_likelihood, slope, curvature = np.sum(examples.for_each_class(of_class), axis=0).tolist()
    counts /= counts.sum(axis=1, keepdims=True)
    return counts, log_likelihood / len(examples.given_labels), slope, curvature


def _posteriors(sharpened: Floats, column: Floats) -> tuple[Floats, Floats]:
    """Return (n,) the likelihoods of n examples of one given label, and (K,) the sum of their posteriors."""
    likelihood = np.maximum(sharpened @ column, TINY)
    return likelihood, column * ((1 / likelihood) @ sharpened)


def _calibration_slope(examples: Examples, scale: float) -> tuple[float, float]:
    """Return the first and second derivative of the mean negative log-likelihood in the exponent."""

    def of_class(label: int) -> Floats:
        sums = np.zeros(2)
        for _, log_p in examples.chunks(label):
            log_p -= log_p.max(axis=1, keepdims=True)
            weights = np.exp(scale * log_p)
            totals = weights.sum(axis=1)
            weights *= log_p
            means, squares = weights.sum(axis=1) / totals, np.einsum("nk,nk->n", weights, log_p) / totals
            sums += np.sum([means - log_p[:, label], squares - means**2], axis=1)
        return sums

    slope, curvature = (np.sum(examples.for_each_class(of_class), axis=0) / len(examples.given_labels)).tolist()
    return slope, curvature
