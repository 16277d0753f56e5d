"""The labels that were reviewed already: suspects among them are not new.

A baseline is a CSV of ids and the labels that they had when they were looked at, sorted, to be kept beside the data
under version control. A label that has changed since is not in it. The decisions of a reviewer serve as well, of which
those to keep a label count; they are only read here, never written.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from labelscan.correction.decisions import read_decisions
from labelscan.errors import GateError, Problem
from labelscan.results.run_files import is_own_file
from labelscan.tables import write_csv

COLUMNS = ("example_id", "given_label")
DECISION = "decision"
"""The column that a file of decisions has and a baseline does not."""

Reviewed: TypeAlias = tuple[str, str]
"""An example id, and the label that was looked at."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was reviewed."""

    path: Path
    reviewed: frozenset[Reviewed]
    columns: tuple[str, ...] = COLUMNS
    """All of the file; those beside ours are somebody's notes."""
    notes: Mapping[Reviewed, Mapping[str, str]] = field(default_factory=dict)
    """What each row says in such columns."""
    are_decisions: bool = False
    """Whether the file is a reviewer's, so that it is not written to."""

    @property
    def may_be_written(self) -> bool:
        """Return whether suspects may be accepted into the file: it is neither a reviewer's nor part of a run."""
        return not self.are_decisions and not is_own_file(self.path)

    def gone(self, given_labels: Mapping[str, str]) -> tuple[Reviewed, ...]:
        """Return, sorted, what is about examples that are not in the run.

        Args:
            given_labels: the label of every example by its id.
        """
        return tuple(sorted(one for one in self.reviewed if one[0] not in given_labels))

    def relabelled(self, given_labels: Mapping[str, str]) -> tuple[Reviewed, ...]:
        """Return, sorted, what is about labels that have changed since; arguments as in ``gone``."""
        return tuple(sorted(one for one in self.reviewed if given_labels.get(one[0], one[1]) != one[1]))


@dataclass(frozen=True, kw_only=True)
class BaselineUpdate:
    """What writing a baseline anew has changed in it."""

    path: Path
    added: tuple[Reviewed, ...]
    removed: tuple[Reviewed, ...]
    """Those about examples that have another label now."""
    unknown: tuple[Reviewed, ...]
    """Those about examples that are not in the run, which are kept: another run may have them."""
    n_rows: int
    """All that it holds now."""


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a file, or what a file of decisions says of labels to keep.

    Raises:
        GateError: there is no such file, or rows without an id or a label; up to 20 at once.
        DecisionsError: the same of a file of decisions.
    """
    path = path.expanduser()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            columns = rows.fieldnames or ()
            if DECISION in columns:
                return Baseline(path=path, reviewed=frozenset(_kept(path)), are_decisions=True)
            missing = [name for name in COLUMNS if name not in columns]
            if missing:
                hint = f"the columns are {' and '.join(COLUMNS)}; --update-baseline with another name makes such a file"
                if any(";" in name for name in columns):
                    hint = "save it with commas between its cells, not semicolons"
                raise GateError(f"no column is called {missing[0]!r}", where=str(path), hint=hint)
            read = [(_row(row, f"{path.name} row {rows.line_num}"), row) for row in rows]
    except FileNotFoundError:
        raise GateError(
            "there is no such baseline", where=str(path), hint="the same command with --update-baseline makes it"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GateError(f"cannot be read ({error})", where=str(path), hint="save it as CSV in UTF-8") from error
    problems = [one for one, _ in read if isinstance(one, Problem)]
    if problems:
        raise GateError.of(problems)
    others = [name for name in columns if name not in COLUMNS]
    notes = {one: {name: row.get(name) or "" for name in others} for one, row in read if not isinstance(one, Problem)}
    return Baseline(path=path, reviewed=frozenset(notes), columns=tuple(dict.fromkeys(columns)), notes=notes)


def read_to_update(path: Path) -> Baseline:
    """Return the baseline that ``update_baseline`` may write, empty where there is no file yet.

    Raises:
        GateError: the file holds decisions, is one of a run, or cannot be read.
    """
    path = path.expanduser()
    if not path.exists():
        return Baseline(path=path, reviewed=frozenset())
    if is_own_file(path):
        raise GateError(f"this is a file of the run {path.parent}", where=str(path), hint="name another file")
    baseline = read_baseline(path)
    if baseline.are_decisions:
        raise GateError(
            "these are the decisions of a reviewer, which are not written over",
            where=str(path),
            hint="give them by --baseline as they are, or name another file for --update-baseline",
        )
    return baseline


def update_baseline(
    baseline: Baseline, suspects: frozenset[Reviewed], given_labels: Mapping[str, str]
) -> BaselineUpdate:
    """Write a baseline with all suspects and what was reviewed before, but for labels that have changed since.

    Rows about other examples stay, and so do columns beside ours, which are empty for what is added.

    Args:
        baseline: from ``read_to_update``.
        suspects: all that are flagged, also those too little doubtful to count: they may count after another training.
        given_labels: the label of every example by its id.
    """
    removed = baseline.relabelled(given_labels)
    rows = sorted(baseline.reviewed.difference(removed) | suspects)
    records = [{**baseline.notes.get(one, {}), **dict(zip(COLUMNS, one, strict=True))} for one in rows]
    cells = [[record.get(name, "") for name in baseline.columns] for record in records]
    write_csv(pd.DataFrame(cells, columns=list(baseline.columns), dtype=object), baseline.path)
    return BaselineUpdate(
        path=baseline.path,
        added=tuple(sorted(suspects - baseline.reviewed)),
        removed=removed,
        unknown=baseline.gone(given_labels),
        n_rows=len(rows),
    )


def _row(row: Mapping[str, str | None], where: str) -> Reviewed | Problem:
    example_id, given_label = (row.get(name) or "" for name in COLUMNS)
    if not example_id or not given_label:
        empty = COLUMNS[bool(example_id)]
        return Problem(f"the {empty} is empty", where, "write it as in issues.csv, or take the row out")
    return example_id, given_label


def _kept(path: Path) -> Iterator[Reviewed]:
    for one in read_decisions(path):
        if one.verdict != "keep":
            continue
        if one.given_label is None:
            raise GateError(
                f"{one.example_id!r} is to be kept, and no given_label says with which label",
                where=str(path),
                hint="write the label into a column given_label, as the report does",
            )
        yield one.example_id, one.given_label
