"""A verdict on one screen: whether it passes, by which limits, the worst suspects, and what to do."""

from labelscan.cli.console import Console, entry, stdout, text
from labelscan.cli.suspects_table import SuspectRow, suspects_table
from labelscan.gating.baseline import BaselineUpdate
from labelscan.gating.formats import words
from labelscan.gating.verdict import GateVerdict
from labelscan.results.issues import ISSUES_FILE

MOST_ROWS = 5
"""Of what was removed from a baseline."""
STYLES = {"PASSED": "bold green", "FAILED": "bold red", "warning": "bold yellow", "note": "dim"}


def show(verdict: GateVerdict, *, top: int, quiet: bool) -> None:
    """Write a verdict to stdout, or only its first line."""
    _write(stdout(), verdict, top=top, quiet=quiet)


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
            f": every flag, also those below P = {least:g}" if least > 0 else "",
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
            text(
                ("kept    ", "dim"), f"{rows} stale, unless another run has the examples: {words.named(update.unknown)}"
            )
        )
    console.show(text(("next    ", "dim"), "keep it beside the data, under version control"))


def _write(console: Console, verdict: GateVerdict, *, top: int, quiet: bool = False) -> None:
    outcome = words.outcome(verdict)
    console.show(text((outcome, STYLES[outcome]), f": {words.reason(verdict)}"))
    if quiet:
        return
    console.show(text(words.findings(verdict)))
    console.print()
    width = max(len(check.name) for check in verdict.checks)
    for check in verdict.checks:
        mark = "ok" if check.passed else "exceeded"
        console.show(entry(f"{mark:<8}  {check.name}", len("exceeded") + 2 + width, [check.sentence]))
    if verdict.suspects and top:
        console.print()
        title = "New" if verdict.baseline and verdict.n_new else "Top"
        console.show(suspects_table(_rows(verdict, top), console.width, title=title))
        if missing := words.unlisted(verdict, top):
            console.show(text((f"{missing}; all are in {ISSUES_FILE}", "dim")))
    remarks, steps = words.remarks(verdict), words.next_steps(verdict, top)
    if remarks or steps:
        console.print()
    for kind, remark in remarks:
        console.show(text((f"{kind}: ", STYLES[kind]), remark))
    for word, step in steps:
        console.print(text((f"{word:<8}", "dim"), step), soft_wrap=True)  # not wrapped, to be copied


def _rows(verdict: GateVerdict, top: int) -> list[SuspectRow]:
    return [
        SuspectRow(
            mark=str(place),
            example=one.example_id,
            given_label=one.given_label,
            suggested_label=one.suggested_label,
            error_probability=one.error_probability,
        )
        for place, one in enumerate(verdict.to_look_at[:top], 1)
    ]
