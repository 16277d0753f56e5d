"""A benchmark on one screen: a block for each noise, with a table for each detector."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from labelscan.benchmarking.plan import BenchmarkPlan
from labelscan.benchmarking.run_benchmark import Benchmark, Outlook
from labelscan.benchmarking.scoreboard import COLUMNS, PAIRED_METRICS, TABLE_FILE, Scoreboard
from labelscan.cli.console import Console, fitting, sections, show_json, show_message, stdout, text
from labelscan.cli.plan_screen import NOTHING_DONE, show_facts
from labelscan.pipeline.plan_facts import facts_to_json
from labelscan.wording.tables import NONE, Table

SAID_ABOVE = ("detector", "n_errors")
"""Columns whose values stand in the lines above a table."""
MOST_NAMED = 5
"""Failed cells that are named."""


def show(result: Benchmark, *, as_json: bool, quiet: bool) -> None:
    """Write a benchmark to stdout: its tables, or all of it as JSON, or only where the table is."""
    scoreboard, console = result.scoreboard, stdout()
    if as_json:
        show_json({**scoreboard.to_json(), "folder": str(result.folder)})
    elif quiet:
        console.print(text(str(result.folder / TABLE_FILE)))
    else:
        _show_tables(scoreboard, console)
        console.print()
        console.show_step("table", str(result.folder / TABLE_FILE), "bold")
        console.show(text(("also    ", "dim"), "benchmark.md, benchmark.json, benchmark.png, measurements.csv, cells/"))
    _report_what_is_missing(scoreboard)


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
    seconds = outlook.estimate_seconds if outlook.finished_cells < outlook.n_cells else None
    show_facts([*plan.rows, ("cells", f"{outlook.n_cells:,}{finished}")], plan.planned.plan, seconds)
    stdout().show(text(NOTHING_DONE))


def _show_tables(scoreboard: Scoreboard, console: Console) -> None:
    figures = scoreboard.figures(with_interval=PAIRED_METRICS)
    needless = _needless(figures)
    wanted = Table([column for column in COLUMNS if column.name not in needless], figures)
    shown = fitting(wanted, console.width, scoreboard.detectors)
    for noise, of_noise in figures.groupby("noise", sort=False):
        n_seeds = of_noise["n_seeds"].max()
        seeds = "1 seed" if n_seeds == 1 else f"{n_seeds} seeds"
        amount = f"{of_noise['n_errors'].iloc[0]:,.0f} of {scoreboard.n_examples:,} labels wrong"
        console.show(text((str(noise), "bold"), f": {amount}, {seeds}"))
        parts = of_noise.groupby("detector", sort=False)
        console.show(sections({str(detector): replace(shown, rows=rows) for detector, rows in parts}))
        if note := scoreboard.note(str(noise)):
            console.show(text(note))
        console.print()
    for line in _legend(scoreboard, len(wanted.columns) - len(shown.columns)):
        console.show(text((line, "dim")))


def _needless(figures: pd.DataFrame) -> set[str]:
    """Return the columns to leave out: empty ones, and those whose values stand above the tables."""
    needless = {*SAID_ABOVE, *(column.name for column in COLUMNS if (figures[column.name] == NONE).all())}
    return needless if (figures.groupby("noise")["n_seeds"].nunique() > 1).any() else {*needless, "n_seeds"}


def _legend(scoreboard: Scoreboard, n_left_out: int) -> Iterator[str]:
    if len(scoreboard.seeds) > 1:
        yield "± is half of the 95 % interval over seeds; benchmark.md has it for every column"
    if len(scoreboard.seeds) == 2:
        yield "with two seeds it is very wide, or narrow by chance: use more to tell losses apart"
    if len(scoreboard.losses) > 1:
        yield f"diff. is the difference to {scoreboard.losses[0]}, seed by seed on the same labels and folds"
    if n_left_out:
        yield f"{n_left_out} more columns in benchmark.md, and in a wider terminal"


def _report_what_is_missing(scoreboard: Scoreboard) -> None:
    for cell, reason in list(scoreboard.failures.items())[:MOST_NAMED]:
        show_message(f"{cell}: {reason}", kind="failed")
    if scoreboard.missing:
        n_cells = len(scoreboard.noises) * len(scoreboard.losses) * len(scoreboard.seeds)
        show_message(
            f"{len(scoreboard.missing):,} of {n_cells:,} cells are missing: run the same command again to finish them",
            kind="budget over",
        )
