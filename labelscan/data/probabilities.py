"""Out-of-fold probabilities made elsewhere: what ``labelscan score`` reads, checked and put beside its labels.

Classes keep the order of their columns, which is the only thing that says what a column means. Rows are put into
the order of their ids where there are some, so that a shuffled file gives the same bytes.
"""

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, PredProbs, TrueLabels, as_strings, check_pred_probs
from labelscan.data.dataset import Dataset, FeatureTable, ImageFiles, Inputs, refuse_broken_text, sort_class_names
from labelscan.data.prob_columns import PROB_PREFIX, read_prob_columns
from labelscan.data.readers.arrays import ARRAY_NAMES, ArrayLike, array_names, load_npz, texts
from labelscan.data.readers.columns import USUAL_NAMES, Columns, missing, pick, usual
from labelscan.data.readers.manifest import check_cells, describe, relative_path
from labelscan.data.readers.sheet import column_names, read_sheet
from labelscan.errors import MAX_PROBLEMS, DatasetError, ProbabilitiesError, Problem

SUFFIXES = (".npz", ".csv", ".tsv", ".parquet")
FINGERPRINT_ROWS = 16_384
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")

Where: TypeAlias = Callable[[int], str]
"""Says where a row lies."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Probabilities:
    """N examples with their labels, and (N, K) what models that never saw them predict."""

    dataset: Dataset
    """Its class names are in the order of the columns; it has paths, or no inputs at all."""
    pred_probs: PredProbs
    """float32 or float64, as given; float16 as float32."""

    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits that change with any id, label, class or probability."""
        digest = hashlib.blake2b(self.dataset.fingerprint().encode(), digest_size=16)
        digest.update(repr((self.pred_probs.shape, self.pred_probs.dtype.str)).encode())
        for start in range(0, len(self.pred_probs), FINGERPRINT_ROWS):
            digest.update(np.ascontiguousarray(self.pred_probs[start : start + FINGERPRINT_ROWS]).data)
        return digest.hexdigest()


def read_probabilities(path: Path, *, label_column: str = "") -> Probabilities:
    """Return the probabilities and labels in an npz, csv, tsv or parquet file.

    Args:
        path: the file. An npz file has ``pred_probs``, ``given_labels`` and perhaps ``class_names``,
            ``example_ids``, ``true_labels``; a table has a label column, one column ``prob:<class>`` a class, and
            perhaps an id, a path and a true-label column.
        label_column: the column or array of given labels; found by its usual names where empty.

    Raises:
        UsageError: something is missing, not a probability, or not a class; up to 20 problems at once.
    """
    path = path.expanduser()
    if not path.is_file():
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        nearest = difflib.get_close_matches(path.name, beside, n=1)
        hint = f"did you mean {path.parent / nearest[0]}?" if nearest else "check the path"
        raise DatasetError("no such file", where=str(path), hint=hint)
    if path.suffix.lower() not in SUFFIXES:
        raise DatasetError(
            f"files called {path.suffix or 'without an extension'} hold no probabilities that can be read",
            where=str(path),
            hint=f"give a file called {', '.join(SUFFIXES)}",
        )
    return _read_npz(path, label_column) if path.suffix.lower() == ".npz" else _read_table(path, label_column)


def probabilities_from_arrays(
    pred_probs: ArrayLike,
    given_labels: ArrayLike,
    *,
    class_names: ArrayLike | None = None,
    example_ids: ArrayLike | None = None,
    true_labels: ArrayLike | None = None,
    name: str = "arrays",
    notes: Sequence[str] = (),
) -> Probabilities:
    """Return probabilities and labels in memory, checked.

    Args:
        pred_probs: (N, K) floating point.
        given_labels: (N,) places in ``class_names``, from 0, or class names as text.
        class_names: (K,) names in the order of the columns; numbers from 0 where absent.
        example_ids: (N,) text or whole numbers, each once; row numbers from 0 where absent.
        true_labels: (N,) as ``given_labels``; as text they may be classes that have no column.
        name: what the data is called in messages and in the name of the run folder.
        notes: what a user should know about how the data was read.

    Raises:
        UsageError: something that no detector may judge; up to 20 problems at once.
    """

    def where(row: int) -> str:
        return f"{name} index {row}"

    probs = _floating(_array(pred_probs, "pred_probs", name), name)
    n_examples, n_classes = probs.shape
    names = None if class_names is None else texts(class_names, "class_names", None, name)
    if names is not None and len(names) != n_classes:
        raise ProbabilitiesError(
            f"pred_probs has {n_classes} columns for {len(names)} class names",
            where=name,
            hint="give one name for each column, in their order",
        )
    labels = _array(given_labels, "given_labels", name)
    return _assemble(
        name=name,
        pred_probs=probs,
        given_labels=_places(labels, "given_labels", names, probs.shape, where, name),
        class_names=list(map(str, range(n_classes))) if names is None else names,
        example_ids=None if example_ids is None else texts(example_ids, "example_ids", n_examples, name),
        true_labels=None
        if true_labels is None
        else _true_labels(_array(true_labels, "true_labels", name), names, probs, where, name),
        where=where,
        notes=[*notes, *_ambiguity(labels, names)],
    )


