"""The most that detectors can find of errors that were planted on hard examples, where what is hard is known.

An example that looks like another class may be one of that class with a wrong label, or a right one that looks odd:
whoever does not know the truth cannot tell for certain, so figures of such errors need a scale of their own.
"""

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, PredProbs, TrueLabels

CERTAIN = 40.0
"""From this product of c and weight on, the chance to be chosen is 1 in double precision."""
TINY = np.finfo(np.float64).tiny


def other_probs(pred_probs: PredProbs) -> NDArray[np.float64]:
    """Return (N, K) the probability of all other classes together, for each class; never quite 0.

    It is their sum and not 1 - p, which is 0 where p is nearly 1.
    """
    probs = pred_probs.astype(np.float64)
    top = probs.argmax(axis=1)[:, None]
    others = probs.sum(axis=1, keepdims=True) - probs  # loses digits for the largest alone
    np.put_along_axis(probs, top, 0, axis=1)
    np.put_along_axis(others, top, probs.sum(axis=1, keepdims=True), axis=1)
    # The floor lets examples whose class is certain come last, in any order.
    floored: NDArray[np.float64] = np.maximum(others, TINY)
    return floored


def error_chances(
    given_labels: GivenLabels, true_labels: TrueLabels, pred_probs: PredProbs, belief: PredProbs, *, hardness: float
) -> NDArray[np.float64]:
    """Return (N,) how likely each given label is wrong, to whoever knows all but which labels are true.

    By Bayes' rule: an example is of class t by ``belief``, is chosen by its weight ``w = (1 - p_t) ** hardness``, and
    becomes y by p_y / (1 - p_t), p being ``pred_probs``. Where rows are drawn one after another by weight, the chance
    to be among the chosen is nearly 1 - exp(-c w), c such that the chances of all rows sum to the number of errors
    (Rosen, Journal of Statistical Planning and Inference 62, 1997).

    Args:
        given_labels: (N,) with the planted errors.
        true_labels: (N,); they decide the number of errors and c, and nothing else.
        pred_probs: (N, K) that the errors were planted by.
        belief: (N, K) what is known of the true labels, the given ones aside; calibrated, or the result is not.
        hardness: that of the noise.
    """
    n_examples, n_classes = pred_probs.shape
    n_errors = int((given_labels != true_labels).sum())
    if not n_errors:
        return np.zeros(n_examples)
    given, true = given_labels[:, None], true_labels[:, None]
    others = other_probs(pred_probs)
    log_weights = hardness * np.log(others)
    chosen = _chosen(log_weights, _log_c(np.take_along_axis(log_weights, true, axis=1), n_errors))
    # An example whose class is certain goes anywhere, as in planting.
    given_probs = np.take_along_axis(pred_probs, given, axis=1).astype(np.float64)
    moved = np.where(others > TINY, given_probs / others, 1 / (n_classes - 1))
    known = np.maximum(belief, TINY)
    right = np.take_along_axis(known * (1 - chosen), given, axis=1)[:, 0]
    moves = known * chosen * moved
    np.put_along_axis(moves, given, 0, axis=1)
    wrong = moves.sum(axis=1)
    chances: NDArray[np.float64] = wrong / np.maximum(wrong + right, TINY)
    return chances


def highest_f1(chances: NDArray[np.float64]) -> float:
    """Return the highest F1 that can be expected where (N,) ``chances`` are all that is known; NaN if all are 0.

    Among flags on k labels none finds more than those on the likeliest k: max over k of 2 sum e / (k + sum of all e).
    """
    if not chances.any():
        return float("nan")
    found = np.cumsum(np.sort(chances)[::-1])
    return float((2 * found / (np.arange(1, len(found) + 1) + found[-1])).max())


def _chosen(log_weights: NDArray[np.float64], log_c: float) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = -np.expm1(-np.exp(np.minimum(log_weights + log_c, np.log(CERTAIN))))
    return chances


def _log_c(log_weights: NDArray[np.float64], n_errors: int) -> float:
    """Return log c, by which the chances of all rows sum to ``n_errors``."""
    # By less than the first the sum is too small, since 1 - exp(-x) < x; by the second all rows are chosen.
    low = np.log(n_errors / log_weights.size) - log_weights.max() - 1
    high = np.log(CERTAIN) - log_weights.min()
    from scipy.optimize import brentq  # only now: every reader of data is asked after the demo, which plants errors

    return float(brentq(lambda log_c: _chosen(log_weights, log_c).sum() - n_errors, low, high, maxiter=5000))
