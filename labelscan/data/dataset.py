"""A labelled data set as every later step sees it: ids, labels, and where the inputs come from.

Rows are sorted by their ids unless ids are row numbers, so that a shuffled manifest is the same data set and gives the
same bytes.
"""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelscan.arrays import GivenLabels, Strings, TrueLabels, as_strings
from labelscan.data.inputs import FeatureTable, Inputs, Texts, values_in_memory
from labelscan.data.refused_rows import check_number_of_classes, refuse_broken_text, refuse_other_tasks, repeated_ids
from labelscan.errors import DatasetError, Problem
from labelscan.images.remote import UrlImages
from labelscan.images.sources import ImageFiles

SIMILAR_NAMES = "classes that differ only in case or spaces"
"""Begins the note on them."""
MISSING = frozenset(["?", "na", "n/a", "nan", "null"])
"""How a label that is missing may be written, in lower case; none and - are classes of their own often enough."""
MAY_BE_MISSING = "taken for a class, though it may stand for a missing label"
"""Begins the note on each."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """N labelled examples. Readers make it with ``make_dataset``."""

    name: str
    """The default run folder is named after it."""
    inputs: Inputs
    example_ids: Strings
    given_labels: GivenLabels
    class_names: tuple[str, ...]
    """K names; numbers sorted by value, other text alphabetically."""
    groups: Strings | None = None
    splits: Strings | None = None
    true_labels: TrueLabels | None = None
    """(N,) indices into ``true_class_names``."""
    true_class_names: tuple[str, ...] = ()
    """``class_names``, then classes that occur only among the true labels."""
    notes: tuple[str, ...] = ()
    """What a user should know about how the data was read."""

    def __len__(self) -> int:
        return len(self.example_ids)

    def path(self, index: int) -> str:
        """Return the file of an example as the user knows it, or an empty string."""
        return self.inputs.path(index)

    def write(self, path: Path, status: Strings) -> None:
        """Write one row an example, with ``status``: (N,) ``scored``, or why an example is not."""
        import pandas as pd  # only now: who reads a folder does not wait for it

        from labelscan.wording.tables import write_csv

        columns = {
            "example_id": self.example_ids,
            "path": [self.path(index) for index in range(len(self))],
            "given_label": [self.class_names[label] for label in self.given_labels],
            "group": "" if self.groups is None else self.groups,
            "split": "" if self.splits is None else self.splits,
            "status": status,
        }
        write_csv(pd.DataFrame(columns, dtype=object), path)

    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits that change with any id, label, group, split, or value held in memory.

        Files are not read: the store takes their digests when it decodes them.
        """
        digest = hashlib.blake2b(digest_size=16)
        for values in (self.example_ids, self.groups, self.splits):
            digest.update(b"none" if values is None else "\0".join(values).encode("utf-8", "surrogatepass"))
            digest.update(b"\1")
        for labels in (self.given_labels, self.true_labels):
            digest.update(b"none" if labels is None else labels.tobytes())
        digest.update(repr((self.class_names, self.true_class_names)).encode("utf-8", "surrogatepass"))
        for part in values_in_memory(self.inputs):
            digest.update(part)
        return digest.hexdigest()


