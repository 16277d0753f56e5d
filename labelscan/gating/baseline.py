"""The labels that were reviewed already, so that suspects among them are not new.

A baseline is a sorted CSV of example ids, each with the label that was reviewed, to be kept with the data under version
control. It says nothing about a label that has changed since. A reviewer's decisions.csv serves as a baseline too, by
its decisions to keep a label; such a file is only read, never written.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from labelscan.correction.decisions import read_decisions
from labelscan.errors import GateError, Problem
from labelscan.files.reading import CANNOT_READ, open_text, table_rows, why, with_home
from labelscan.runs.files import RUN_FILE, is_own_file, refuse_outside_links
from labelscan.wording.tables import write_csv

COLUMNS = ("example_id", "given_label")
DECISION = "decision"
"""The column that a file of decisions has and a baseline does not."""
NEW_BASELINE = "labels-baseline.csv"
"""The suggested name of a baseline that does not exist yet."""

Reviewed: TypeAlias = tuple[str, str]
"""An example id, and the label that was reviewed."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The reviewed labels in one file."""

    path: Path
    rows: Mapping[Reviewed, Mapping[str, str]]
    """What each reviewed label has in a user's own columns."""
    columns: tuple[str, ...] = COLUMNS
    """All columns of the file, including a user's own."""
    are_decisions: bool = False

    @property
    def accepts_into(self) -> str:
        """Return the file into which suspects can be accepted: this one, or another where it is a file of a run.

        It is empty for a reviewer's decisions, to which a review adds.
        """
        if self.are_decisions:
            return ""
        return NEW_BASELINE if is_own_file(self.path) else str(self.path)

    def stale(self, given_labels: Mapping[str, str]) -> tuple[tuple[Reviewed, ...], tuple[Reviewed, ...]]:
        """Return, sorted, the rows about examples that are not in a run, and those about labels changed since.

        ``given_labels`` are those of the run, by example id.
        """
        rows = sorted(self.rows)
        gone = tuple(one for one in rows if one[0] not in given_labels)
        return gone, tuple(one for one in rows if given_labels.get(one[0], one[1]) != one[1])


@dataclass(frozen=True, kw_only=True)
class BaselineUpdate:
    """What an update changed in a baseline."""

    path: Path
    added: tuple[Reviewed, ...]
    removed: tuple[Reviewed, ...]
    """Rows about examples that have another label now."""
    unknown: tuple[Reviewed, ...]
    """Rows about examples that are not in the run. They are kept: another run may have them."""
    n_rows: int
    """All rows after the update."""


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a file, or the decisions to keep a label in a file of decisions.

    Raises:
        GateError: the file is missing or unreadable, or rows lack an id or a label; up to 20 problems at once.
        DecisionsError: the same for a file of decisions.
    """
    path = with_home(path)
    try:
        with open_text(path) as file:
            rows = table_rows(file, COLUMNS[0])
            columns = tuple(dict.fromkeys(rows.fieldnames or ()))
            if DECISION in columns:
                return Baseline(path=path, rows={one: {} for one in _kept(path)}, are_decisions=True)
            if missing := [name for name in COLUMNS if name not in columns]:
                hint = f"the columns are {' and '.join(COLUMNS)}; --update-baseline with another name makes such a file"
                raise GateError("no-column", f"no column is called {missing[0]!r}", where=str(path), hint=hint)
            read = [(row, rows.line_num) for row in rows]  # the line that a row ends on, as an editor numbers it
    except FileNotFoundError:
        hint = "the same command with --update-baseline makes it"
        raise GateError("no-file", "there is no such baseline", where=str(path), hint=hint) from None
    except (*CANNOT_READ, csv.Error) as error:
        raise GateError(
            "unreadable", f"cannot be read ({why(error)})", where=str(path), hint="save it as CSV in UTF-8"
        ) from error
    hint = "write it as in issues.csv, or delete the row"
    GateError.refuse(
        [(name, line) for row, line in read for name in [name for name in COLUMNS if not row[name]][:1]],
        lambda found: Problem("empty-cell", f"the {found[0]} is empty", f"{path.name} row {found[1]}", hint),
    )
    own = [name for name in columns if name not in COLUMNS]
    reviewed = {(row["example_id"], row["given_label"]): {name: row[name] or "" for name in own} for row, _ in read}
    return Baseline(path=path, rows=reviewed, columns=columns)


def read_to_update(path: Path) -> Baseline:
    """Return the baseline that ``update_baseline`` may write, empty if there is no file yet.

    Raises:
        GateError: the file holds decisions, belongs to a run, or cannot be read.
        RunFolderError: it is a link in a run folder that leads out of it.
    """
    path = with_home(path)
    if (path.parent / RUN_FILE).is_file():
        refuse_outside_links(path.parent, [path])
    if not path.exists():
        return Baseline(path=path, rows={})
    if is_own_file(path):
        raise GateError(
            "run-file", f"this is a file of the run {path.parent}", where=str(path), hint="name another file"
        )
    baseline = read_baseline(path)
    if baseline.are_decisions:
        raise GateError(
            "holds-decisions",
            "this file holds a reviewer's decisions, which are not overwritten",
            where=str(path),
            hint="use it by --baseline as it is, or name another file for --update-baseline",
        )
    return baseline


def update_baseline(
    baseline: Baseline, suspects: frozenset[Reviewed], given_labels: Mapping[str, str]
) -> BaselineUpdate:
    """Add all suspects to a baseline, remove labels that have changed since, and write it.

    Rows about other examples stay, and so do a user's own columns, which are empty in new rows.

    Args:
        baseline: from ``read_to_update``.
        suspects: all flags, even those too unlikely to be wrong to count: they may count after another training.
        given_labels: by example id.
    """
    unknown, removed = baseline.stale(given_labels)
    rows = sorted((baseline.rows.keys() - removed) | suspects)
    records = [{**baseline.rows.get(one, {}), **dict(zip(COLUMNS, one, strict=True))} for one in rows]
    write_csv(pd.DataFrame(records, columns=list(baseline.columns), dtype=object).fillna(""), baseline.path)
    return BaselineUpdate(
        path=baseline.path,
        added=tuple(sorted(suspects - baseline.rows.keys())),
        removed=removed,
        unknown=unknown,
        n_rows=len(rows),
    )


def _kept(path: Path) -> Iterator[Reviewed]:
    for one in read_decisions(path):
        if one.verdict == "keep":
            if one.given_label is None:
                problem = f"{one.example_id!r} is to be kept, but no given_label says with which label"
                hint = "write the label into a column given_label, as the report does"
                raise GateError("no-given-label", problem, where=str(path), hint=hint)
            yield one.example_id, one.given_label
