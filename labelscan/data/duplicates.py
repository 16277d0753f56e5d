"""Byte-identical images: they must share a fold, else they leak, and may not have different labels."""

import numpy as np
from numpy.typing import NDArray

from labelscan.data.dataset import Dataset


def number_identical(digests: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (N,) numbers, equal for equal content and for nothing else.

    Args:
        digests: (N, D) of the content; a row of zeros stands for unknown, which is equal to nothing.
    """
    rows = np.ascontiguousarray(digests).view(np.dtype((np.void, digests.shape[1])))[:, 0]
    _, numbers = np.unique(rows, return_inverse=True)
    numbers = numbers.astype(np.int64)
    unknown = np.flatnonzero(~digests.any(axis=1))
    numbers[unknown] = len(digests) + np.arange(len(unknown))
    return numbers


def find_label_conflicts(dataset: Dataset, numbers: NDArray[np.int64]) -> list[list[tuple[str, str]]]:
    """Return groups of (example id, given label) with the same content and different labels, in the order of ids.

    Args:
        dataset: N examples.
        numbers: (N,) as from ``number_identical``.
    """
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(numbers[order]) != 0])
    conflicts = []
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1 and len(np.unique(dataset.given_labels[rows])) > 1:
            names = [dataset.class_names[label] for label in dataset.given_labels[rows]]
            conflicts.append(list(zip(dataset.example_ids[rows].tolist(), names, strict=True)))
    return sorted(conflicts)
