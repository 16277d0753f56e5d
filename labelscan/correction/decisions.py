"""The decisions of a reviewer: the file that the report saves, spreadsheets edit and ``labelscan apply`` reads.

A decision is about an example and the label that it had when reviewed. If the label has changed, ``apply`` refuses it,
and whoever only counts decisions leaves it out, with a note.

Columns are found by name, and others are ignored. Cells that a spreadsheet would run as a formula get an apostrophe in
front, which is removed again when they are read.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from labelscan.errors import DecisionsError, Problem
from labelscan.files.atomic import replacing
from labelscan.files.reading import CANNOT_READ, open_text, table_rows, why

COLUMNS = {
    "example_id": "as in issues.csv",
    "decision": "`keep`: the given label is right; `relabel`: another is; `drop`: none is; `unsure`: nobody can tell",
    "new_label": "the label of `relabel`",
    "time": "when it was decided, ISO 8601 in UTC; of several decisions on an example the last row counts",
    "given_label": "the label that was looked at; once it has changed, `apply` refuses it, and others leave it out",
}
"""The columns of decisions.csv, with what is in them."""
NEEDED = ("example_id", "decision", "new_label")
Verdict = Literal["keep", "relabel", "drop", "unsure"]
"""The given label is right; another one is; the example belongs to no class, or is useless; nobody can tell."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
HOW_TO_GET_ONE = "browsers save it in the downloads folder; labelscan report RUN --serve saves it in the run"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The decision about one label."""

    example_id: str
    verdict: Verdict
    new_label: str = ""
    """Only set for ``relabel``."""
    time: str = ""
    """ISO 8601 in UTC; empty where unknown."""
    given_label: str | None = None
    """The label that was reviewed; None where the file does not say."""

    def __post_init__(self) -> None:
        for name in ("example_id", "new_label", "given_label"):  # which a frame may hold as numbers, or as NaN
            value: object = getattr(self, name)
            is_missing = value is None or value != value
            object.__setattr__(self, name, (None if name == "given_label" else "") if is_missing else str(value))
        where = f"the decision on {self.example_id!r}"
        if self.verdict not in VERDICTS:
            problem, hint = f"{self.verdict!r} is no verdict", f"use {', '.join(VERDICTS)}"
            raise DecisionsError("not-a-decision", problem, where=where, hint=hint)
        if self.verdict == "relabel" and not self.new_label:
            hint = "name the class, or decide otherwise"
            raise DecisionsError("no-new-label", "relabel without a new_label", where=where, hint=hint)

    @property
    def calls_wrong(self) -> bool:
        """Return whether the label that was reviewed is wrong by this decision."""
        return self.verdict == "drop" or (self.verdict == "relabel" and self.new_label != self.given_label)


def write_decisions(decisions: Iterable[Decision], path: Path) -> None:
    """Write decisions.csv, in the order given."""
    with replacing(path) as file:
        rows = csv.writer(file)  # lines end as RFC 4180 has it; a lone carriage return is quoted then
        rows.writerow(COLUMNS)
        for one in decisions:
            cells = (one.example_id, one.verdict, one.new_label, one.time, one.given_label or "")
            rows.writerow([guarded(cell) for cell in cells])


def read_decisions(path: Path) -> list[Decision]:
    """Return the decisions in a file, the last one on each example; a row without one is still to be decided.

    Raises:
        DecisionsError: a file or column is missing, or cells are not decisions; up to 20 problems at once.
    """
    try:
        with open_text(path) as file:
            made = list(_from_rows(table_rows(file, NEEDED[0]), path))
    except FileNotFoundError as error:
        raise DecisionsError("no-file", "there is no such file", where=str(path), hint=HOW_TO_GET_ONE) from error
    except (*CANNOT_READ, csv.Error) as error:
        problem, hint = f"cannot be read ({why(error)})", "save it as CSV in UTF-8"
        raise DecisionsError("unreadable", problem, where=str(path), hint=hint) from error
    return _last_of_each(made)


def has_more(path: Path) -> bool:
    """Return whether a file that can be read has columns or undecided rows, which ``write_decisions`` leaves out."""
    with open_text(path) as file:
        rows = table_rows(file, NEEDED[0])
        return not set(rows.fieldnames or ()) <= set(COLUMNS) or sum(1 for _ in rows) > len(read_decisions(path))


def check_decisions(decisions: Iterable[Decision], given_labels: Mapping[str, str], *, where: str) -> None:
    """Raise DecisionsError, up to 20 problems at once, where decisions are about other examples or labels.

    A label that has been changed to what was decided is none of these.

    ``given_labels`` are by example id; ``where`` is the file of the decisions.
    """
    problems = []
    for one in decisions:
        there = given_labels.get(one.example_id)
        if there is None:
            problem, hint = f"no example is called {one.example_id!r}", "these decisions belong to other data"
            problems.append(Problem("unknown-example", problem, where, hint))
        elif one.given_label not in (None, there) and one.new_label != there:  # else it is corrected already
            problem = f"{one.example_id!r} was {one.given_label!r} when it was reviewed and is {there!r} now"
            hint = "these decisions belong to other labels: review the example again"
            problems.append(Problem("other-label", problem, where, hint))
    DecisionsError.refuse(problems, lambda problem: problem)


def record_of(decision: Decision) -> dict[str, str | None]:
    """Return a decision as the page of the report stores it: by the columns of the file, cells unguarded."""
    cells = (decision.example_id, decision.verdict, decision.new_label, decision.time, decision.given_label)
    return dict(zip(COLUMNS, cells, strict=True))


def decisions_of(records: object, *, where: str) -> list[Decision]:
    """Return the last decision on each example from ``records``, which may come from outside.

    Raises:
        DecisionsError: anything but a list of what ``record_of`` returns; up to 20 problems at once.
    """
    if not isinstance(records, list):
        raise DecisionsError("not-decisions", "this is not a list of decisions", where=where)
    made: list[Decision | Problem] = []
    for number, record in enumerate(records, start=1):
        place = f"{where}, decision {number}"
        cells = {name: record.get(name) or "" for name in COLUMNS} if isinstance(record, dict) else {}
        if cells and all(isinstance(cell, str) for cell in cells.values()):
            made.append(_decision(cells, place))
        else:
            hint = f"a decision has {', '.join(COLUMNS)}, all of them text"
            made.append(Problem("not-a-decision", "this is not a decision", place, hint))
    return _last_of_each(made)


def guarded(cell: str) -> str:
    """Return a cell that a spreadsheet shows and does not run; ``bare`` undoes it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def bare(cell: str) -> str:
    """Undo ``guarded``."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _last_of_each(made: Sequence[Decision | Problem]) -> list[Decision]:
    """Return the last decision on each example, or raise DecisionsError for all problems."""
    DecisionsError.refuse([one for one in made if isinstance(one, Problem)], lambda problem: problem)
    return list({one.example_id: one for one in made if isinstance(one, Decision)}.values())


def _from_rows(rows: "csv.DictReader[str]", path: Path) -> Iterable[Decision | Problem]:
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    missing = [name for name in NEEDED if name not in rows.fieldnames]
    if missing:
        hint = f"the columns are {', '.join(COLUMNS)}, as the report saves them"
        raise DecisionsError("no-column", f"no column is called {missing[0]!r}", where=str(path), hint=hint)
    for row in rows:
        cells = {name: bare(row.get(name) or "") for name in COLUMNS}
        if cells["decision"].strip() or cells["new_label"].strip():  # else it is still to be decided
            yield _decision(cells, f"{path.name} row {rows.line_num}")


def _decision(cells: Mapping[str, str], where: str) -> Decision | Problem:
    word = cells["decision"].strip().lower()
    verdict = next((one for one in VERDICTS if one == word), None)
    if not cells["example_id"]:
        hint = "write the id as in issues.csv, or take the row out"
        return Problem("empty-cell", "the example_id is empty", where, hint)
    if verdict is None:
        problem, hint = f"{cells['decision']!r} is not a decision", "write keep, relabel, drop or unsure"
        return Problem("not-a-decision", problem, where, hint)
    if verdict == "relabel" and not cells["new_label"].strip():
        return Problem("no-new-label", "relabel without a new_label", where, "write the class, or decide otherwise")
    return Decision(
        example_id=cells["example_id"],
        verdict=verdict,
        new_label=cells["new_label"] if verdict == "relabel" else "",
        time=cells["time"],
        given_label=cells["given_label"] or None,
    )
