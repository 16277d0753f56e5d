"""Labels moved to other classes, by which every kind of noise plants its errors.

Counts are exact within rounding; only the examples are drawn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, PredProbs, TrueLabels
from labelscan.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CleanLabels:
    """The labels that errors are planted into."""

    true_labels: TrueLabels
    n_classes: int
    pred_probs: PredProbs | None = None
    """(N, K) out-of-fold probabilities of a model that was trained on the true labels."""


def choose(clean: CleanLabels, rate: float | NDArray[np.float64], generator: np.random.Generator) -> Index:
    """Return the rows that become wrong; ``rate`` is that of every class, or (K,) one a class."""
    rows_by_class = _rows_by_class(clean)
    wrong = _share_out(np.array([len(rows) for rows in rows_by_class]) * rate, generator)
    chosen = [generator.permutation(rows)[:count] for rows, count in zip(rows_by_class, wrong, strict=True)]
    return np.concatenate(chosen).astype(np.int64)


def move_anywhere(clean: CleanLabels, chosen: Index, generator: np.random.Generator) -> GivenLabels:
    """Return the given labels, those of the rows ``chosen`` drawn uniformly from the other classes."""
    others = generator.integers(0, clean.n_classes - 1, size=len(chosen))
    given_labels = clean.true_labels.copy()
    # A number below the true class stays, one at or above it moves up: uniform over the others.
    given_labels[chosen] = others + (others >= clean.true_labels[chosen])
    return given_labels


def move_by_matrix(
    clean: CleanLabels, noise_matrix: NDArray[np.float64], generator: np.random.Generator, *, file: str = ""
) -> GivenLabels:
    """Return the given labels with as many errors from each class to each other as ``noise_matrix`` has.

    Each count is P(given = row | true = column) times the size of the true class, rounded down or up. So is the number
    of errors of a class, while their total is rounded to the nearest. A class with few errors therefore keeps to the
    classes that it most often becomes. ``file`` is where the matrix was read, for the message if K differs.
    """
    if len(noise_matrix) != clean.n_classes:
        problem = f"{len(noise_matrix)} rows and columns for {clean.n_classes} classes"
        hint = "give one row and one column for each class, in the order of the classes"
        raise ConfigError("classes-mismatch", problem, where=file or "noise_matrix", hint=hint)
    rows_by_class = _rows_by_class(clean)
    moves = noise_matrix * [len(rows) for rows in rows_by_class]  # column by column
    np.fill_diagonal(moves, 0)
    wrong = _share_out(moves.sum(axis=0), generator)
    given_labels = clean.true_labels.copy()
    for true_label, rows in enumerate(rows_by_class):
        counts = _share_out(moves[:, true_label], generator, total=int(wrong[true_label]))
        chosen = generator.permutation(rows)[: wrong[true_label]]
        given_labels[chosen] = np.repeat(np.arange(clean.n_classes), counts)
    return given_labels


def draw_other(others: NDArray[np.float64], true_labels: TrueLabels, generator: np.random.Generator) -> GivenLabels:
    """Return (M,) classes drawn by the weights in the rows of ``others``, never the true one.

    ``others`` is (M, K), not negative, and 0 at the true label; a row of zeros stands for equal chances.
    """
    weights = np.where(others.any(axis=1, keepdims=True), others, 1.0)
    weights[np.arange(len(weights)), true_labels] = 0
    # The largest of log weight + Gumbel noise is a draw by weight, and a weight of 0 cannot win it.
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + generator.gumbel(size=weights.shape)
    drawn: GivenLabels = keys.argmax(axis=1).astype(np.int64)
    return drawn


def rounded(number: float) -> int:
    """Return the nearest whole number, halves going up."""
    return int(np.floor(number + 0.5))


def _rows_by_class(clean: CleanLabels) -> list[Index]:
    class_counts = np.bincount(clean.true_labels, minlength=clean.n_classes)
    return np.split(np.argsort(clean.true_labels, kind="stable"), np.cumsum(class_counts)[:-1])


def _share_out(
    exact: NDArray[np.float64], generator: np.random.Generator, *, total: int | None = None
) -> NDArray[np.int64]:
    """Return ``exact`` numbers rounded down or up so that they sum to ``total``, by default their rounded sum.

    The largest remainders are rounded up. Rounding each number by itself would leave many small classes without errors.
    """
    counts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    left_over = (rounded(float(exact.sum())) if total is None else total) - int(counts.sum())
    drawn = generator.permutation(len(counts))  # which of equal remainders are rounded up
    largest = drawn[np.argsort(counts[drawn] - exact[drawn], kind="stable")]
    counts[largest[:left_over]] += 1
    return counts
