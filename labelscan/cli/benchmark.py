"""``labelscan benchmark DATA``: plant errors, train with several losses, compare what detectors find."""

from pathlib import Path
from typing import Annotated

from typer import Option

from labelscan.cli import completion, options
from labelscan.cli.command import Given, command
from labelscan.cli.detect import SETTINGS
from labelscan.cli.options import OUTPUT, read_time, refuse_both, whole_number
from labelscan.config.sections import RUN
from labelscan.errors import RunError

COMPARED = "Compared (each may be repeated)"


def _read_budget(text: str) -> float:
    """Return seconds; a bare number is minutes, as the name of the option's value says."""
    bare = text.strip().replace(".", "", 1).isdecimal()
    return read_time(f"{text.strip()}m" if bare else text, where="--budget")


@command(groups=SETTINGS, without=("training.loss", "detection.detector", "detection.self_check"))
def benchmark(
    given: Given,
    data: options.Data = "",
    noise: Annotated[
        list[str] | None,
        Option(
            metavar="NOISE",
            help="Errors to plant, as in symmetric:0.1; see labelscan list noises. [default: those that the data has]",
            autocompletion=completion.of("noises"),
            rich_help_panel=COMPARED,
        ),
    ] = None,
    loss: Annotated[
        list[str] | None,
        Option(
            metavar="LOSS",
            help="As in blurry:gamma=0.4,delay=4; the others are compared with the first. [default: that of detect]",
            autocompletion=completion.of("losses"),
            rich_help_panel=COMPARED,
        ),
    ] = None,
    detector: Annotated[
        list[str] | None,
        Option(
            metavar="DETECTOR",
            help="As in confident-learning:filter_by=both. [default: those of every run]",
            autocompletion=completion.of("detectors"),
            rich_help_panel=COMPARED,
        ),
    ] = None,
    seeds: Annotated[
        int,
        Option(
            metavar="N",
            parser=whole_number("--seeds", least=1),
            help="Times that everything is done, each with other errors, folds and weights; --seed is the first.",
            rich_help_panel=RUN,
        ),
    ] = 3,
    budget: Annotated[
        float | None,
        Option(
            metavar="MINUTES",
            help="Show what is done after so long (2h, 90s); the same command goes on.",
            parser=_read_budget,
            rich_help_panel=RUN,
        ),
    ] = None,
    dry_run: options.DryRun = False,
    fresh: options.Fresh = False,
    output: Annotated[
        Path | None,
        Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder of all results. [default: benchmark-<name>-<8 digits> in labelscan-runs]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare losses and detectors by how many label errors they find in your data.

    Plants errors, or takes those that true labels show, trains once for each noise, loss and seed, and lets every
    detector judge. The same command again goes on, and trains only what is not finished.
    """
    refuse_both("--quiet", quiet, "--verbose", verbose)
    settings = given.resolve_with_data(data, "benchmark")
    from labelscan.benchmarking import run_benchmark  # this and rich load torch and more, not for --help
    from labelscan.benchmarking.plan import make_benchmark_plan
    from labelscan.cli import benchmark_screen, progress

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        plan = make_benchmark_plan(
            settings,
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
    if dry_run:
        benchmark_screen.show_plan(plan, outlook, as_json=as_json)
        return
    benchmark_screen.show(result, as_json=as_json, quiet=quiet)
    failures = result.scoreboard.failures
    if failures:
        raise RunError(
            f"{len(failures):,} of {len(plan.cells):,} cells failed", hint="the same command tries them again"
        )
