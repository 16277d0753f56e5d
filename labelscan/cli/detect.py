"""``labelscan detect DATA``: train fold by fold, write a run folder, show what looks wrong."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from labelscan.cli import completion
from labelscan.cli.help_pages import GroupedCommand
from labelscan.config import SELF_CHECK_RATE, Config, find_config, flatten, keys, resolve
from labelscan.errors import UsageError
from labelscan.registry import read_value

DATA, MODEL, TRAINING, RUN, OUTPUT = "Data", "Model", "Training", "Run", "Output"
TOP = "10"
SELF_CHECK = "--self-check"
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DEFAULTS = flatten(Config())
_OF_THE_MODEL = "by the model"


def _default(key: str, words: str = "") -> str:
    return f" [default: {words or _DEFAULTS[key]}]"


class DetectCommand(GroupedCommand):
    """``detect``, of whose options one takes a value or none."""

    # Context is click's, or typer's own copy of it, depending on the version of typer.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give ``--self-check`` its rate, where it has none: click would take the next argument, DATA, for it."""
        end = args.index("--") if "--" in args else len(args)
        bare = f"{SELF_CHECK}={SELF_CHECK_RATE}"
        return super().parse_args(ctx, [bare if arg == SELF_CHECK else arg for arg in args[:end]] + args[end:])


