"""Noise posterior: the probability that a given label is wrong, and a cut-off that needs no threshold.

A noisy channel turns true labels into given ones. What an example's true label may be is read from its
out-of-fold probabilities, calibrated and sharpened; the channel is fitted to them by expectation maximisation, as
in Dawid and Skene (1979) with a classifier in the place of further annotators. Flags are the set with the
highest expected F1.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, Mask, PredProbs
from labelscan.detection import Detection
from labelscan.errors import ConfigError
from labelscan.evidence import Evidence

Floats = NDArray[np.float64]

CLIP = 0.01
"""Probabilities are at least this over K: trees and neighbours give exact zeros, whose logarithm is not finite."""
SCALE_LIMITS = (math.exp(-3), math.exp(3))
"""Where the scale of the calibration is sought."""
DIAGONAL = 0.9
"""Share of right labels in each class that the channel starts from."""
TOLERANCE = 1e-6
"""The channel is fitted when the mean log-likelihood moves by less."""
CHUNK_CELLS = 1 << 18
"""Probabilities worked on at once: 2 MiB in float64, which stays in a core's cache."""
TINY = 1e-290
"""Stands for a likelihood that underflowed to 0, so that nothing is divided by it."""


class NoisePosterior:
    """Error probabilities under a channel fitted to the out-of-fold predictions.

    Every pass goes over all examples in chunks and keeps a few numbers of each, so that memory beside the
    probabilities does not grow with N times K.

    Source: the expectation maximisation of Dawid and Skene (1979), the classifier in the place of further annotators.

    Args:
        kappa: how much surer than the calibrated model the truth is taken to be, in (0, 10]. A model trained and
            calibrated on wrong labels is less sure than the truth. Measured by F1: 2 was best on KMNIST with
            class-dependent errors (.930, against .927 at 2.5), 2.5 and 3 on CIFAR-10 with human errors (.844 and
            .847, against .833).
        max_steps: steps of expectation maximisation at most.
    """

    def __init__(self, kappa: float = 2.0, max_steps: int = 30) -> None:
        where = "detector noise-posterior, option"
        if not 0 < kappa <= 10:
            raise ConfigError(f"must be above 0 and at most 10, got {kappa:g}", where=f"{where} kappa")
        if max_steps < 1:
            raise ConfigError(f"must be at least 1, got {max_steps}", where=f"{where} max_steps")
        self.kappa = kappa
        self.max_steps = max_steps

    def detect(self, evidence: Evidence) -> Detection:
        """Return error probabilities, their complement as label quality, and the flags of highest expected F1.

        Probabilities that carry nothing, all uniform, flag every label; the health checks of the summary tell.
        """
        examples = _Examples(evidence.given_labels, evidence.pred_probs)
        exponent = self.kappa * _calibrate(examples)
        channel, refitted = self._fit_channel(examples, exponent)
        error_probability = _score(examples, exponent, channel)
        return Detection(
            label_quality=1 - error_probability,
            flagged=highest_expected_f1(error_probability),
            error_probability=error_probability,
            noise_matrix=np.ascontiguousarray(refitted.T),
        )

    def _fit_channel(self, examples: "_Examples", exponent: float) -> tuple[Floats, Floats]:
        """Return the (K, K) channel of the last E-step, and what its M-step made of it.

        Both are P(given = column | true = row), rows summing to 1: the transpose of ``noise_matrix``.
        """
        n_classes = examples.pred_probs.shape[1]
        following = np.full((n_classes, n_classes), (1 - DIAGONAL) / (n_classes - 1))
        np.fill_diagonal(following, DIAGONAL)
        likelihood = -math.inf
        for _ in range(self.max_steps):
            channel, previous = following, likelihood
            following, likelihood = _step(examples, exponent, channel)
            if abs(likelihood - previous) < TOLERANCE:
                break
        return channel, following


