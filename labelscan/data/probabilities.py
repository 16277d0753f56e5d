"""Out-of-fold probabilities made elsewhere, with their labels: the input of ``labelscan score``, checked.

Classes keep the order of their columns, which alone says what a column means. Rows are sorted by their ids, if they
have any, so that a shuffled file gives the same bytes.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, PredProbs, as_strings, check_pred_probs
from labelscan.data.dataset import Dataset, sort_class_names
from labelscan.data.inputs import FeatureTable, Inputs
from labelscan.data.readers.arrays import ArrayLike, texts
from labelscan.data.refused_rows import refuse_broken_text, repeated_ids
from labelscan.errors import DatasetError, ProbabilitiesError, Problem, nearest_name
from labelscan.images.remote import UrlImages
from labelscan.images.sources import ImageFiles

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")

Where: TypeAlias = Callable[[int], str]
"""Returns the place of a row, for messages."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Probabilities:
    """N examples with their labels, and (N, K) what models that never saw them predict."""

    dataset: Dataset
    """Its class names are in the order of the columns; its inputs are image files, or features without columns."""
    pred_probs: PredProbs
    """float32 or float64, as given; float16 becomes float32."""
    where: Where
    """Returns the place of a row where it was given, for messages."""
    from_columns: bool = False
    """Whether the models saw columns of a table, as the evidence of a run says."""

    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits that change with any id, label, class or probability."""
        digest = hashlib.blake2b(self.dataset.fingerprint().encode(), digest_size=16)
        digest.update(repr((self.pred_probs.shape, self.pred_probs.dtype.str)).encode())
        digest.update(np.ascontiguousarray(self.pred_probs).data)
        if self.from_columns:
            digest.update(b"from columns")
        return digest.hexdigest()


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
        example_ids: (N,) distinct text or whole numbers; row numbers from 0 where absent.
        true_labels: (N,) as ``given_labels``; as text they may be classes that have no column.
        name: what the data is called in messages and in the name of the run folder.
        notes: what a user should know about how the data was read.

    Raises:
        UsageError: no probabilities, or labels that are no classes; up to 20 problems at once.
    """
    probs = _floating(_array(pred_probs, "pred_probs", name), name)
    names = None if class_names is None else texts(class_names, "class_names", None, name)
    if names is not None and len(names) != probs.shape[1]:
        raise ProbabilitiesError(
            "classes-mismatch",
            f"pred_probs has {probs.shape[1]} columns for {len(names)} class names",
            where=name,
            hint="give one name for each column, in their order",
        )
    labels = _array(given_labels, "given_labels", name)
    return assemble(
        name=name,
        pred_probs=probs,
        given_labels=labels,
        class_names=names,
        example_ids=None if example_ids is None else texts(example_ids, "example_ids", len(probs), name),
        true_labels=None if true_labels is None else _array(true_labels, "true_labels", name),
        where=lambda row: f"{name} index {row}",
        notes=[*notes, *_ambiguity(labels, names)],
    )


