"""The end of a benchmark: one block a noise, one table a detector, as many columns as the terminal has room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from labelscan.benchmarking.plan import BenchmarkPlan
from labelscan.benchmarking.run_benchmark import Benchmark, Outlook
from labelscan.benchmarking.scoreboard import METRICS, NONE, PAIRED_METRICS, TABLE_FILE, TITLES, ComparedRow, Scoreboard
from labelscan.cli.console import Column, cells, elide, entry, show_json, show_message, stdout, table, text
from labelscan.pipeline.plan_facts import facts_to_json
from labelscan.wording import duration

MOST_WANTED = (
    *("F1", "diff. F1", "AP", "diff. AP", "precision", "recall", "accuracy", "seconds", "precision@k", "AUROC"),
    "balanced acc.",
)
"""Columns by how much they are missed where the terminal is narrow."""
GAP = 2
"""Cells between columns."""
MOST_NAMED = 5
"""Of failed cells."""


def show(result: Benchmark, *, as_json: bool, quiet: bool) -> None:
    """Write a benchmark to stdout: its tables, or all of it as JSON, or only where the table is."""
    scoreboard, console = result.scoreboard, stdout()
    if as_json:
        show_json({**scoreboard.to_json(), "folder": str(result.folder)})
    elif quiet:
        console.print(text(str(result.folder / TABLE_FILE)))
    else:
        layout = _Layout.of(scoreboard, console.width)
        for noise in scoreboard.noises:
            rows = [row for row in scoreboard.rows if row.noise == noise]
            if rows:
                console.show(text((noise, "bold"), f": {_amount(rows, scoreboard)}"))
                for detector in scoreboard.detectors:
                    layout.show(detector, [row for row in rows if row.detector == detector])
                console.print()
        for line in layout.legend(scoreboard):
            console.show(text((line, "dim")))
        console.print()
        console.print(text(("table   ", "dim"), (str(result.folder / TABLE_FILE), "bold")))
        console.show(text(("beside  ", "dim"), "benchmark.md, benchmark.json, benchmark.png, measurements.csv, cells/"))
    _tell_what_is_missing(scoreboard)


def show_plan(plan: BenchmarkPlan, outlook: Outlook, *, as_json: bool) -> None:
    """Write to stdout what would run, and how much of it is done already."""
    if as_json:
        show_json(
            {
                **facts_to_json(plan.rows),
                **{"noises": plan.noises, "losses": plan.losses, "detectors": plan.detectors, "seeds": plan.seeds},
                **{"examples": len(plan.dataset), "classes": len(plan.dataset.class_names)},
                **{"cells": outlook.n_cells, "finished_cells": outlook.finished_cells},
                "estimate_seconds": outlook.estimate_seconds,
            }
        )
        return
    finished = f", {outlook.finished_cells:,} of them finished" if outlook.finished_cells else ""
    rows = [*plan.rows, ("cells", f"{outlook.n_cells:,}{finished}")]
    if outlook.estimate_seconds is not None and outlook.finished_cells < outlook.n_cells:
        what = "training" if plan.plan.frozen is None else "computing features"
        rows.append(("estimate", f"about {duration(outlook.estimate_seconds)} of {what}"))
    console, width = stdout(), max(len(label) for label, _ in rows)
    for label, value in rows:
        console.show(entry(label, width, [value], style="dim"))
    console.show(text("nothing was trained or written; run it without --dry-run"))


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns are shown, the same and equally wide in every table."""

    name_width: int
    widths: dict[str, int]
    """By title, in the order in which they are shown."""
    n_left_out: int

    @classmethod
    def of(cls, scoreboard: Scoreboard, width: int) -> "_Layout":
        """Return the columns that fit into ``width`` cells, the most wanted first; there is always one."""
        figures = [_figures(row) for row in scoreboard.rows]
        needless = _needless(scoreboard)
        needed = {
            title: max(len(title), *(len(one[title]) for one in figures))
            for title in figures[0]
            if title not in needless
        }
        names = [*scoreboard.losses, *scoreboard.detectors]
        name_width = min(max(map(cells, names)), max(width - needed["F1"] - GAP, 1), 40)
        wanted = [title for title in ("seeds", *MOST_WANTED) if title in needed]
        ends = accumulate(GAP + needed[title] for title in wanted)
        chosen = [title for title, end in zip(wanted, ends, strict=True) if name_width + end <= width] or ["F1"]
        return cls(name_width, {title: needed[title] for title in needed if title in chosen}, len(needed) - len(chosen))

    def show(self, detector: str, rows: Sequence[ComparedRow]) -> None:
        """Write the table of one detector on one noise: one line a loss."""
        if not rows:
            return
        columns = [Column(""), *(Column(title.rjust(width), "right") for title, width in self.widths.items())]
        lines = []
        for row in rows:
            figures, name = _figures(row), elide(row.loss, self.name_width)
            padding = " " * (self.name_width - cells(name))
            lines.append([name + padding, *(figures[title] for title in self.widths)])
        stdout().show(table(columns, lines, title=elide(detector, self.name_width)))

    def legend(self, scoreboard: Scoreboard) -> list[str]:
        """Return what must be known to read the tables."""
        lines = []
        if len(scoreboard.seeds) > 1:
            lines.append("± is half of the 95 % interval over seeds; benchmark.md has it for every column")
        if len(scoreboard.seeds) == 2:
            lines.append("of two seeds it is very wide, or narrow by chance: take more to tell losses apart")
        if len(scoreboard.losses) > 1:
            lines.append(f"diff. is that to {scoreboard.losses[0]}, seed by seed on the same labels and folds")
        if self.n_left_out:
            lines.append(f"{self.n_left_out} more columns in benchmark.md, and in a wider terminal")
        return lines


def _figures(row: ComparedRow) -> dict[str, str]:
    """Return all figures of a row by the title of their column; intervals of the leading two metrics alone."""
    figures = {"seeds": str(row.n_seeds)}
    for metric in METRICS:
        figures[TITLES[metric]] = row.figure(metric, interval=metric in PAIRED_METRICS)
        if metric in PAIRED_METRICS:
            figures[f"diff. {TITLES[metric]}"] = row.difference_figure(metric)
    return figures


def _needless(scoreboard: Scoreboard) -> set[str]:
    """Return the columns that would say nothing: empty ones, and seeds where the line above tables says it."""
    figures = [_figures(row) for row in scoreboard.rows]
    needless = {title for title in figures[0] if all(one[title] == NONE for one in figures)}
    seeds = {(row.noise, row.n_seeds) for row in scoreboard.rows}
    return needless | ({"seeds"} if len(seeds) == len({noise for noise, _ in seeds}) else set())


def _amount(rows: Sequence[ComparedRow], scoreboard: Scoreboard) -> str:
    n_seeds = max(row.n_seeds for row in rows)
    seeds = "1 seed" if n_seeds == 1 else f"{n_seeds} seeds"
    return f"{rows[0].n_errors:,.0f} of {scoreboard.n_examples:,} labels wrong, {seeds}"


def _tell_what_is_missing(scoreboard: Scoreboard) -> None:
    for cell, reason in list(scoreboard.failures.items())[:MOST_NAMED]:
        show_message(f"{cell}: {reason}", kind="failed")
    if scoreboard.missing:
        n_cells = len(scoreboard.noises) * len(scoreboard.losses) * len(scoreboard.seeds)
        show_message(
            f"{len(scoreboard.missing):,} of {n_cells:,} cells are missing: the same command goes on with them",
            kind="budget over",
        )
