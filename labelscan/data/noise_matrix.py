"""Noise matrices: how often the labels of each class go wrong, and to which class.

A ``noise_matrix`` holds P(given = row | true = column), cleanlab's convention, so its columns sum to 1. It comes
from a file, or from a table of how alike classes are: what is often taken for each other is what people mix up.
"""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelscan.arrays import PredProbs, TrueLabels
from labelscan.errors import ConfigError, Problem

SUM_TOLERANCE = 1e-2
"""How far a column may be from summing to 1: numbers rounded by hand stay within it."""


def check_noise_matrix(noise_matrix: ArrayLike, *, file: str = "") -> NDArray[np.float64]:
    """Return ``noise_matrix`` with columns that sum to 1 exactly, or raise ConfigError naming what is wrong in it.

    Args:
        noise_matrix: (K, K) P(given = row | true = column); columns sum to 1 within ``SUM_TOLERANCE``.
        file: where it was read, if it was, for the messages.
    """
    matrix = _checked_table(noise_matrix, name="noise_matrix", file=file)
    with np.errstate(over="ignore"):  # an infinite sum is refused below
        sums = matrix.sum(axis=0)
        row_sums = matrix.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE).tolist()
    if wrong:
        transposed = bool((np.abs(row_sums - 1) <= SUM_TOLERANCE).all())
        hint = (
            "its rows sum to 1: exchange rows and columns"
            if transposed
            else "column j holds the shares in which the labels of class j turn up as each class"
        )
        raise ConfigError.of(
            [
                Problem(
                    f"sums to {sums[column]:.4g}, not 1",
                    f"{file} column {column + 1}" if file else f"noise_matrix[:, {column}]",
                    hint,
                )
                for column in wrong
            ]
        )
    normalised: NDArray[np.float64] = matrix / sums
    return normalised


def look_alike_matrix(similarity: ArrayLike, rate: float, *, file: str = "") -> NDArray[np.float64]:
    """Return the (K, K) noise matrix in which ``rate`` of each class goes to the classes that it is like.

    A class that is like no other one goes to all of them with equal chance.

    Args:
        similarity: (K, K), finite and not negative, of any scale: how much the true class (row) is like another
            (column), or how often it is taken for it, as in scikit-learn's ``confusion_matrix``. What stands on
            the diagonal is not looked at.
        rate: share of the labels of each class that become wrong, in [0, 1].
        file: where ``similarity`` was read, if it was, for the messages.
    """
    likeness = _checked_table(similarity, name="similarity", file=file)
    n_classes = len(likeness)
    np.fill_diagonal(likeness, 0)
    like_none = ~likeness.any(axis=1)
    likeness[like_none] = 1 - np.eye(n_classes)[like_none]
    likeness /= likeness.max(axis=1, keepdims=True)  # sums of numbers near the largest float would overflow
    noise_matrix: NDArray[np.float64] = rate * (likeness / likeness.sum(axis=1, keepdims=True)).T
    np.fill_diagonal(noise_matrix, 1 - rate)
    return noise_matrix


def mean_probs_by_class(pred_probs: PredProbs, true_labels: TrueLabels) -> NDArray[np.float64]:
    """Return (K, K) how probable each class (column) is, on average, to the examples of a true class (row).

    Args:
        pred_probs: (N, K), out of fold.
        true_labels: (N,) in [0, K); the row of a class without an example is 0.
    """
    n_classes = pred_probs.shape[1]
    members = np.bincount(true_labels, minlength=n_classes)
    columns = [np.bincount(true_labels, weights=column, minlength=n_classes) for column in pred_probs.T]
    means: NDArray[np.float64] = np.stack(columns, axis=1) / np.maximum(members, 1)[:, None]
    return means


def read_table(file: str) -> NDArray[np.float64]:
    """Return the (K, K) numbers in a CSV file that has nothing but them: no header and no names of classes."""
    try:
        with Path(file).expanduser().open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.reader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot be read ({error})", where=file, hint="name a CSV file") from error
    while rows and not rows[-1]:
        rows.pop()
    table = np.zeros((len(rows), len(rows)))
    problems = []
    for row, cells in enumerate(rows):
        if len(cells) != len(rows):
            problems.append(
                Problem(
                    f"{len(cells)} values in a file of {len(rows)} rows",
                    f"{file} row {row + 1}",
                    "give one row and one column for each class, separated by commas",
                )
            )
            continue
        for column, cell in enumerate(cells):
            try:
                table[row, column] = float(cell)
            except ValueError:
                hint = "give numbers alone, without a header or names of classes"
                problems.append(Problem(f"{cell!r} is not a number", _cell(file, file, row, column), hint))
    if problems:
        raise ConfigError.of(problems)
    return table


def _checked_table(table: ArrayLike, *, name: str, file: str) -> NDArray[np.float64]:
    """Return a copy of a (K, K) table of finite numbers that are not negative, K being at least 2."""
    checked = np.array(table, dtype=np.float64)
    if checked.ndim != 2 or checked.shape[0] != checked.shape[1] or len(checked) < 2:
        raise ConfigError(f"must be a square table of 2 or more classes, got shape {checked.shape}", where=file or name)
    wrong = np.argwhere(~(np.isfinite(checked) & (checked >= 0))).tolist()
    if wrong:
        raise ConfigError.of(
            [
                Problem(
                    f"must be finite and not negative, got {checked[row, column]:g}", _cell(file, name, row, column)
                )
                for row, column in wrong
            ]
        )
    return checked


def _cell(file: str, name: str, row: int, column: int) -> str:
    """Return where a value lies: as an editor numbers a file, or as NumPy does an array."""
    return f"{file} row {row + 1}, column {column + 1}" if file else f"{name}[{row}, {column}]"
