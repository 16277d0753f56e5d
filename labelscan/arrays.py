"""Array types named by what they mean, and the check of probabilities.

A shifted row, a NaN or columns in another order do not crash a detector: they only make its flags wrong.
So whatever reaches a detector has passed through ``check_pred_probs`` first.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import ProbabilitiesError, Problem

GivenLabels: TypeAlias = NDArray[np.int64]
"""(N,) class indices as delivered, perhaps wrong."""
TrueLabels: TypeAlias = NDArray[np.int64]
"""(N,) class indices known to be right; only benchmarks have them."""
PredProbs: TypeAlias = NDArray[np.float32 | np.float64]
"""(N, K) out-of-fold class probabilities; rows sum to 1. Ours are float32; those made elsewhere keep float64, since
rounding them could move a flag."""
TrainProbs: TypeAlias = NDArray[np.float16]
"""(N, K) in-sample class probabilities, from models that train on the examples; rows sum to 1. They are never called,
nor mixed into, ``pred_probs``. Three digits are enough for such means, and take half the memory."""
LabelQuality: TypeAlias = NDArray[np.float64]
"""(N,) in [0, 1]; low is probably wrong."""
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


def as_array(values: object) -> NDArray[Any]:
    """Return lists, data frames or arrays of any library as a NumPy array; torch tensors may be on a GPU.

    Raises:
        ValueError: lists of different lengths.
        TypeError: something that is not an array, such as a sparse tensor.
    """
    torch: Any = sys.modules.get("torch")  # not imported: a caller with a tensor has loaded it
    if torch is not None:
        if isinstance(values, torch.Tensor):
            tensor: Any = values.detach().cpu()
            return np.asarray(tensor.float() if tensor.dtype is torch.bfloat16 else tensor)  # NumPy has no bfloat16
        if isinstance(values, list | tuple) and any(isinstance(one, torch.Tensor) for one in values):
            return np.stack([as_array(one) for one in values])
    to_numpy = getattr(values, "to_numpy", None)  # a data frame
    return np.asarray(values if to_numpy is None else to_numpy())


def check_pred_probs(
    pred_probs: NDArray[Any],
    given_labels: NDArray[Any],
    class_names: Sequence[str],
    *,
    example_ids: Strings | None = None,
    where: Callable[[int], str] | None = None,
    name: str = "pred_probs",
) -> None:
    """Raise ProbabilitiesError unless every row is a probability distribution over ``class_names``.

    Args:
        pred_probs: (N, K) floating point.
        given_labels: (N,) integers in [0, K).
        class_names: K names, in the order of the columns.
        example_ids: what rows are called in messages; None numbers them from 0.
        where: returns the place of a row, which messages name instead of its id.
        name: what the table is called in messages.
    """
    if pred_probs.ndim != 2:
        raise ProbabilitiesError(
            "wrong-shape", f"must be a table of examples by classes, got shape {pred_probs.shape}", where=name
        )
    n_examples, n_classes = pred_probs.shape
    if n_examples == 0:
        raise ProbabilitiesError("no-examples", "there is no example", where=name, hint="give at least one row")
    if len(class_names) != n_classes:
        raise ProbabilitiesError(
            "classes-mismatch",
            f"{n_classes} columns for {len(class_names)} class names",
            where=name,
            hint="give one column for each class, in the order of class_names",
        )
    if n_classes < 2:
        raise ProbabilitiesError(
            "one-class", f"{n_classes} class: there is nothing to confuse", where=name, hint="give 2 or more"
        )
    if given_labels.shape != (n_examples,):
        raise ProbabilitiesError(
            "rows-mismatch",
            f"{n_examples:,} rows of probabilities for labels of shape {given_labels.shape}",
            where=name,
            hint="give one label for each row, in the same order",
        )
    with np.errstate(invalid="ignore", over="ignore"):  # infinities are named below
        sums = pred_probs.sum(axis=1, dtype=np.float64)
    right = (np.abs(sums - 1) <= ROW_SUM_TOLERANCE) & (pred_probs.min(axis=1) >= 0)
    right &= (given_labels >= 0) & (given_labels < n_classes)

    def problem(row: int) -> Problem:
        id_or_row = f"index {row}" if example_ids is None else f"example {example_ids[row]!r}"
        code, what, hint = _what_is_wrong(pred_probs[row], float(sums[row]), int(given_labels[row]))
        return Problem(code, what, id_or_row if where is None else where(row), hint)

    ProbabilitiesError.refuse(np.flatnonzero(~right).tolist(), problem)


def _what_is_wrong(probs: NDArray[Any], total: float, label: int) -> tuple[str, str, str]:
    """Return the code of the problem of one row, what is wrong, and a hint."""
    if not 0 <= label < len(probs):
        return (
            "unknown-class",
            f"label {label} is not in 0 .. {len(probs) - 1}",
            "labels are the numbers of columns, from 0",
        )
    if not np.isfinite(probs).all():
        return "not-finite", "NaN or infinite probability", "leave out examples that no model has scored"
    if (probs < 0).any():
        return (
            "not-probabilities",
            f"negative probability {probs.min():.4g}",
            "pass probabilities, not logits (softmax them first)",
        )
    hint = "give every class a column and let each row sum to 1; logits want a softmax first"
    if abs(total - 100) <= 100 * ROW_SUM_TOLERANCE:
        hint = "these seem to be per cent: divide them by 100"
    return "not-probabilities", f"probabilities sum to {total:.4g}, not 1", hint