def assemble(
    *,
    name: str,
    pred_probs: NDArray[Any],
    given_labels: NDArray[Any],
    class_names: Sequence[str] | None,
    example_ids: Sequence[str] | None,
    true_labels: NDArray[Any] | None,
    where: Where,
    label_name: str = "given_labels",
    inputs: Inputs | None = None,
    notes: Sequence[str] = (),
) -> Probabilities:
    """Return N examples, checked as they were given and then put into their lasting order.

    Arguments are as for ``probabilities_from_arrays``, ``pred_probs`` being (N, K) numbers. ``label_name`` is what the
    given labels are called in messages, and ``inputs`` are the image files of the examples, if any.
    """
    n_examples, n_classes = pred_probs.shape
    places = _places(given_labels, label_name, class_names, pred_probs.shape, where, name)
    true_names: tuple[str, ...] = ()
    true_places = None
    if true_labels is not None:
        known = class_names
        if class_names is not None and true_labels.dtype.kind not in "iu":
            others = set(texts(true_labels, "true_labels", None, name)).difference(class_names)
            true_names = sort_class_names(list(others))
            known = [*class_names, *true_names]
        true_places = _places(true_labels, "true_labels", known, pred_probs.shape, where, name)
    names = tuple(class_names if class_names is not None else map(str, range(n_classes)))
    check_pred_probs(pred_probs, places, names, where=where, name=name)
    if n_examples < 2:
        raise ProbabilitiesError(
            "one-example", "1 example: there is nothing to compare it with", where=name, hint="give 2 or more"
        )
    if pred_probs.dtype not in (np.float32, np.float64):
        # Only now: a wider type is checked as it was written.
        pred_probs = pred_probs.astype(np.float32 if pred_probs.dtype.itemsize < 4 else np.float64)
    paths = inputs.paths if isinstance(inputs, ImageFiles | UrlImages) else None
    refuse_broken_text({"id": example_ids, "path": paths, "name of the class": names}, where)
    DatasetError.refuse(repeated_ids(example_ids or (), where), lambda problem: problem)
    order = None if example_ids is None else _lasting_order(example_ids)
    place = where if order is None else lambda row: where(int(order[row]))
    ids = as_strings(list(map(str, range(n_examples))) if example_ids is None else example_ids)
    inputs = FeatureTable(np.zeros((n_examples, 0), dtype=np.float32)) if inputs is None else inputs
    if order is not None:
        pred_probs, places, ids, inputs = pred_probs[order], places[order], ids[order], inputs.take(order)
        true_places = None if true_places is None else true_places[order]
    dataset = Dataset(
        name=Path(name).stem,
        inputs=inputs,
        example_ids=ids,
        given_labels=places,
        class_names=names,
        true_labels=true_places,
        true_class_names=(*names, *true_names),
        notes=tuple(notes),
    )
    return Probabilities(dataset=dataset, pred_probs=np.ascontiguousarray(pred_probs), where=place)


def about_the_same(first: Probabilities, other: Probabilities, name: str, other_name: str) -> Probabilities:
    """Return ``other`` with its classes in the order of ``first``, checked to be about the same examples and labels.

    Args:
        first: one opinion; rows are matched by id, or by their number where there are no ids.
        other: another.
        name: what the first is called in messages.
        other_name: what the other is called.

    Raises:
        ProbabilitiesError: other classes, other examples, or other given labels; up to 20 problems at once.
    """
    classes, other_classes = first.dataset.class_names, other.dataset.class_names
    if sorted(classes) != sorted(other_classes):
        odd = sorted(set(classes) ^ set(other_classes))
        problem = f"other classes than in {name}: only one of the two has {', '.join(map(repr, odd[:5]))}"
        raise ProbabilitiesError(
            "classes-mismatch", problem, where=other_name, hint="give opinions about the same classes"
        )
    ids, other_ids = first.dataset.example_ids, other.dataset.example_ids
    if not np.array_equal(ids, other_ids):
        alone = {name: set(ids) - set(other_ids), other_name: set(other_ids) - set(ids)}
        only = "; ".join(f"only {file} has {min(odd)!r}" for file, odd in alone.items() if odd)
        hint = "give opinions about the same examples: with the same ids in all files, or in the same order without ids"
        raise ProbabilitiesError(
            "other-examples", f"other examples than in {name}: {only}", where=other_name, hint=hint
        )
    columns = np.array([other_classes.index(one) for one in classes], dtype=np.int64)
    given_labels = np.argsort(columns)[other.dataset.given_labels]
    differ = np.flatnonzero(given_labels != first.dataset.given_labels).tolist()

    def problem_of(row: int) -> Problem:
        label, other_label = classes[first.dataset.given_labels[row]], classes[given_labels[row]]
        problem = f"the label is {other_label!r} here and {label!r} at {first.where(row)}"
        return Problem(
            "other-label",
            problem,
            other.where(row),
            "all opinions are about the same given labels: correct one of them",
        )

    ProbabilitiesError.refuse(differ, problem_of)
    dataset = replace(other.dataset, given_labels=given_labels, class_names=classes)
    return replace(other, dataset=dataset, pred_probs=np.ascontiguousarray(other.pred_probs[:, columns]))