def highest_expected_f1(error_probability: Floats) -> Mask:
    """Return the (N,) flags whose expected F1 is highest, the labels being wrong with these probabilities.

    Of the k likeliest errors, expected F1 is ``2 * (sum of theirs) / (k + sum of all)``; adding one more raises it
    just when its probability is above half of it. To flag nothing is right if no label is wrong: so nothing is
    flagged where the probability of that is above the F1, as in a clean data set whose probabilities are all tiny.
    """
    descending = np.sort(error_probability)[::-1]
    sums = np.cumsum(descending)
    best = float(np.max(2 * sums / (np.arange(1, len(sums) + 1) + sums[-1])))
    if float(np.prod(1 - descending)) >= best:
        return np.zeros(len(error_probability), dtype=bool)
    return error_probability > best / 2


@dataclass(frozen=True)
class _Examples:
    """N examples, given out in chunks of one given label each: a chunk meets one column of the channel."""

    given_labels: GivenLabels
    pred_probs: PredProbs

    def chunks(self) -> Iterator[tuple[int, Index, Floats]]:
        """Yield a given label, rows that have it, and the float64 logarithms of their clipped probabilities."""
        n_classes = self.pred_probs.shape[1]
        size = max(1, CHUNK_CELLS // n_classes)
        order = np.argsort(self.given_labels, kind="stable")
        ends = np.cumsum(np.bincount(self.given_labels, minlength=n_classes))
        for label, members in enumerate(np.split(order, ends[:-1])):
            for start in range(0, len(members), size):
                rows = members[start : start + size]
                log_p = self.pred_probs[rows].astype(np.float64)
                np.log(np.maximum(log_p, CLIP / n_classes, out=log_p), out=log_p)
                yield label, rows, log_p


def _calibrate(examples: _Examples) -> float:
    """Return b with the lowest mean negative log-likelihood of the given labels under softmax(b log p).

    That is convex in b. Newton's method, kept between bounds that close in, needs half a dozen passes over all
    examples. Where b makes no difference, all rows being uniform, it is 1.
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


def _calibration_slope(examples: _Examples, scale: float) -> tuple[float, float]:
    """Return the first and second derivative of the mean negative log-likelihood in the scale."""
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


def _sharpen(log_p: Floats, exponent: float) -> Floats:
    """Return softmax(exponent * log_p), in the memory of ``log_p``."""
    log_p *= exponent
    log_p -= log_p.max(axis=1, keepdims=True)
    np.exp(log_p, out=log_p)
    log_p /= log_p.sum(axis=1, keepdims=True)
    return log_p


def _step(examples: _Examples, exponent: float, channel: Floats) -> tuple[Floats, float]:
    """Return the channel after one E- and M-step, and the mean log-likelihood of the channel before.

    The posterior of an example is channel[j, given] * sharpened[j] over the sum of these, and all examples of a
    chunk have one given label: adding up their posteriors is one product with the inverse sums.
    """
    counts = np.eye(len(channel))  # one right label a class: a class that nobody is taken for keeps a row
    log_likelihood = 0.0
    for label, _, log_p in examples.chunks():
        sharpened = _sharpen(log_p, exponent)
        likelihood = np.maximum(sharpened @ channel[:, label], TINY)
        log_likelihood += float(np.sum(np.log(likelihood)))
        counts[:, label] += channel[:, label] * ((1 / likelihood) @ sharpened)
    return counts / counts.sum(axis=1, keepdims=True), log_likelihood / len(examples.given_labels)


def _score(examples: _Examples, exponent: float, channel: Floats) -> Floats:
    """Return (N,) error probabilities."""
    error_probability = np.empty(len(examples.given_labels))
    for label, rows, log_p in examples.chunks():
        joint = _sharpen(log_p, exponent)
        joint *= channel[:, label]
        likelihood = np.maximum(joint.sum(axis=1), TINY)
        error_probability[rows] = 1 - joint[:, label] / likelihood
    return np.clip(error_probability, 0, 1, out=error_probability)
