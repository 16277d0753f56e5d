"""benchmark.md: the scoreboard for a pull request, a job summary or an appendix."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from labelscan.atomic import replacing
from labelscan.benchmarking.scoreboard import LEGEND, METRICS, PAIRED_METRICS, TITLES, ComparedRow, Scoreboard
from labelscan.tables import markdown_table
from labelscan.wording import in_markdown

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
    for noise in scoreboard.noises:
        rows = [row for row in scoreboard.rows if row.noise == noise]
        if rows:
            yield from ("", f"## {in_markdown(noise)}", "")
            yield from _compared(rows)
    if scoreboard.failures:
        yield from ("", "## Failed", "")
        yield from (f"- {in_markdown(cell)}: {in_markdown(reason)}" for cell, reason in scoreboard.failures.items())
    if scoreboard.missing:
        yield from ("", "## Not done yet", "")
        yield from (f"- {in_markdown(cell)}" for cell in scoreboard.missing)


def _compared(rows: Sequence[ComparedRow]) -> Iterator[str]:
    titles = ["detector", "loss", "seeds", "errors", *(TITLES[metric] for metric in METRICS)]
    titles += [f"diff. {TITLES[metric]}" for metric in PAIRED_METRICS]
    made = []
    for row in rows:
        cells = [in_markdown(row.detector), in_markdown(row.loss), str(row.n_seeds), f"{row.n_errors:,.0f}"]
        cells += [row.figure(metric) for metric in METRICS]
        cells += [row.difference_figure(metric) for metric in PAIRED_METRICS]
        made.append(cells)
    yield from markdown_table(titles, "ll" + "r" * (len(titles) - 2), made)
