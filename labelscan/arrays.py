"""Array types named by what they mean, and the checks that keep silent mistakes out of them.

A shifted row, a NaN or columns in another order do not crash a detector: they only make its flags wrong.
So whatever reaches a detector has passed through ``check_pred_probs`` first.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import ProbabilitiesError

GivenLabels: TypeAlias = NDArray[np.int64]
"""(N,) class indices as delivered, perhaps wrong."""
TrueLabels: TypeAlias = NDArray[np.int64]
"""(N,) class indices known to be right; only benchmarks have them."""
PredProbs: TypeAlias = NDArray[np.float32]
"""(N, K) out-of-fold class probabilities; rows sum to 1."""
LabelQuality: TypeAlias = NDArray[np.float64]
"""(N,) in [0, 1]; low is doubtful."""
Mask: TypeAlias = NDArray[np.bool_]
"""(N,) one truth value an example."""
Index: TypeAlias = NDArray[np.int64]
"""(M,) row numbers."""
Strings: TypeAlias = NDArray[np.object_]
"""(N,) Python strings, one an example."""

ROW_SUM_TOLERANCE = 1e-2
"""How far a row may be from summing to 1: float16 over 1,000 classes stays within it, logits and percentages do not."""


def as_strings(values: Sequence[str]) -> Strings:
    """Return an (N,) object array of the strings in ``values``."""
    strings = np.empty(len(values), dtype=object)
    strings[:] = values
    return strings


def check_pred_probs(
    pred_probs: NDArray[Any],
    given_labels: NDArray[Any],
    class_names: Sequence[str],
    *,
    example_ids: Strings | None = None,
) -> None:
    """Raise ProbabilitiesError unless every row is a probability distribution over ``class_names``.

    Args:
        pred_probs: (N, K) floating point.
        given_labels: (N,) integers in [0, K).
        class_names: K names.
        example_ids: (N,) names for the rows in messages; row numbers from 0 where absent.
    """

    def where(rows: Mask) -> str:
        row = int(np.argmax(rows))
        name = f"example {example_ids[row]!r}" if example_ids is not None else f"row {row}"
        others = int(rows.sum()) - 1
        return f"{name} and {others:,} more" if others else name

    if pred_probs.ndim != 2:
        raise ProbabilitiesError(
            f"must be a table of examples by classes, got shape {pred_probs.shape}", where="pred_probs"
        )
    n_examples, n_classes = pred_probs.shape
    if n_examples == 0:
        raise ProbabilitiesError("there is no example", where="pred_probs", hint="give at least one row")
    if len(class_names) != n_classes:
        raise ProbabilitiesError(
            f"{n_classes} columns for {len(class_names)} class names",
            where="pred_probs",
            hint="give one column for each class, in the order of class_names",
        )
    if n_classes < 2:
        raise ProbabilitiesError("1 class: there is nothing to confuse", where="pred_probs", hint="give 2 or more")
    if given_labels.shape != (n_examples,):
        raise ProbabilitiesError(
            f"{n_examples:,} rows of probabilities for labels of shape {given_labels.shape}",
            where="given_labels",
            hint="give one label for each row, in the same order",
        )
    outside = np.asarray((given_labels < 0) | (given_labels >= n_classes))
    if outside.any():
        value = given_labels[int(np.argmax(outside))]
        raise ProbabilitiesError(f"label {value} is not in 0 .. {n_classes - 1}", where=where(outside))
    broken = ~np.isfinite(pred_probs).all(axis=1)
    if broken.any():
        raise ProbabilitiesError(
            "NaN or infinite probability", where=where(broken), hint="leave out examples that no model has scored"
        )
    negative = (pred_probs < 0).any(axis=1)
    if negative.any():
        raise ProbabilitiesError(
            "negative probability", where=where(negative), hint="pass probabilities, not logits (softmax them first)"
        )
    sums = pred_probs.sum(axis=1, dtype=np.float64)
    uneven = np.abs(sums - 1) > ROW_SUM_TOLERANCE
    if uneven.any():
        raise ProbabilitiesError(
            f"probabilities sum to {sums[int(np.argmax(uneven))]:.4g}, not 1",
            where=where(uneven),
            hint="give every class a column and let each row sum to 1",
        )
