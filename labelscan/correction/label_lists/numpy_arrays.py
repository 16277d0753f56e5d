"""A corrected copy of an npz file: labels in their original type, and all other arrays.

Arrays that do not change are copied byte by byte, without being loaded.
"""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from labelscan.config import DatasetConfig
from labelscan.correction.corrections import Corrections
from labelscan.data.readers.arrays import (
    CLASS_NAMES,
    INPUT_NAMES,
    PRED_PROBS,
    array_names,
    array_shapes,
    find_arrays,
    load_npz,
    texts,
)
from labelscan.data.readers.columns import pick
from labelscan.errors import DatasetError
from labelscan.files.atomic import add_array, replacing_bytes

Arrays = dict[str, NDArray[np.generic]]


def write(path: Path, config: DatasetConfig, corrections: Corrections, output: Path) -> list[str]:
    """Write a copy of an npz file with its labels corrected, and return what a user should know about it.

    Dropped rows are removed from every array with one row an example; if there are no ids, the old row numbers are then
    written as ids.

    Raises:
        DatasetError: a new class does not fit the type of the labels, or rows of pickled objects would be dropped.
    """
    names = array_names(path)
    roles = find_arrays(names, config, where=path.name)
    label, ids = roles["label"], roles["id"]
    arrays = load_npz(path, [name for name in (label, ids, CLASS_NAMES) if name in names])
    n_examples = len(arrays[label])
    example_ids = texts(arrays[ids], ids, n_examples, path.name) if ids else list(map(str, range(n_examples)))
    new_labels = [corrections.new_label(one) for one in example_ids]
    changed: Arrays = {}
    if CLASS_NAMES in arrays:
        classes = texts(arrays[CLASS_NAMES], CLASS_NAMES, None, CLASS_NAMES)
        new = list(dict.fromkeys(label for label in new_labels if label and label not in classes))
        changed[CLASS_NAMES] = np.array([*classes, *new]) if new else arrays[CLASS_NAMES]
    changed[label] = _relabelled(arrays[label], new_labels, changed.get(CLASS_NAMES), path.name)
    kept = np.array([not corrections.is_dropped(one) for one in example_ids], dtype=bool)
    notes: list[str] = []
    if not kept.all():
        changed |= {ids or "ids": arrays.get(ids, np.arange(n_examples))}
        inputs = (*INPUT_NAMES, (PRED_PROBS,))
        with_rows = [
            name for name in names if name in roles.values() or pick([name], inputs, what="inputs", where="", hint="")
        ]
        notes = _drop_rows(path, changed, kept, with_rows)
    with ZipFile(path) as original, replacing_bytes(output) as file, ZipFile(file, "w") as copy:
        for member in original.namelist():
            name = member.removesuffix(".npy")
            if name in changed:
                add_array(copy, name, changed[name])
            else:
                with original.open(member) as source, copy.open(member, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target)
        for name in changed.keys() - set(names):
            add_array(copy, name, changed[name])
    return notes


def _drop_rows(path: Path, changed: Arrays, kept: NDArray[np.bool_], with_rows: Collection[str]) -> list[str]:
    """Remove dropped rows from every array with one row an example, and return a note on arrays that may be such.

    An array of unknown meaning is one if its length is the number of examples, and that of nothing else.
    """
    n_examples = len(kept)
    shapes = array_shapes(path)
    shapes = {name: shape for name, shape in shapes.items() if name != CLASS_NAMES and shape[:1] == kept.shape}
    others = {length for name in with_rows for length in shapes.get(name, ())[1:]}
    is_clear = n_examples not in others | {len(changed.get(CLASS_NAMES, ()))}
    cut = {name for name in shapes if name in with_rows or (is_clear and n_examples not in shapes[name][1:])}
    changed |= load_npz(path, cut - changed.keys())
    changed |= {name: changed[name][kept] for name in changed if name != CLASS_NAMES}
    left = ", ".join(name for name in shapes if name not in cut)
    return [f"arrays left unchanged, since they may not have one row an example: {left}"] if left else []


def _relabelled(
    labels: NDArray[np.generic], new_labels: Sequence[str], class_names: NDArray[np.generic] | None, where: str
) -> NDArray[np.generic]:
    """Return the labels with the new ones, in their old type or the next one that can hold them."""
    rows = [row for row, label in enumerate(new_labels) if label]
    if not rows:
        return labels
    new = [new_labels[row] for row in rows]
    kind = labels.dtype.kind
    odd = ""
    if kind in "iu" and class_names is not None:
        places = {name: place for place, name in enumerate(texts(class_names, CLASS_NAMES, None, where))}
        values = np.array([places[label] for label in new])
    elif kind in "iu":
        odd = next((one for one in new if not _is_number(one)), "")
        what, hint = "not a whole number", "add class_names to it"
        values = np.array([] if odd else [int(label) for label in new])
    elif kind == "b":
        odd = next((one for one in new if one not in ("true", "false")), "")
        what, hint = "neither true nor false", "save them as numbers with class_names, or as text"
        values = np.array([label == "true" for label in new])
    else:
        values = np.array([label.encode() for label in new] if kind == "S" else new)
    if odd:
        problem = f"the new label {odd!r} is {what}, as all labels are"
        raise DatasetError("label-not-storable", problem, where=where, hint=hint)
    made = labels.astype(_wide_enough(labels.dtype, values, where))
    made.reshape(-1)[rows] = values
    return made


def _wide_enough(dtype: np.dtype[np.generic], values: NDArray[np.generic], where: str) -> np.dtype[np.generic]:
    if dtype.kind not in "iu":
        return np.promote_types(dtype, values.dtype)
    room = np.iinfo(dtype.str)
    if room.min <= values.min() and values.max() <= room.max:
        return dtype
    least = [np.min_scalar_type(value) for value in (values.min(), values.max())]
    wide = np.result_type(dtype, *least)
    if wide.kind not in "iu":
        problem = f"no type of whole numbers holds {values.min()} .. {values.max()} and {dtype}"
        raise DatasetError("label-not-storable", problem, where=where)
    return wide


def _is_number(label: str) -> bool:
    return label.removeprefix("-").isdecimal() and str(int(label)) == label
