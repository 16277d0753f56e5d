"""benchmark.md: the scoreboard for a pull request, a job summary or an appendix."""

from collections.abc import Iterator
from pathlib import Path

from labelscan.benchmarking.scoreboard import COLUMNS, LEGEND, Scoreboard
from labelscan.files.atomic import replacing
from labelscan.wording.tables import Table
from labelscan.wording.words import in_markdown

FILE_NAME = "benchmark.md"


def write_scoreboard_markdown(scoreboard: Scoreboard, folder: Path) -> None:
    """Write benchmark.md: one section a noise, one line a detector and loss."""
    with replacing(folder / FILE_NAME) as file:
        file.write("\n".join(_lines(scoreboard)) + "\n")


def _lines(scoreboard: Scoreboard) -> Iterator[str]:
    yield f"# {in_markdown(scoreboard.data)}, {scoreboard.n_examples:,} examples"
    yield ""
    for note in scoreboard.notes:
        yield f"- {in_markdown(note)}"
    yield from ("", LEGEND) if scoreboard.notes else (LEGEND,)
    for noise, rows in scoreboard.figures().groupby("noise", sort=False):
        yield from ("", f"## {in_markdown(str(noise))}", "", *Table(COLUMNS, rows).markdown())
        if note := scoreboard.note(str(noise)):
            yield from ("", in_markdown(note))
    if scoreboard.failures:
        yield from ("", "## Failed", "")
        yield from (f"- {in_markdown(cell)}: {in_markdown(reason)}" for cell, reason in scoreboard.failures.items())
    if scoreboard.missing:
        yield from ("", "## Not done yet", "")
        yield from (f"- {in_markdown(cell)}" for cell in scoreboard.missing)
