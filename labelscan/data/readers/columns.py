"""Which column holds what: set by the user, or found by its usual names.

A column taken by mistake gives a plausible but wrong result, so two candidates are an error and not a guess.
"""

import difflib
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields

from labelscan.config import DatasetConfig
from labelscan.errors import DatasetError

Tiers = tuple[tuple[str, ...], ...]
"""Usual names; one of an earlier tier is taken before any of a later one."""

USUAL_NAMES: Mapping[str, Tiers] = {
    "path": (
        ("path",),
        ("file_path", "filepath", "image_path", "img_path"),
        ("file", "filename", "file_name", "fname", "image", "image_file", "image_name", "img", "img_name"),
    ),
    "label": (
        ("label", "given_label", "given_labels", "labels"),
        ("class", "class_name", "target", "targets", "y", "category", "noisy_label"),
    ),
    "true_label": (("true_label", "true_labels"), ("clean_label", "correct_label", "true_class", "gold_label")),
    "id": (("example_id",), ("id", "uid", "uuid")),
    "group": (("group", "group_id", "groups"), ("patient", "patient_id", "subject", "subject_id", "scene", "scene_id")),
    "split": (("split",), ("subset", "partition")),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns by what they hold; empty where there is none."""

    path: str
    label: str
    true_label: str
    id: str
    group: str
    split: str

    def used(self) -> list[str]:
        """Return the names of the columns that hold something, each once."""
        names = [getattr(self, field.name) for field in fields(self)]
        return list(dict.fromkeys(name for name in names if name))


def find_columns(
    names: Sequence[str],
    config: DatasetConfig,
    *,
    where: str,
    with_path: bool,
    likely_label: Callable[[Sequence[str]], str] = lambda _: "",
) -> Columns:
    """Return which of ``names`` hold what.

    Args:
        names: the columns there are.
        config: columns set by the user.
        where: the file, for messages.
        with_path: whether a path column is needed; without, there is none.
        likely_label: returns which of the columns that hold nothing else looks like labels, for the hint where none
            is found; empty where none does.

    Raises:
        DatasetError: a column is missing, or two could be meant.
    """
    found = {
        role: find_column(role, names, getattr(config, f"{role}_column"), where=where)
        for role in USUAL_NAMES
        if with_path or role != "path"
    }
    if with_path and not found["path"]:
        raise missing("path column", names, where=where, hint=_how_to_name("path"))
    if not found["label"]:
        likely = likely_label([name for name in names if name not in found.values()])
        hint = f"perhaps --label-column {shlex.quote(likely)}" if likely else _how_to_name("label")
        raise missing("label column", names, where=where, hint=hint)
    return Columns(**{"path": "", **found})


def find_column(role: str, names: Collection[str], asked: str, *, where: str, hint: str = "") -> str:
    """Return the column that is ``asked`` for, else the one that is usual for a role; empty where there is none.

    Args:
        role: a key of ``USUAL_NAMES``.
        names: the columns there are.
        asked: the column set by the user; empty where none is.
        where: the file, for messages.
        hint: what to do where two could be meant, if there is no option for this column.

    Raises:
        DatasetError: there is no such column, or two could be meant.
    """
    flag, what = f"--{role.replace('_', '-')}-column", f"{role.replace('_', ' ')} column"
    if asked and asked not in names:
        raise missing(what, names, where=where, hint=f"name one of them by {flag}", asked=asked)
    return asked or pick(names, USUAL_NAMES[role], what=what, where=where, hint=hint or f"say which by {flag}")


def has_path(names: Sequence[str], config: DatasetConfig) -> bool:
    """Return whether a file with columns ``names`` lists images, and is not a table of features."""
    return bool(config.path_column) or any(_candidates(names, tier) for tier in USUAL_NAMES["path"])


def pick(names: Collection[str], tiers: Tiers, *, what: str, where: str, hint: str) -> str:
    """Return the one of ``names`` that is usual for ``what``, or an empty string; two are a DatasetError."""
    for tier in tiers:
        candidates = _candidates(names, tier)
        if len(candidates) > 1:
            raise DatasetError(
                f"{' and '.join(map(repr, candidates))} could both be the {what}", where=where, hint=hint
            )
        if candidates:
            return candidates[0]
    return ""


def usual(role: str) -> str:
    """Return the usual names of a column, for a hint."""
    *names, last = [name for tier in USUAL_NAMES[role] for name in tier]
    return f"{', '.join(names)} or {last}"


def missing(what: str, names: Collection[str], *, where: str, hint: str, asked: str = "") -> DatasetError:
    """Return the error for a column or array that is not there, which lists those there are."""
    nearest = difflib.get_close_matches(asked, list(names), n=1) if asked else []
    there = ", ".join(repr(name) for name in names) or "nothing"
    return DatasetError(
        f"no {what}{f' called {asked!r}' if asked else ''}; there are {there}",
        where=where,
        hint=f"did you mean {nearest[0]!r}?" if nearest else hint,
    )


def _how_to_name(role: str) -> str:
    return f"name it by --{role}-column, or call it {usual(role)}"


def _candidates(names: Collection[str], tier: Sequence[str]) -> list[str]:
    return [name for name in names if name.strip().lower().replace(" ", "_").replace("-", "_") in tier]