def _read_npz(path: Path, label_column: str) -> Probabilities:
    where = path.name
    there = array_names(path)
    if "pred_probs" not in there:
        hint = (
            "an npz file needs pred_probs (N, K) and given_labels (N,): rename the array of probabilities to pred_probs"
        )
        raise missing("array", there, where=where, hint=hint, asked="pred_probs")
    if label_column and label_column not in there:
        hint = "name one of them by --label-column"
        raise missing("array", there, where=where, hint=hint, asked=label_column)
    found = {
        "label": label_column or _pick_array("label", there, where, "say which by --label-column"),
        "id": _pick_array("id", there, where, "keep one of them in the file"),
        "true_label": _pick_array("true_label", there, where, "keep one of them in the file"),
        "class_names": "class_names" if "class_names" in there else "",
    }
    if not found["label"]:
        raise missing(
            "array of labels", there, where=where, hint="rename it to given_labels, or name it by --label-column"
        )
    arrays = load_npz(path, {"pred_probs", *filter(None, found.values())})
    return probabilities_from_arrays(
        arrays["pred_probs"],
        arrays[found["label"]],
        class_names=arrays.get(found["class_names"]),
        example_ids=arrays.get(found["id"]),
        true_labels=arrays.get(found["true_label"]),
        name=where,
        notes=["train_probs are left out: labelscan detect judged by them as well"] if "train_probs" in there else [],
    )


def _pick_array(role: str, there: Sequence[str], where: str, hint: str) -> str:
    return pick(there, ARRAY_NAMES[role], what=f"{role.replace('_', ' ')}s", where=where, hint=hint)


def _read_table(path: Path, label_column: str) -> Probabilities:
    names = column_names(path)
    prob_columns = [name for name in names if name.startswith(PROB_PREFIX)]
    if not prob_columns:
        raise missing(
            "columns of probabilities",
            names,
            where=f"{path.name} row 1",
            hint=f"call them {PROB_PREFIX}<class>, one for each class",
        )
    class_names = [name.removeprefix(PROB_PREFIX) for name in prob_columns]
    _refuse_twice(class_names, path.name)
    columns = find_prob_table_columns(names, label_column, path.name)
    rows = read_sheet(path, columns.used())
    check_cells(rows, columns)
    labels = rows.columns[columns.label]
    pred_probs = read_prob_columns(path, prob_columns, n_rows=len(labels))
    given_labels = _places(
        np.array(labels, dtype=object), "label", class_names, pred_probs.shape, rows.where, path.name
    )
    paths = rows.columns[columns.path] if columns.path else None
    ids = rows.columns[columns.id] if columns.id else None
    if ids is None and paths is not None:
        ids = [relative_path(path.parent, name) for name in paths]
    true_labels = np.array(rows.columns[columns.true_label], dtype=object) if columns.true_label else None
    return _assemble(
        name=path.name,
        pred_probs=pred_probs,
        given_labels=given_labels,
        class_names=class_names,
        example_ids=ids,
        true_labels=None
        if true_labels is None
        else _true_labels(true_labels, class_names, pred_probs, rows.where, path.name),
        where=rows.where,
        inputs=None if paths is None else ImageFiles(path.parent, as_strings(paths)),
        notes=[f"{describe(columns)}, probabilities of {len(class_names):,} classes"],
    )


