"""``labelscan detect DATA``: train fold by fold, write a run folder, show what looks wrong."""

from typing import Annotated, Any

from typer import Option

from labelscan.cli import completion, option_values, options
from labelscan.cli.help_pages import GroupedCommand
from labelscan.cli.option_values import read_count, read_time
from labelscan.cli.options import MODEL, OUTPUT, RUN, default
from labelscan.config import SELF_CHECK_RATE

TOP = "10"
SELF_CHECK = "--self-check"


class DetectCommand(GroupedCommand):
    """``detect``, of whose options one takes a value or none."""

    # Context is click's, or typer's own copy of it, depending on the version of typer.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give ``--self-check`` its rate, where it has none: click would take the next argument, DATA, for it."""
        end = args.index("--") if "--" in args else len(args)
        bare = f"{SELF_CHECK}={SELF_CHECK_RATE}"
        return super().parse_args(ctx, [bare if arg == SELF_CHECK else arg for arg in args[:end]] + args[end:])


def detect(
    data: options.Data = "",
    loss: options.Loss = None,
    epochs: options.Epochs = None,
    folds: options.Folds = None,
    repeats: options.Repeats = None,
    batch_size: options.BatchSize = None,
    seed: options.Seed = None,
    model: options.Model = None,
    weights: options.Weights = None,
    freeze: options.Freeze = None,
    image_size: options.ImageSize = None,
    detector: Annotated[
        str | None,
        Option(
            metavar="DETECTOR",
            help="Whose flags lead, as in confident-learning:filter_by=both." + default("detection.detector"),
            autocompletion=completion.detectors,
            rich_help_panel=MODEL,
        ),
    ] = None,
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
    device: options.Device = None,
    precision: options.Precision = None,
    workers: options.Workers = None,
    executor: options.Executor = None,
    self_check: Annotated[
        str | None,
        Option(
            metavar="[=RATE]",
            help=f"Plant errors, {100 * SELF_CHECK_RATE:g} % of the labels without a rate, train again, and say how "
            "many of them are found and how many wrong labels are left." + default("detection.self_check", "off"),
            rich_help_panel=RUN,
        ),
    ] = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    resume: Annotated[
        bool,
        Option(
            "--resume",
            help="Fail where there is nothing to resume; an unfinished run is taken up anyway.",
            rich_help_panel=RUN,
        ),
    ] = False,
    fresh: options.Fresh = False,
    max_time: options.MaxTime = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would run and about how long, and do nothing.", rich_help_panel=RUN)
    ] = False,
    output: options.RunFolder = None,
    top: Annotated[str, Option(metavar="N", help=f"Suspects shown. [default: {TOP}]", rich_help_panel=OUTPUT)] = TOP,
    as_json: Annotated[
        bool, Option("--json", help="Write the summary as JSON to stdout.", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Annotated[
        bool, Option("--quiet", "-q", help="Write only errors, and the path of issues.csv.", rich_help_panel=OUTPUT)
    ] = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Find labels that are probably wrong.

    Trains a fresh model for each fold, predicts every example by a model that has not seen it, and writes
    a run folder with issues.csv, most doubtful labels first. The same command again resumes.
    """
    seconds = read_time(max_time) if max_time is not None else None
    n_shown = read_count(top, where="--top")
    option_values.refuse_both("--resume", resume, "--fresh", fresh)
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
        loss=loss,
        epochs=epochs,
        batch_size=batch_size,
        device=device,
        precision=precision,
        executor=executor,
        detector=detector,
        self_check=self_check,
        seed=seed,
    )
    option_values.require_data(settings, "detect")
    _ = debug  # heeded where errors are caught
    import labelscan
    from labelscan.cli import progress, run_screen  # rich and torch load here, not for --help

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        if dry_run:
            from labelscan.pipeline.estimate import estimate_seconds

            plan = labelscan.plan(settings=settings, output=output, notify=listener)
            estimate = estimate_seconds(plan)
        else:
            run = labelscan.detect(
                settings=settings, output=output, resume=resume, fresh=fresh, max_seconds=seconds, notify=listener
            )
    if dry_run:
        run_screen.show_plan(plan, estimate, as_json=as_json, fresh=fresh, told=listener.told)
    else:
        run_screen.show(run, top=n_shown, as_json=as_json, quiet=quiet, told=listener.told)
