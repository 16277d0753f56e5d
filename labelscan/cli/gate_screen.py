"""A verdict on a screen or in a text file: whether it passes, by which limits, the worst suspects, and what to do."""

import re
from dataclasses import asdict
from io import StringIO

from labelscan.cli.console import Console, entries, stdout, table, text
from labelscan.gating import words
from labelscan.gating.baseline import BaselineUpdate
from labelscan.gating.formats import RecognisedFormat
from labelscan.gating.verdict import GateVerdict
from labelscan.results.columns import SUSPECTS
from labelscan.results.issues import ISSUES_FILE
from labelscan.wording.tables import Table

MOST_ROWS = 5
"""Removed rows of a baseline that are shown."""
STYLES = {"PASSED": "bold green", "FAILED": "bold red", "warning": "bold yellow", "note": "dim"}
FIRST_LINE = re.compile(
    r"(PASSED|FAILED): (the limit is|all limits are|\d+ of \d+ limits (is|are)) (met|not met)\n.*label"
)
"""How a text file of a verdict begins: that labels are the matter is in the second line."""
UNCUT = 1_000_000
"""The width of a file, in which nothing is cut off or wrapped."""


def show(verdict: GateVerdict, *, top: int, quiet: bool) -> None:
    """Write a verdict to stdout, or only its first line."""
    _write(stdout(), verdict, top=top, quiet=quiet)


def as_text(verdict: GateVerdict, top: int) -> str:
    """Return what the screen shows, without colours and as wide as it has to be."""
    file = StringIO()
    _write(Console(file=file, width=UNCUT, force_terminal=False, highlight=False), verdict, top=top)
    return file.getvalue()


def is_verdict(text: str) -> bool:
    """Return whether a text file is a verdict, and not one that quotes it."""
    return FIRST_LINE.match(text) is not None


TEXT = RecognisedFormat(as_text, is_verdict)


def show_update(update: BaselineUpdate, least: float) -> None:
    """Write to stdout what a baseline holds now, and what has changed in it.

    The gate counts suspects from the error probability ``least`` on; the baseline has all.
    """
    console, removed = stdout(), update.removed
    rows = "row" if update.n_rows == 1 else "rows"
    console.show(
        text(
            (f"{update.path}: {update.n_rows:,} {rows}", "bold"),
            f", {len(update.added):,} added, {len(removed):,} removed",
            f": every flag, including those below P = {least:g}" if least > 0 else "",
        )
    )
    for example_id, given_label in removed[:MOST_ROWS]:
        console.show(text(("removed ", "dim"), f"{example_id}, no longer labelled {given_label}"))
    if len(removed) > MOST_ROWS:
        console.show(text(("removed ", "dim"), f"and {len(removed) - MOST_ROWS:,} more that have another label now"))
    if update.unknown:
        rows = "1 row is" if len(update.unknown) == 1 else f"{len(update.unknown):,} rows are"
        stale = f"{rows} stale, unless another run has the examples: {words.named(update.unknown)}"
        console.show(text(("kept    ", "dim"), stale))
    console.show(text(("next    ", "dim"), "keep it with the data, under version control"))


def _write(console: Console, verdict: GateVerdict, *, top: int, quiet: bool = False) -> None:
    outcome = words.outcome(verdict)
    console.show(text((outcome, STYLES[outcome]), f": {words.reason(verdict)}"))
    if quiet:
        return
    for sentence in words.findings(verdict):
        console.show(text(sentence))
    console.print()
    marks = {True: "ok", False: "not met"}
    checks = [(f"{marks[check.passed]:<7}  {check.name}", check.sentence) for check in verdict.checks]
    console.show(entries(checks, style="bold"))
    if verdict.suspects and top:
        console.print()
        title = "New" if verdict.baseline and verdict.n_new else "Top"
        listed = [asdict(one) | {"rank": place} for place, one in enumerate(verdict.to_look_at[:top], 1)]
        console.show(table(Table.of(SUSPECTS, listed), console.width, title=title))
        if missing := words.unlisted(verdict, top):
            where = f"; all are in {ISSUES_FILE}" if verdict.is_as_written else ""
            console.show(text((f"{missing}{where}", "dim")))
    remarks, steps = words.remarks(verdict), words.next_steps(verdict, top)
    if remarks or steps:
        console.print()
    for kind, remark in remarks:
        console.show(text((f"{kind}: ", STYLES[kind]), remark))
    for word, step in steps:
        console.show_step(word, step)