def _array(values: ArrayLike, what: str, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ProbabilitiesError("ragged", f"{what} has rows of different lengths", where=name) from error


def _floating(pred_probs: NDArray[Any], name: str) -> NDArray[Any]:
    """Return (N, K) floating point, not yet rounded to the types that detectors accept."""
    if pred_probs.dtype.kind not in "fiu":
        problem = f"pred_probs are {pred_probs.dtype}, not numbers"
        raise ProbabilitiesError("not-numbers", problem, where=name, hint="use .astype(np.float64)")
    if pred_probs.ndim != 2:
        problem = f"pred_probs must be a table of examples by classes, got shape {pred_probs.shape}"
        hint = "give one row for each example, and one column for each class"
        raise ProbabilitiesError("wrong-shape", problem, where=name, hint=hint)
    if pred_probs.shape[1] < 2:
        problem = f"pred_probs has shape {pred_probs.shape}: there is nothing to confuse"
        raise ProbabilitiesError("one-class", problem, where=name, hint="give one column for each of 2 or more classes")
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
        raise ProbabilitiesError(
            "wrong-shape", f"{what} have shape {labels.shape}, not ({n_examples},)", where=name, hint=hint
        )
    if labels.dtype.kind in "iu":
        hint = "whole numbers are places in class_names, from 0; names of classes are given as text"
        ProbabilitiesError.refuse(
            np.flatnonzero((labels < 0) | (labels >= n_classes)).tolist(),
            lambda row: Problem(
                "unknown-class", f"{what} {labels[row]} is not in 0 .. {n_classes - 1}", where(row), hint
            ),
        )
        return labels.astype(np.int64)
    names = texts(labels, what, n_examples, name)
    if class_names is None:
        raise ProbabilitiesError(
            "no-class-names",
            f"{what} are text, as in {names[0]!r}, and no class_names say which column is which class"
            if names
            else "there is no example",
            where=name,
            hint="give class_names in the order of the columns",
        )
    place = {class_name: index for index, class_name in enumerate(class_names)}

    def no_class(row: int) -> Problem:
        shown = ", ".join(map(repr, class_names[:5])) + (" ..." if len(class_names) > 5 else "")
        hint = f"the classes are {shown}; every label needs a column"
        if nearest := nearest_name(names[row], class_names):
            hint = f"did you mean {nearest!r}?"
        return Problem("unknown-class", f"label {names[row]!r} has no column of probabilities", where(row), hint)

    ProbabilitiesError.refuse([row for row, label in enumerate(names) if label not in place], no_class)
    return np.array([place[label] for label in names], dtype=np.int64)


def _ambiguity(labels: NDArray[Any], class_names: Sequence[str] | None) -> list[str]:
    """Return a note where whole numbers are taken for places in ``class_names`` and could be names of classes."""
    if class_names is None or labels.dtype.kind not in "iu" or class_names == list(map(str, range(len(class_names)))):
        return []
    if not set(map(str, np.unique(labels).tolist())).issubset(class_names):
        return []
    return [f"given_labels are whole numbers, hence places in class_names: 0 is {class_names[0]!r}"]


def _lasting_order(example_ids: Sequence[str]) -> Index | None:
    """Return the rows sorted by id, None where they are sorted already; whole numbers are sorted by value.

    Ids that are row numbers so keep their rows: cleanlab breaks ties by position.
    """
    rows = range(len(example_ids))
    are_numbers = all(map(_WHOLE_NUMBER.fullmatch, example_ids))
    order = sorted(rows, key=lambda row: (int(example_ids[row]) if are_numbers else 0, example_ids[row]))
    return None if order == list(rows) else np.array(order, dtype=np.int64)