def find_prob_table_columns(names: Sequence[str], label_column: str, where: str) -> Columns:
    """Return what the columns of a table hold, beside its probabilities."""
    names = [name for name in names if not name.startswith(PROB_PREFIX)]
    if label_column and label_column not in names:
        hint = "name one of them by --label-column"
        raise missing("label column", names, where=where, hint=hint, asked=label_column)
    found = {"label": label_column}
    for role in ("label", "true_label", "id", "path"):
        hint = "say which by --label-column" if role == "label" else "rename one of them"
        if not found.get(role):
            others = [name for name in names if name not in found.values()]
            what = f"{role.replace('_', ' ')} column"
            found[role] = pick(others, USUAL_NAMES[role], what=what, where=where, hint=hint)
    if not found["label"]:
        raise missing(
            "label column", names, where=where, hint=f"name it by --label-column, or call it {usual('label')}"
        )
    return Columns(**found, group="", split="")


def _array(values: ArrayLike, what: str, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ProbabilitiesError(f"{what} has rows of different lengths", where=name) from error


def _floating(pred_probs: NDArray[Any], name: str) -> NDArray[Any]:
    """Return (N, K) floating point, not yet rounded to the types that detectors take."""
    if pred_probs.dtype.kind not in "fiu":
        raise ProbabilitiesError(
            f"pred_probs are {pred_probs.dtype}, not numbers", where=name, hint="use .astype(np.float64)"
        )
    if pred_probs.ndim != 2:
        raise ProbabilitiesError(
            f"pred_probs must be a table of examples by classes, got shape {pred_probs.shape}", where=name
        )
    if pred_probs.shape[1] < 2:
        problem = f"pred_probs has shape {pred_probs.shape}: there is nothing to confuse"
        raise ProbabilitiesError(problem, where=name, hint="give one column for each of 2 or more classes")
    return pred_probs if pred_probs.dtype.kind == "f" else pred_probs.astype(np.float64)


def _places(
    labels: NDArray[Any],
    what: str,
    class_names: Sequence[str] | None,
    shape: tuple[int, ...],
    where: Where,
    name: str,
) -> NDArray[np.int64]:
    """Return (N,) the columns that labels mean: places from 0 where they are numbers, else names."""
    n_examples, n_classes = shape
    if labels.shape != (n_examples,):
        hint = "give one label for each row of pred_probs, in the same order"
        raise ProbabilitiesError(f"{what} have shape {labels.shape}, not ({n_examples},)", where=name, hint=hint)
    if labels.dtype.kind in "iu":
        hint = "whole numbers are places in class_names, from 0; names of classes are given as text"
        ProbabilitiesError.refuse(
            np.flatnonzero((labels < 0) | (labels >= n_classes)).tolist(),
            lambda row: Problem(f"{what} {labels[row]} is not in 0 .. {n_classes - 1}", where(row), hint),
        )
        return labels.astype(np.int64)
    names = texts(labels, what, n_examples, name)
    if class_names is None:
        raise ProbabilitiesError(
            f"{what} are text, as in {names[0]!r}, and no class_names say which column is which class"
            if names
            else "there is no example",
            where=name,
            hint="give class_names in the order of the columns",
        )
    place = {class_name: index for index, class_name in enumerate(class_names)}
    unknown = [row for row, label in enumerate(names) if label not in place]
    ProbabilitiesError.refuse(unknown, lambda row: _no_class(names[row], class_names, where(row)))
    return np.array([place[label] for label in names], dtype=np.int64)


def _no_class(label: str, class_names: Sequence[str], where: str) -> Problem:
    nearest = difflib.get_close_matches(label, class_names, n=1)
    shown = ", ".join(map(repr, class_names[:5])) + (" ..." if len(class_names) > 5 else "")
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"the classes are {shown}; every label needs a column"
    return Problem(f"label {label!r} has no column of probabilities", where, hint)


def _true_labels(
    labels: NDArray[Any], class_names: Sequence[str] | None, pred_probs: NDArray[Any], where: Where, name: str
) -> tuple[TrueLabels, tuple[str, ...]]:
    """Return (N,) true labels, and the classes among them that have no column."""
    extra: tuple[str, ...] = ()
    if class_names is not None and labels.dtype.kind not in "iu":
        extra = sort_class_names(list(set(texts(labels, "true_labels", None, name)).difference(class_names)))
        class_names = [*class_names, *extra]
    return _places(labels, "true_labels", class_names, pred_probs.shape, where, name), extra


def _ambiguity(labels: NDArray[Any], class_names: Sequence[str] | None) -> list[str]:
    """Return a note where whole numbers could be taken for names of classes, and are taken for places."""
    if class_names is None or labels.dtype.kind not in "iu" or class_names == list(map(str, range(len(class_names)))):
        return []
    if not set(map(str, np.unique(labels).tolist())).issubset(class_names):
        return []
    return [f"given_labels are whole numbers, hence places in class_names: 0 is {class_names[0]!r}"]


def _assemble(
    *,
    name: str,
    pred_probs: NDArray[Any],
    given_labels: NDArray[np.int64],
    class_names: Sequence[str],
    example_ids: Sequence[str] | None,
    true_labels: tuple[TrueLabels, tuple[str, ...]] | None,
    where: Where,
    inputs: Inputs | None = None,
    notes: Sequence[str] = (),
) -> Probabilities:
    """Return N examples, checked as they were given and then put into their lasting order."""
    check_pred_probs(pred_probs, given_labels, class_names, where=where, name=name)
    n_examples = len(pred_probs)
    if n_examples < 2:
        raise ProbabilitiesError("1 example: there is nothing to compare it with", where=name, hint="give 2 or more")
    if pred_probs.dtype not in (np.float32, np.float64):
        # Only now: a wider type is checked as it was written.
        pred_probs = pred_probs.astype(np.float32 if pred_probs.dtype.itemsize < 4 else np.float64)
    paths = inputs.paths if isinstance(inputs, ImageFiles) else None
    refuse_broken_text({"id": example_ids, "path": paths, "name of the class": class_names}, where)
    order = None
    if example_ids is not None:
        _refuse_repeated(example_ids, where)
        order = _lasting_order(example_ids)
    ids = as_strings(list(map(str, range(n_examples))) if example_ids is None else example_ids)
    inputs = FeatureTable(np.zeros((n_examples, 0), dtype=np.float32)) if inputs is None else inputs
    true_places, extra = (None, ()) if true_labels is None else true_labels
    if order is not None:
        pred_probs, given_labels, ids, inputs = pred_probs[order], given_labels[order], ids[order], inputs.take(order)
        true_places = None if true_places is None else true_places[order]
    dataset = Dataset(
        name=Path(name).stem,
        inputs=inputs,
        example_ids=ids,
        given_labels=given_labels,
        class_names=tuple(class_names),
        true_labels=true_places,
        true_class_names=(*class_names, *extra),
        notes=tuple(notes),
    )
    return Probabilities(dataset=dataset, pred_probs=np.ascontiguousarray(pred_probs))


def _refuse_twice(class_names: Sequence[str], where: str) -> None:
    twice = next((class_name for class_name, count in Counter(class_names).items() if count > 1), None)
    if twice is not None:
        raise ProbabilitiesError(f"class {twice!r} has two columns", where=where, hint="rename one, or add them up")


def _refuse_repeated(example_ids: Sequence[str], where: Where) -> None:
    if len(set(example_ids)) == len(example_ids):
        return
    first: dict[str, int] = {}
    repeated = [row for row, example_id in enumerate(example_ids) if first.setdefault(example_id, row) != row]
    problems = [
        Problem(
            f"example {example_ids[row]!r} is listed twice, first at {where(first[example_ids[row]])}",
            where(row),
            "keep one row for each example",
        )
        for row in repeated[:MAX_PROBLEMS]
    ]
    raise DatasetError.of(problems, total=len(repeated))


def _lasting_order(example_ids: Sequence[str]) -> Index | None:
    """Return the rows by id, whole numbers by value and other ids as text; None where they are so already.

    By value, since ids that are row numbers then keep their rows: cleanlab breaks ties by position.
    """
    rows = range(len(example_ids))
    if all(map(_WHOLE_NUMBER.fullmatch, example_ids)):
        order = sorted(rows, key=lambda row: (int(example_ids[row]), example_ids[row]))
    else:
        order = sorted(rows, key=example_ids.__getitem__)
    return None if order == list(rows) else np.array(order, dtype=np.int64)
