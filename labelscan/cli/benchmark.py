"""``labelscan benchmark DATA``: plant errors, train with several losses, compare what detectors find."""

from pathlib import Path
from typing import Annotated

from labelscan.cli import options
from labelscan.cli.command import Given, command
from labelscan.cli.detect import SETTINGS, read_first
from labelscan.cli.options import OUTPUT, Flag, read_time
from labelscan.config.sections import RUN
from labelscan.errors import RunError
from labelscan.events import interruptible

COMPARED = "Compared (each may be repeated)"


def _read_budget(text: str) -> float:
    """Return seconds; a bare number is minutes, unlike in ``--max-time``."""
    bare = text.strip().replace(".", "", 1).isdecimal()
    return read_time(f"{text.strip()}m" if bare else text, where="--budget")


@command(groups=SETTINGS, without=("training.loss", "detection.detector", "detection.self_check"))
def benchmark(
    given: Given,
    data: options.Data = "",
    noise: Annotated[
        list[str] | None,
        Flag(
            COMPARED,
            "Errors to plant, such as symmetric:0.1; see labelscan list noises. [default: those that the data has]",
            "NOISE",
            completes="noises",
        ),
    ] = None,
    loss: Annotated[
        list[str] | None,
        Flag(
            COMPARED,
            "Such as blurry:gamma=0.4,delay=4; the others are compared with the first. [default: that of detect]",
            "LOSS",
            completes="losses",
        ),
    ] = None,
    detector: Annotated[
        list[str] | None,
        Flag(
            COMPARED,
            "Such as confident-learning:filter_by=both. [default: those of every run]",
            "DETECTOR",
            completes="detectors",
        ),
    ] = None,
    seeds: Annotated[
        int, Flag(RUN, "Repetitions, each with other errors, folds and weights; --seed is the first.", "N", least=1)
    ] = 3,
    budget: Annotated[
        float | None,
        Flag(
            RUN,
            "Show what is finished after this time (2h, 90s); the same command resumes.",
            "MINUTES",
            read=_read_budget,
        ),
    ] = None,
    dry_run: options.DryRun = False,
    fresh: options.Fresh = False,
    output: Annotated[
        Path | None,
        Flag(
            OUTPUT, "Folder of all results. [default: benchmark-<name>-<8 digits> in labelscan-runs]", "FOLDER", ("-o",)
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare losses and detectors by how many label errors they find in your data.

    Plants errors, or uses those that true labels show, trains once for each noise, loss and seed, and lets every
    detector judge. The same command again resumes, and trains only what is not finished.
    """
    settings = given.resolve_with_data(data, "benchmark")
    from labelscan.cli import progress  # for which rich is loaded, not for --help

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        dataset = None if loss or detector else read_first(settings, interruptible(listener, None))
        from labelscan.benchmarking import run_benchmark  # for which torch and more are loaded
        from labelscan.benchmarking.plan import make_benchmark_plan

        plan = make_benchmark_plan(
            settings,
            dataset=dataset,
            noises=noise or (),
            losses=loss or (),
            detectors=detector or (),
            n_seeds=seeds,
            output=output,
            notify=listener,
        )
        if dry_run:
            outlook = run_benchmark.look_ahead(plan)
        else:
            result = run_benchmark.benchmark(plan, fresh=fresh, max_seconds=budget, notify=listener)
    from labelscan.cli import benchmark_screen

    if dry_run:
        benchmark_screen.show_plan(plan, outlook, as_json=as_json)
        return
    benchmark_screen.show(result, as_json=as_json, quiet=quiet)
    if failures := result.scoreboard.failures:
        n_cells = len(plan.cells)
        raise RunError(
            "cells-failed", f"{len(failures):,} of {n_cells:,} cells failed", hint="the same command tries them again"
        )
