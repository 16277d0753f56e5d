"""benchmark.md: the table of a benchmark for an issue, a README or a paper's appendix."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from labelscan.atomic import replacing
from labelscan.scoreboard import LEGEND, METRICS, PAIRED_METRICS, TITLES, ComparedRow, Scoreboard

FILE_NAME = "benchmark.md"


def write_scoreboard_markdown(scoreboard: Scoreboard, folder: Path) -> None:
    """Write benchmark.md: one section a noise, one line a detector and loss."""
    with replacing(folder / FILE_NAME) as file:
        file.write("\n".join(_lines(scoreboard)) + "\n")


def _lines(scoreboard: Scoreboard) -> Iterator[str]:
    yield f"# {_escaped(scoreboard.data)}, {scoreboard.n_examples:,} examples"
    yield ""
    for note in scoreboard.notes:
        yield f"- {_escaped(note)}"
    yield from ("", LEGEND) if scoreboard.notes else (LEGEND,)
    for noise in scoreboard.noises:
        rows = [row for row in scoreboard.rows if row.noise == noise]
        if rows:
            yield from ("", f"## {_escaped(noise)}", "")
            yield from _table(rows)
    if scoreboard.failures:
        yield from ("", "## Failed", "")
        yield from (f"- {_escaped(cell)}: {_escaped(reason)}" for cell, reason in scoreboard.failures.items())
    if scoreboard.missing:
        yield from ("", "## Not done yet", "")
        yield from (f"- {_escaped(cell)}" for cell in scoreboard.missing)


def _table(rows: Sequence[ComparedRow]) -> Iterator[str]:
    titles = ["detector", "loss", "seeds", "errors", *(TITLES[metric] for metric in METRICS)]
    titles += [f"diff. {TITLES[metric]}" for metric in PAIRED_METRICS]
    yield f"| {' | '.join(titles)} |"
    yield f"| --- | --- |{' ---: |' * (len(titles) - 2)}"
    for row in rows:
        cells = [_escaped(row.detector), _escaped(row.loss), str(row.n_seeds), f"{row.n_errors:,.0f}"]
        cells += [row.figure(metric) for metric in METRICS]
        cells += [row.difference_figure(metric) for metric in PAIRED_METRICS]
        yield f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Return text from outside so that Markdown shows it as it is, on one line and in one cell."""
    for character in "\\`*_[]<>|#~":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
