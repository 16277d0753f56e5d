"""Noise matrices: how often the labels of each class become which other.

A ``noise_matrix`` is (K, K), holds P(given = row | true = column) as in cleanlab, and so has columns that sum to 1. It
comes from a file, or from a table of how similar classes are, since people mix up similar classes.
"""

import csv

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelscan.arrays import PredProbs, TrueLabels
from labelscan.errors import ConfigError, Problem
from labelscan.files.reading import CANNOT_READ, open_text, why, with_home

SUM_TOLERANCE = 1e-2
"""How far a column may be from summing to 1: numbers rounded by hand stay within it."""


def check_noise_matrix(noise_matrix: ArrayLike, *, file: str = "") -> NDArray[np.float64]:
    """Return ``noise_matrix`` with columns that sum to 1 exactly, or raise ConfigError naming what is wrong in it.

    ``file`` is where it was read, for the messages.
    """
    matrix = _checked_table(noise_matrix, name="noise_matrix", file=file)
    with np.errstate(over="ignore"):  # an infinite sum is refused below
        sums = matrix.sum(axis=0)
        row_sums = matrix.sum(axis=1)
    hint = "column j holds the shares in which the labels of class j turn up as each class"
    if (np.abs(row_sums - 1) <= SUM_TOLERANCE).all():
        hint = "its rows sum to 1: exchange rows and columns"

    def problem(column: int) -> Problem:
        where = f"{file} column {column + 1}" if file else f"noise_matrix[:, {column}]"
        return Problem("not-a-noise-matrix", f"sums to {sums[column]:.4g}, not 1", where, hint)

    ConfigError.refuse(np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE).tolist(), problem)
    normalised: NDArray[np.float64] = matrix / sums
    return normalised


def similar_class_matrix(similarity: ArrayLike, rate: float, *, file: str = "") -> NDArray[np.float64]:
    """Return the noise matrix in which ``rate`` of each class becomes the classes that it is like.

    A class that is like no other becomes all others with equal chance.

    Args:
        similarity: (K, K), finite and not negative, on any scale: how much the true class (row) is like another
            (column), or how often it is taken for it, as in scikit-learn's ``confusion_matrix``. The diagonal is
            ignored.
        rate: share of the labels of each class that become wrong, in [0, 1].
        file: where ``similarity`` was read, for the messages.
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
    """Return (K, K) the mean probability of each class (column) over the examples of a true class (row).

    The row of a class without an example is 0.
    """
    n_classes = pred_probs.shape[1]
    members = np.bincount(true_labels, minlength=n_classes)
    columns = [np.bincount(true_labels, weights=column, minlength=n_classes) for column in pred_probs.T]
    means: NDArray[np.float64] = np.stack(columns, axis=1) / np.maximum(members, 1)[:, None]
    return means


def read_table(file: str) -> NDArray[np.float64]:
    """Return the (K, K) numbers in a CSV file without a header or names of classes."""
    try:
        with open_text(with_home(file)) as lines:
            rows = list(csv.reader(lines))
    except (*CANNOT_READ, csv.Error) as error:
        raise ConfigError("unreadable", f"cannot be read ({why(error)})", where=file, hint="name a CSV file") from error
    while rows and not rows[-1]:
        rows.pop()
    table = np.zeros((len(rows), len(rows)))
    problems = []
    for row, cells in enumerate(rows):
        if len(cells) != len(rows):
            problem = f"{len(cells)} values in a file of {len(rows)} rows"
            hint = "give one row and one column for each class, separated by commas"
            problems.append(Problem("ragged", problem, f"{file} row {row + 1}", hint))
            continue
        for column, cell in enumerate(cells):
            try:
                table[row, column] = float(cell)
            except ValueError:
                place, hint = _cell(file, file, row, column), "give numbers alone, without a header or names of classes"
                problems.append(Problem("not-numbers", f"{cell!r} is not a number", place, hint))
    ConfigError.refuse(problems, lambda problem: problem)
    return table


def _checked_table(table: ArrayLike, *, name: str, file: str) -> NDArray[np.float64]:
    """Return a copy of a (K, K) table of finite numbers that are not negative, with K at least 2."""
    checked = np.array(table, dtype=np.float64)
    if checked.ndim != 2 or checked.shape[0] != checked.shape[1] or len(checked) < 2:
        problem = f"must be a square table of 2 or more classes, got shape {checked.shape}"
        raise ConfigError("wrong-shape", problem, where=file or name)

    def refused(at: list[int]) -> Problem:
        problem = f"must be finite and not negative, got {checked[*at]:g}"
        return Problem("not-a-noise-matrix", problem, _cell(file, name, *at))

    ConfigError.refuse(np.argwhere(~(np.isfinite(checked) & (checked >= 0))).tolist(), refused)
    return checked


def _cell(file: str, name: str, row: int, column: int) -> str:
    """Return the place of a value: as an editor numbers a file, or as NumPy indexes an array."""
    return f"{file} row {row + 1}, column {column + 1}" if file else f"{name}[{row}, {column}]"
