"""``labelscan benchmark DATA``: plant errors, train with several losses, compare what detectors find."""

from pathlib import Path
from typing import Annotated

from typer import Option

from labelscan.cli import completion, option_values, options
from labelscan.cli.option_values import read_count, read_time
from labelscan.cli.options import OUTPUT, RUN, default
from labelscan.errors import RunError

COMPARED = "Compared (each may be repeated)"
SEEDS = "3"


def benchmark(
    data: options.Data = "",
    noise: Annotated[
        list[str] | None,
        Option(
            metavar="NOISE",
            help="Errors to plant, as in symmetric:0.1; see labelscan list noises. [default: those that the data has]",
            autocompletion=completion.noises,
            rich_help_panel=COMPARED,
        ),
    ] = None,
    loss: Annotated[
        list[str] | None,
        Option(
            metavar="LOSS",
            help="As in blurry:gamma=0.4,delay=4; the others are compared with the first." + default("training.loss"),
            autocompletion=completion.losses,
            rich_help_panel=COMPARED,
        ),
    ] = None,
    detector: Annotated[
        list[str] | None,
        Option(
            metavar="DETECTOR",
            help="As in confident-learning:filter_by=both. [default: those of every run]",
            autocompletion=completion.detectors,
            rich_help_panel=COMPARED,
        ),
    ] = None,
    seeds: Annotated[
        str,
        Option(
            metavar="N",
            help=f"Times that all is done, with other errors, folds and weights. [default: {SEEDS}]",
            rich_help_panel=RUN,
        ),
    ] = SEEDS,
    seed: Annotated[
        str | None, Option(metavar="N", help="The first seed." + default("seed"), rich_help_panel=RUN)
    ] = None,
    budget: Annotated[
        str | None,
        Option(
            metavar="MINUTES",
            help="Show what is done after so long (2h, 90s); the same command goes on.",
            rich_help_panel=RUN,
        ),
    ] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would run and about how long, and do nothing.", rich_help_panel=RUN)
    ] = False,
    fresh: Annotated[
        bool, Option("--fresh", help="Delete an earlier benchmark and start over.", rich_help_panel=RUN)
    ] = False,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    device: options.Device = None,
    precision: options.Precision = None,
    workers: options.Workers = None,
    executor: options.Executor = None,
    epochs: options.Epochs = None,
    folds: options.Folds = None,
    repeats: options.Repeats = None,
    batch_size: options.BatchSize = None,
    model: options.Model = None,
    weights: options.Weights = None,
    freeze: options.Freeze = None,
    image_size: options.ImageSize = None,
    split: options.Split = None,
    path_column: options.PathColumn = None,
    label_column: options.LabelColumn = None,
    true_label_column: options.TrueLabelColumn = None,
    id_column: options.IdColumn = None,
    group_column: options.GroupColumn = None,
    split_column: options.SplitColumn = None,
    root: options.Root = None,
    download: options.Download = None,
    on_unreadable: options.OnUnreadable = None,
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
    as_json: Annotated[bool, Option("--json", help="Write all as JSON to stdout.", rich_help_panel=OUTPUT)] = False,
    quiet: Annotated[
        bool, Option("--quiet", "-q", help="Write only errors, and the path of benchmark.csv.", rich_help_panel=OUTPUT)
    ] = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Compare losses and detectors by how many label errors they find in your data.

    Plants errors, or takes those that true labels show, trains once for each noise, loss and seed, and lets every
    detector judge. The same command again goes on, and trains only what is not finished.
    """
    n_seeds = read_count(seeds, where="--seeds", least=1)
    max_seconds = _read_budget(budget)
    option_values.refuse_both("--quiet", quiet, "--verbose", verbose)
    settings = option_values.read_settings(
        config,
        overrides,
        data=data or None,
        split=split,
        path_column=path_column,
        label_column=label_column,
        true_label_column=true_label_column,
        id_column=id_column,
        group_column=group_column,
        split_column=split_column,
        root=root,
        download=download,
        on_unreadable=on_unreadable,
        image_size=image_size,
        workers=workers,
        folds=folds,
        repeats=repeats,
        model=model,
        weights=weights,
        freeze=freeze,
        epochs=epochs,
        batch_size=batch_size,
        device=device,
        precision=precision,
        executor=executor,
        seed=seed,
    )
    option_values.require_data(settings, "benchmark")
    _ = debug  # heeded where errors are caught
    from labelscan.benchmarking import (
        run_benchmark as benchmarking,  # this and rich load torch and more, not for --help
    )
    from labelscan.benchmarking.plan import make_benchmark_plan
    from labelscan.cli import benchmark_screen, progress

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        plan = make_benchmark_plan(
            settings,
            noises=noise or (),
            losses=loss or (),
            detectors=detector or (),
            n_seeds=n_seeds,
            output=output,
            notify=listener,
        )
        if dry_run:
            outlook = benchmarking.look_ahead(plan)
        else:
            result = benchmarking.benchmark(plan, fresh=fresh, max_seconds=max_seconds, notify=listener)
    if dry_run:
        benchmark_screen.show_plan(plan, outlook, as_json=as_json)
        return
    benchmark_screen.show(result, as_json=as_json, quiet=quiet)
    failures = result.scoreboard.failures
    if failures:
        raise RunError(
            f"{len(failures):,} of {len(plan.cells):,} cells failed", hint="the same command tries them again"
        )


def _read_budget(text: str | None) -> float | None:
    """Return seconds; a bare number is minutes, as the name of the option's value says."""
    if text is None:
        return None
    bare = text.strip().replace(".", "", 1).isdecimal()
    return read_time(f"{text.strip()}m" if bare else text, where="--budget")
