"""Several models pooled into one: the weighted geometric mean of their out-of-fold probabilities.

Models of different kinds err apart, so their mean errs less than each. The weights are those under which the given
labels are likeliest, found on out-of-fold probabilities: a model gains nothing by overfitting its labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from labelscan.arrays import GivenLabels, Index
from labelscan.detection.channel import SCALE_LIMITS
from labelscan.detection.evidence import Evidence, Member
from labelscan.detection.examples_by_class import ENOUGH, clipped_logs, in_chunks, sharpen, spread_rows

Floats = NDArray[np.float64]
Probs = NDArray[np.floating[Any]]
MAJORITY = 0.5
"""The least weight of models by whose training examples are judged too; tests/bench/RESULTS.md has what it gains."""


def pool(names: Sequence[str], evidences: Sequence[Evidence]) -> Evidence:
    """Return the evidence of the models named, about the same examples in the same order, as one.

    That of one model alone is returned as it is.
    """
    first = evidences[0]
    if len(evidences) == 1:
        return first
    probs = [evidence.pred_probs for evidence in evidences]
    weights = likeliest_weights(probs, first.given_labels)
    return replace(
        first,
        pred_probs=geometric_mean(probs, weights, np.float32),
        train_margin=_mean_margin([one.train_margin for one in evidences if one.train_margin is not None]),
        train_probs=_pooled_train_probs(evidences, weights),
        members=tuple(
            Member(name=name, pred_probs=np.asarray(each, dtype=np.float32), weight=weight)
            for name, each, weight in zip(names, probs, weights.tolist(), strict=True)
        ),
        from_columns=any(evidence.from_columns for evidence in evidences),
    )


def likeliest_weights(probs: Sequence[Probs], given_labels: GivenLabels) -> Floats:
    """Return (M,) weights, which sum to 1, by the likelihood of the given labels.

    It is that of softmax(sum of u_m * log p_m), highest over all u_m >= 0, which is a concave problem; the weights are
    u over its sum. They do not depend on the order of rows, of which ``ENOUGH`` are used at most. ``probs`` are M times
    (N, K) probabilities of models that never saw the example.
    """
    n_members, rows = len(probs), np.arange(len(given_labels), dtype=np.int64)
    if len(rows) > ENOUGH:
        given = np.mean([each[rows, given_labels] for each in probs], axis=0, dtype=np.float64)
        squares = [np.einsum("nk,nk->n", each, each) for each in probs]
        rows = spread_rows(np.asarray(given), given_labels, squares, ENOUGH)

    def loss(powers: Floats) -> tuple[float, Floats]:
        total, slope = 0.0, np.zeros(n_members)
        for chunk, logs in _log_chunks(probs, rows):
            given = np.arange(len(chunk)), given_labels[chunk]
            exponents = np.tensordot(powers, logs, axes=1)
            exponents -= exponents.max(axis=1, keepdims=True)
            pooled = np.exp(exponents)
            sums = pooled.sum(axis=1)
            total += float(np.sum(np.log(sums) - exponents[given]))
            slope += np.einsum("nk,mnk,n->m", pooled, logs, 1 / sums) - logs[:, *given].sum(axis=1)
        return total / len(rows), slope / len(rows)

    start = np.full(n_members, 1 / n_members)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, SCALE_LIMITS[1])] * n_members)
    powers = np.asarray(found.x, dtype=np.float64)
    return powers / powers.sum() if powers.sum() > 0 else start


def geometric_mean(probs: Sequence[Probs], weights: Floats, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Return (N, K) of type ``dtype``: the weighted geometric mean of M times (N, K) probabilities, rows summing to 1.

    Lower probabilities count as ``CLIP`` over K, so that a model which is sure by mistake does not decide alone.
    """
    mean = np.empty(probs[0].shape, dtype=dtype)
    for chunk, logs in _log_chunks(probs, np.arange(len(mean), dtype=np.int64)):
        mean[chunk] = sharpen(np.tensordot(weights, logs, axes=1), 1)
    return mean


def _log_chunks(probs: Sequence[Probs], rows: Index) -> Iterator[tuple[Index, Floats]]:
    """Yield some of the rows, and (M, n, K) logarithms of their clipped probabilities."""
    for chunk in in_chunks(rows, probs[0].shape[1]):
        yield chunk, np.stack([clipped_logs(each, chunk) for each in probs])


def _pooled_train_probs(evidences: Sequence[Evidence], weights: Floats) -> NDArray[Any] | None:
    """Return the mean of the probabilities from training, over the models that have them.

    None where these models make up less than ``MAJORITY`` of the pool: what a weak network says of its own training
    examples would outweigh a better model that says nothing of them.
    """
    probs = [one.train_probs for one in evidences if one.train_probs is not None]
    own_weights = weights[[one.train_probs is not None for one in evidences]]
    if not probs or own_weights.sum() < MAJORITY:
        return None
    return probs[0] if len(probs) == 1 else geometric_mean(probs, own_weights / own_weights.sum(), np.float16)


def _mean_margin(margins: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """Return (N,) mean margins over the models that know one; NaN where none does, None where there is none."""
    if not margins:
        return None
    counts = np.sum(~np.isnan(margins), axis=0)
    sums = np.asarray(np.nansum(margins, axis=0, dtype=np.float64))
    mean = np.full(counts.shape, np.nan, dtype=np.float32)
    mean[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return mean
