"""A verdict on one screen: whether it passes, by which limits, the worst suspects, and what to do."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from labelscan.cli.console import Console, Shape, entry, stdout, table, text, warning
from labelscan.gating.baseline import BaselineUpdate, Reviewed
from labelscan.gating.verdict import GateVerdict
from labelscan.results.columns import SUSPECTS
from labelscan.results.issues import ISSUES_FILE
from labelscan.tables import Table

FILE_WIDTH = 80
"""Columns of a text that is written into a file."""
MOST_ROWS = 5
"""How many warnings are shown, and rows removed from a baseline."""
MOST_NAMES = 3
"""How many rows of a baseline are named that no longer apply."""
STYLES = {"PASSED": "bold green", "FAILED": "bold red"}


def show(verdict: GateVerdict, *, top: int, quiet: bool) -> None:
    """Write a verdict to stdout, or only its first line."""
    _write(stdout(), verdict, top=top, quiet=quiet)


def as_text(verdict: GateVerdict, *, top: int) -> str:
    """Return what ``show`` writes, without colour, for a file."""
    file = io.StringIO()
    _write(Console(file=file, width=FILE_WIDTH, no_color=True, markup=False, emoji=False), verdict, top=top)
    return file.getvalue()


def show_form(content: str) -> None:
    """Write a verdict that is in its form already to stdout, as it is."""
    stdout().out(content, end="", highlight=False)


def show_update(update: BaselineUpdate, least: float) -> None:
    """Write to stdout what a baseline holds now, and what has changed in it.

    Args:
        update: what was written.
        least: the error probability from which on the gate counts a suspect; the baseline has all.
    """
    console = stdout()
    rows = "row" if update.n_rows == 1 else "rows"
    console.show(
        text(
            (f"{update.path}: {update.n_rows:,} {rows}", "bold"),
            f", {len(update.added):,} added, {len(update.removed):,} removed",
            f": every flag, including those below P = {least:g}" if least > 0 else "",
        )
    )
    for example_id, given_label in update.removed[:MOST_ROWS]:
        console.show(text(("removed ", "dim"), f"{example_id}, no longer labelled {given_label}"))
    if len(update.removed) > MOST_ROWS:
        console.show(
            text(("removed ", "dim"), f"and {len(update.removed) - MOST_ROWS:,} more that have another label now")
        )
    if update.unknown:
        rows = "1 row is" if len(update.unknown) == 1 else f"{len(update.unknown):,} rows are"
        console.show(
            text(("kept    ", "dim"), f"{rows} stale, unless another run has the examples: {_first(update.unknown)}")
        )
    console.show(text(("next    ", "dim"), "keep it beside the data, under version control"))


def _first(rows: Sequence[Reviewed]) -> str:
    more = f" and {len(rows) - MOST_NAMES:,} more" if len(rows) > MOST_NAMES else ""
    return ", ".join(example_id for example_id, _ in rows[:MOST_NAMES]) + more


def _write(console: Console, verdict: GateVerdict, *, top: int, quiet: bool = False) -> None:
    console.show(text((verdict.word, STYLES[verdict.word]), f": {verdict.reason}"))
    if quiet:
        return
    console.show(text(verdict.sentence))
    console.print()
    width = max(len(check.name) for check in verdict.checks)
    for check in verdict.checks:
        mark = "ok" if check.passed else "exceeded"
        console.show(entry(f"{mark:<8}  {check.name}", len("exceeded") + 2 + width, [check.sentence]))
    if verdict.suspects and top:
        console.print()
        title = "New" if verdict.baseline and verdict.n_new else "Top"
        listed = [asdict(one) | {"rank": place} for place, one in enumerate(verdict.to_look_at[:top], 1)]
        console.show(table(Table.of(SUSPECTS, listed), console.width, title=title))
        if verdict.unlisted(top):
            console.show(text((f"{verdict.unlisted(top)}; all are in {ISSUES_FILE}", "dim")))
    remarks, steps = list(_remarks(verdict)), verdict.next_steps(top)
    if remarks or steps:
        console.print()
    for shape in remarks:
        console.show(shape)
    for word, step in steps:
        console.print(text((f"{word:<8}", "dim"), step), soft_wrap=True)  # not wrapped, to be copied


def _remarks(verdict: GateVerdict) -> Iterator[Shape]:
    yield from map(warning, verdict.warnings[:MOST_ROWS])
    if verdict.gone:
        rows = "row is" if len(verdict.gone) == 1 else "rows are"
        words = f"{len(verdict.gone):,} {rows} about examples that are not in this run: {_first(verdict.gone)}"
        yield warning(f"{verdict.baseline}: {words}")
    if verdict.relabelled:
        labels = "label was" if len(verdict.relabelled) == 1 else "labels were"
        words = f"{len(verdict.relabelled):,} {labels} changed since: {_first(verdict.relabelled)}"
        yield text(("note: ", "dim"), f"{verdict.baseline}: {words}")
