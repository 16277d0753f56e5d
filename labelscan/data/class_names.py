"""The names of classes: their order, and those that differ only by case or by blanks around them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from labelscan.data.refused_rows import check_number_of_classes

if TYPE_CHECKING:
    from labelscan.data.dataset import Dataset

LOOK_ALIKE = "classes that differ only in case or spaces"
"""Begins the note on them."""
MISSING = frozenset(["?", "na", "n/a", "nan", "null"])
"""How a label that is missing may be written, in lower case; none and - are classes of their own often enough."""
MAY_BE_MISSING = "taken for a class, though it may stand for a missing label"
"""Begins the note on each."""


def sort_class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct labels: by value where all are numbers, else alphabetically."""
    distinct = sorted(set(labels))
    try:
        return tuple(sorted(distinct, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(distinct)


def note_look_alikes(counts: Mapping[str, int]) -> list[str]:
    """Return a note on each group of classes that look alike; ``counts`` are their examples by name."""
    return [
        f"{LOOK_ALIKE}: {', '.join(f'{name!r} {counts[name]:,}' for name in names)}; --merge-labels case joins them"
        for names in _look_alikes(counts)
    ]


def note_missing(counts: Mapping[str, int]) -> list[str]:
    """Return a note on each class whose name may stand for a label that is missing."""
    return [
        f"{MAY_BE_MISSING}: {name!r} {number:,}; take these rows out if it does"
        for name, number in counts.items()
        if name.strip().lower() in MISSING
    ]


def merge_look_alikes(dataset: "Dataset") -> "Dataset":
    """Return a data set whose classes that look alike are one, which is called as most of its labels are.

    Raises:
        DatasetError: one class is left.
    """
    labels = np.bincount(dataset.given_labels, minlength=len(dataset.true_class_names)).tolist()
    groups = _look_alikes(dict(zip(dataset.true_class_names, labels, strict=True)))
    merged = {name: names[0] for names in groups for name in names}

    def sorted_names(names: Sequence[str]) -> tuple[str, ...]:
        return sort_class_names([merged.get(name, name) for name in names])

    class_names = sorted_names(dataset.class_names)
    check_number_of_classes(class_names, len(dataset), dataset.name)
    others = sorted_names(dataset.true_class_names[len(dataset.class_names) :])
    true_class_names = class_names + tuple(name for name in others if name not in class_names)
    places = [true_class_names.index(merged.get(name, name)) for name in dataset.true_class_names]
    notes = [note for note in dataset.notes if not note.startswith((LOOK_ALIKE, MAY_BE_MISSING))]
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


def _look_alikes(counts: Mapping[str, int]) -> list[list[str]]:
    """Return groups of names that are the same but for case and spaces, the most frequent first."""
    alike: dict[str, list[str]] = {}
    for name in counts:
        alike.setdefault(name.strip().casefold(), []).append(name)
    groups = [names for names in alike.values() if len(names) > 1]
    return [sorted(names, key=lambda name: (-counts[name], name)) for names in groups]