def detect(
    data: Annotated[
        str,
        Argument(
            metavar="DATA",
            help="A folder of class folders, a manifest or table (.csv .tsv .jsonl .parquet), arrays (.npz), "
            "torchvision:NAME or demo:digits.",
        ),
    ] = "",
    loss: Annotated[
        str | None,
        Option(
            metavar="LOSS",
            help="As in blurry:gamma=0.4,delay=4; see labelscan list losses." + _default("training.loss"),
            autocompletion=completion.losses,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    epochs: Annotated[
        str | None,
        Option(
            metavar="N",
            help="Epochs a fold." + _default("training.epochs", _OF_THE_MODEL),
            rich_help_panel=TRAINING,
        ),
    ] = None,
    folds: Annotated[
        str | None,
        Option(
            metavar="N", help="Models; each holds out its share." + _default("folds.n_folds"), rich_help_panel=TRAINING
        ),
    ] = None,
    repeats: Annotated[
        str | None,
        Option(
            metavar="N",
            help="Times that all is done, with other folds." + _default("folds.repeats"),
            rich_help_panel=TRAINING,
        ),
    ] = None,
    batch_size: Annotated[
        str | None,
        Option(
            metavar="N",
            help="Examples a step." + _default("training.batch_size", _OF_THE_MODEL),
            rich_help_panel=TRAINING,
        ),
    ] = None,
    seed: Annotated[
        str | None,
        Option(metavar="N", help="Fixes folds, weights and order." + _default("seed"), rich_help_panel=TRAINING),
    ] = None,
    model: Annotated[
        str | None,
        Option(
            metavar="MODEL",
            help="As in small-cnn:width=32 or resnet18; see labelscan list models." + _default("model.name"),
            autocompletion=completion.models,
            rich_help_panel=MODEL,
        ),
    ] = None,
    weights: Annotated[
        str | None,
        Option(
            metavar="WEIGHTS",
            help="auto (what is on this machine), default (may download), none, or a file." + _default("model.weights"),
            rich_help_panel=MODEL,
        ),
    ] = None,
    freeze: Annotated[
        bool | None,
        Option(
            "--freeze/--no-freeze",
            help="Compute pretrained features once and train heads only."
            + _default("model.freeze", "where pretrained"),
            rich_help_panel=MODEL,
        ),
    ] = None,
    image_size: Annotated[
        str | None,
        Option(
            metavar="PIXELS",
            help="Images are resized to it." + _default("store.image_size", _OF_THE_MODEL),
            rich_help_panel=MODEL,
        ),
    ] = None,
    detector: Annotated[
        str | None,
        Option(
            metavar="DETECTOR",
            help="Whose flags lead, as in confident-learning:filter_by=both." + _default("detection.detector"),
            autocompletion=completion.detectors,
            rich_help_panel=MODEL,
        ),
    ] = None,
    split: Annotated[
        str | None,
        Option(metavar="NAMES", help="Splits to read, as in train,val. [default: all]", rich_help_panel=DATA),
    ] = None,
    path_column: Annotated[
        str | None, Option(metavar="NAME", help="[default: by its usual names]", rich_help_panel=DATA)
    ] = None,
    label_column: Annotated[
        str | None, Option(metavar="NAME", help="Likewise; for .npz the array.", rich_help_panel=DATA)
    ] = None,
    true_label_column: Annotated[
        str | None, Option(metavar="NAME", help="Likewise; measures the detectors.", rich_help_panel=DATA)
    ] = None,
    id_column: Annotated[
        str | None, Option(metavar="NAME", help="Likewise; else ids are relative paths.", rich_help_panel=DATA)
    ] = None,
    group_column: Annotated[
        str | None, Option(metavar="NAME", help="Likewise; what must share a fold.", rich_help_panel=DATA)
    ] = None,
    split_column: Annotated[
        str | None, Option(metavar="NAME", help="Likewise; what --split restricts.", rich_help_panel=DATA)
    ] = None,
    root: Annotated[
        str | None,
        Option(metavar="FOLDER", help="Where torchvision sets lie." + _default("dataset.root"), rich_help_panel=DATA),
    ] = None,
    download: Annotated[
        bool | None, Option("--download", help="Fetch a torchvision set that is not there.", rich_help_panel=DATA)
    ] = None,
    on_unreadable: Annotated[
        str | None,
        Option(
            metavar="keep|error",
            help="Unreadable images: a row with the reason, or the end." + _default("dataset.on_unreadable"),
            rich_help_panel=DATA,
        ),
    ] = None,
    device: Annotated[
        str | None,
        Option(
            metavar="DEVICE",
            help="auto, cpu, cuda, cuda:1 or mps." + _default("device.name"),
            autocompletion=completion.devices,
            rich_help_panel=RUN,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        Option(
            metavar="PRECISION",
            help="auto, float32, bfloat16 or float16." + _default("device.precision"),
            autocompletion=completion.precisions,
            rich_help_panel=RUN,
        ),
    ] = None,
    workers: Annotated[
        str | None,
        Option(metavar="N", help="Threads that decode images. [default: one a core]", rich_help_panel=RUN),
    ] = None,
    executor: Annotated[
        str | None,
        Option(metavar="EXECUTOR", help="What carries out the folds." + _default("executor.name"), rich_help_panel=RUN),
    ] = None,
    self_check: Annotated[
        str | None,
        Option(
            metavar="[=RATE]",
            help=f"Plant errors, {100 * SELF_CHECK_RATE:g} % of the labels without a rate, train again, and say how "
            "many of them are found and how many wrong labels are left." + _default("detection.self_check", "off"),
            rich_help_panel=RUN,
        ),
    ] = None,
    config: Annotated[
        str | None,
        Option(
            metavar="FILE|NAME",
            help="TOML file, run.json, or a name; see labelscan list configs.",
            autocompletion=completion.configs,
            rich_help_panel=RUN,
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, as in training.learning_rate=0.01; may be repeated.",
            rich_help_panel=RUN,
        ),
    ] = None,
    resume: Annotated[
        bool,
        Option(
            "--resume",
            help="Fail where there is nothing to resume; an unfinished run is taken up anyway.",
            rich_help_panel=RUN,
        ),
    ] = False,
    fresh: Annotated[
        bool, Option("--fresh", help="Delete an earlier run and start over.", rich_help_panel=RUN)
    ] = False,
    max_time: Annotated[
        str | None,
        Option(metavar="TIME", help="Stop after 90s, 30m or 2h, ready to be resumed.", rich_help_panel=RUN),
    ] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would run and about how long, and do nothing.", rich_help_panel=RUN)
    ] = False,
    output: Annotated[
        Path | None,
        Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Run folder. [default: labelscan-runs/<name>-<8 digits>]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    top: Annotated[str, Option(metavar="N", help=f"Suspects shown. [default: {TOP}]", rich_help_panel=OUTPUT)] = TOP,
    as_json: Annotated[
        bool, Option("--json", help="Write the summary as JSON to stdout.", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Annotated[
        bool, Option("--quiet", "-q", help="Write only errors, and the path of issues.csv.", rich_help_panel=OUTPUT)
    ] = False,
    verbose: Annotated[
        bool, Option("--verbose", "-v", help="Tell of every epoch and step.", rich_help_panel=OUTPUT)
    ] = False,
    debug: Annotated[bool, Option("--debug", help="Show tracebacks of errors.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Find labels that are probably wrong.

    Trains a fresh model for each fold, predicts every example by a model that has not seen it, and writes
    a run folder with issues.csv, most doubtful labels first. The same command again resumes.
    """
    seconds = read_time(max_time) if max_time is not None else None
    n_shown = read_count(top, where="--top")
    if resume and fresh:
        raise UsageError("--resume and --fresh are given at once", hint="leave one of them out")
    if quiet and verbose:
        raise UsageError("--quiet and --verbose are given at once", hint="leave one of them out")
    settings = resolve(
        flags=_read(
            ("DATA", "dataset.data", data or None),
            ("--split", "dataset.split", split),
            ("--path-column", "dataset.path_column", path_column),
            ("--label-column", "dataset.label_column", label_column),
            ("--true-label-column", "dataset.true_label_column", true_label_column),
            ("--id-column", "dataset.id_column", id_column),
            ("--group-column", "dataset.group_column", group_column),
            ("--split-column", "dataset.split_column", split_column),
            ("--root", "dataset.root", root),
            ("--download", "dataset.download", download),
            ("--on-unreadable", "dataset.on_unreadable", on_unreadable),
            ("--image-size", "store.image_size", image_size),
            ("--workers", "store.workers", workers),
            ("--folds", "folds.n_folds", folds),
            ("--repeats", "folds.repeats", repeats),
            ("--model", "model.name", model),
            ("--weights", "model.weights", weights),
            ("--freeze", "model.freeze", None if freeze is None else ("yes" if freeze else "no")),
            ("--loss", "training.loss", loss),
            ("--epochs", "training.epochs", epochs),
            ("--batch-size", "training.batch_size", batch_size),
            ("--device", "device.name", device),
            ("--precision", "device.precision", precision),
            ("--executor", "executor.name", executor),
            ("--detector", "detection.detector", detector),
            ("--self-check", "detection.self_check", self_check),
            ("--seed", "seed", seed),
        ),
        overrides=overrides or [],
        environment=os.environ,
        config_file=None if config is None else find_config(config),
    )
    if not settings.dataset.data:
        raise UsageError(
            "no data is named", hint="labelscan detect DATA, DATA being a folder, a file or demo:digits; see --help"
        )
    _ = debug  # heeded where errors are caught
    import labelscan
    from labelscan.cli import progress, run_screen  # rich and torch load here, not for --help

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        if dry_run:
            from labelscan.estimate import estimate_seconds

            plan = labelscan.plan(settings=settings, output=output, notify=listener)
            estimate = estimate_seconds(plan)
        else:
            run = labelscan.detect(
                settings=settings, output=output, resume=resume, fresh=fresh, max_seconds=seconds, notify=listener
            )
    if dry_run:
        run_screen.show_plan(plan, estimate, as_json=as_json, told=listener.told)
    else:
        run_screen.show(run, top=n_shown, as_json=as_json, quiet=quiet, told=listener.told)


def read_time(text: str) -> float:
    """Return seconds for ``90``, ``90s``, ``30m``, ``2h`` or ``1h30m``."""
    compact = text.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|[smhd]?)", compact)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != compact or seconds <= 0:
        raise UsageError(f"cannot read {text!r} as a time", where="--max-time", hint="write 90s, 30m, 2h or 1h30m")
    return seconds


def read_count(text: str, *, where: str, least: int = 0) -> int:
    """Return a whole number of at least ``least``."""
    count = read_value(text, int, where=where)
    assert isinstance(count, int)
    if count < least:
        raise UsageError(f"must be at least {least}, got {count}", where=where)
    return count


def _read(*given: tuple[str, str, str | bool | None]) -> dict[str, object]:
    """Return settings for (option, ``section.name``, value), texts read as the setting wants them."""
    kinds = keys()
    flags: dict[str, object] = {}
    for option, key, value in given:
        if isinstance(value, str) and kinds[key] is int:
            # 0 leaves it to the model in a config file; somebody who writes a flag means a number.
            flags[key] = read_count(value, where=option, least=0 if key == "seed" else 1)
        else:
            flags[key] = read_value(value, kinds[key], where=option) if isinstance(value, str) else value
    return flags