def make_dataset(
    *,
    name: str,
    inputs: Inputs,
    labels: Sequence[str],
    example_ids: Sequence[str],
    where: Callable[[int], str],
    ids_depend_on_order: bool,
    place: str = "",
    groups: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    true_labels: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """Return the data set of N rows, checked and in its lasting order.

    Args:
        name: the default run folder is named after it.
        inputs: N images, rows or texts.
        labels: N given labels as text, as written.
        example_ids: N distinct ids.
        where: returns the place of a row for messages, as in ``train.csv row 41``.
        ids_depend_on_order: whether ids are row numbers; rows then keep their order, else they are sorted by id.
        place: what messages about all rows name, such as the file; the name where it is empty.
        groups: N names of what must share a fold (a patient, a scene).
        splits: N names of splits.
        true_labels: N labels known to be right.
        notes: what a user should know about how the data was read.

    Raises:
        DatasetError: no example, fewer than 2 classes, empty labels, repeated ids, text that UTF-8 cannot encode; up
            to 20 problems at once.
    """
    columns = {"label": labels, "id": example_ids, "group": groups, "split": splits, "true label": true_labels}
    refuse_broken_text(columns, where)
    shown = inputs.originals if isinstance(inputs, FeatureTable) else inputs
    if isinstance(shown, ImageFiles | UrlImages | Texts):
        refuse_broken_text({"path": shown.paths, "text": getattr(shown, "texts", None)}, where)
    if isinstance(shown, ImageFiles | Texts):
        refuse_broken_text({"name of the folder": [str(shown.root)]}, lambda _: place or name)
    if len(labels) == 0:
        raise DatasetError(
            "no-examples", "there is no example", where=place or name, hint="check the path, and --split if you set it"
        )
    hint = "write a label, or take the row out"
    empty = [
        Problem("empty-label", "the label is empty", where(row), hint)
        for row, label in enumerate(labels)
        if not label.strip()
    ]
    DatasetError.refuse(empty + repeated_ids(example_ids, where), lambda problem: problem)
    class_names = sort_class_names(labels)
    check_number_of_classes(class_names, len(labels), place or name)
    refuse_other_tasks(class_names, place or name)
    true_class_names = class_names
    if true_labels is not None:
        true_class_names += sort_class_names(list(set(true_labels).difference(class_names)))
    counts, rows = Counter(labels), range(len(labels))
    order = np.array(rows if ids_depend_on_order else sorted(rows, key=example_ids.__getitem__), dtype=np.int64)
    return Dataset(
        name=name,
        inputs=inputs.take(order) if not ids_depend_on_order else inputs,
        example_ids=as_strings(example_ids)[order],
        given_labels=_encode(labels, class_names)[order],
        class_names=class_names,
        groups=None if groups is None else as_strings(groups)[order],
        splits=None if splits is None else as_strings(splits)[order],
        true_labels=None if true_labels is None else _encode(true_labels, true_class_names)[order],
        true_class_names=true_class_names,
        notes=(*notes, *note_similar_classes(counts), *note_missing(counts)),
    )


def _encode(labels: Sequence[str], class_names: Sequence[str]) -> GivenLabels:
    index = {name: position for position, name in enumerate(class_names)}
    return np.array([index[label] for label in labels], dtype=np.int64)


def sort_class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct labels: by value where all are numbers, else alphabetically."""
    distinct = sorted(set(labels))
    try:
        return tuple(sorted(distinct, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(distinct)


def note_similar_classes(counts: Mapping[str, int]) -> list[str]:
    """Return a note on each group of classes with similar names; ``counts`` are their examples by name."""
    return [
        f"{SIMILAR_NAMES}: {', '.join(f'{name!r} {counts[name]:,}' for name in names)}; --merge-labels case joins them"
        for names in _similar_classes(counts)
    ]


def note_missing(counts: Mapping[str, int]) -> list[str]:
    """Return a note on each class whose name may stand for a label that is missing."""
    return [
        f"{MAY_BE_MISSING}: {name!r} {number:,}; take these rows out if it does"
        for name, number in counts.items()
        if name.strip().lower() in MISSING
    ]


def merge_similar_classes(dataset: Dataset) -> Dataset:
    """Return a data set whose classes with similar names are one, which is called as most of its labels are.

    Raises:
        DatasetError: one class is left.
    """
    labels = np.bincount(dataset.given_labels, minlength=len(dataset.true_class_names)).tolist()
    groups = _similar_classes(dict(zip(dataset.true_class_names, labels, strict=True)))
    merged = {name: names[0] for names in groups for name in names}

    def sorted_names(names: Sequence[str]) -> tuple[str, ...]:
        return sort_class_names([merged.get(name, name) for name in names])

    class_names = sorted_names(dataset.class_names)
    check_number_of_classes(class_names, len(dataset), dataset.name)
    others = sorted_names(dataset.true_class_names[len(dataset.class_names) :])
    true_class_names = class_names + tuple(name for name in others if name not in class_names)
    places = [true_class_names.index(merged.get(name, name)) for name in dataset.true_class_names]
    notes = [note for note in dataset.notes if not note.startswith((SIMILAR_NAMES, MAY_BE_MISSING))]
    notes += [f"labels merged: {' and '.join(map(repr, names[1:]))} into {names[0]!r}" for names in groups]
    new = np.array(places, dtype=np.int64)
    counts = np.bincount(new[dataset.given_labels], minlength=len(class_names)).tolist()
    notes += note_missing(dict(zip(class_names, counts, strict=True)))
    return dataclasses.replace(
        dataset,
        class_names=class_names,
        true_class_names=true_class_names,
        given_labels=new[dataset.given_labels],
        true_labels=None if dataset.true_labels is None else new[dataset.true_labels],
        notes=tuple(notes),
    )


def _similar_classes(counts: Mapping[str, int]) -> list[list[str]]:
    """Return groups of names that are the same but for case and spaces, the most frequent first."""
    alike: dict[str, list[str]] = {}
    for name in counts:
        alike.setdefault(name.strip().casefold(), []).append(name)
    groups = [names for names in alike.values() if len(names) > 1]
    return [sorted(names, key=lambda name: (-counts[name], name)) for names in groups]
