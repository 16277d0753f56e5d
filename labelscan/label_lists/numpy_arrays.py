"""A corrected copy of an npz file: labels as they were written, whole numbers or text, and all other arrays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.atomic import write_npz
from labelscan.config import DatasetConfig
from labelscan.corrections import Corrections
from labelscan.errors import DatasetError
from labelscan.readers.arrays import load_npz, pick_array, texts

CLASS_NAMES = "class_names"
IDS = "ids"


def write(path: Path, config: DatasetConfig, corrections: Corrections, output: Path) -> None:
    """Write a copy of an npz file with its labels corrected.

    Rows that go leave every array that has one row an example; where there are no ids, the row numbers that
    examples were known by are then written down.

    Args:
        path: the file, of data or of probabilities.
        config: what its arrays are called.
        corrections: what becomes of its examples.
        output: the copy.

    Raises:
        DatasetError: a new class cannot be written as the labels are.
    """
    arrays = load_npz(path)
    label, ids = (pick_array(role, arrays, config, path.name) for role in ("label", "id"))
    labels = arrays[label]
    n_examples = len(labels)
    example_ids = texts(arrays[ids], ids, n_examples, path.name) if ids else list(map(str, range(n_examples)))
    new_labels = [corrections.new_label(one) for one in example_ids]
    if CLASS_NAMES in arrays:
        arrays[CLASS_NAMES] = _with_new(arrays[CLASS_NAMES], new_labels)
    arrays[label] = _relabelled(labels, new_labels, arrays.get(CLASS_NAMES), path.name)
    dropped = np.array([corrections.is_dropped(one) for one in example_ids], dtype=bool)
    if dropped.any():
        if not ids:
            arrays[IDS] = np.arange(n_examples)
        for name, values in arrays.items():
            if name != CLASS_NAMES and values.ndim and len(values) == n_examples:
                arrays[name] = values[~dropped]
    write_npz(output, **arrays)


def _with_new(class_names: NDArray[np.generic], new_labels: Sequence[str]) -> NDArray[np.generic]:
    names = texts(class_names, CLASS_NAMES, None, CLASS_NAMES)
    new = list(dict.fromkeys(label for label in new_labels if label and label not in names))
    return np.array([*names, *new]) if new else class_names


def _relabelled(
    labels: NDArray[np.generic], new_labels: Sequence[str], class_names: NDArray[np.generic] | None, where: str
) -> NDArray[np.generic]:
    rows = [row for row, label in enumerate(new_labels) if label]
    if not rows:
        return labels
    new = [new_labels[row] for row in rows]
    kind = labels.dtype.kind
    if kind in "iu" and class_names is not None:
        places = {name: place for place, name in enumerate(texts(class_names, CLASS_NAMES, None, where))}
        values = np.array([places[label] for label in new])
    elif kind in "iu":
        values = np.array([_number(label, where) for label in new])
    elif kind == "b":
        values = np.array([label == "true" for label in new])
    else:
        values = np.array([label.encode() for label in new] if kind == "S" else new)
    made = labels.astype(np.promote_types(labels.dtype, values.dtype) if kind in "SU" else labels.dtype)
    made.reshape(-1)[rows] = values
    return made


def _number(label: str, where: str) -> int:
    try:
        return int(label)
    except ValueError as error:
        raise DatasetError(
            f"the new label {label!r} is no whole number, as all labels are", where=where, hint="add class_names to it"
        ) from error
