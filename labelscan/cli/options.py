"""The options that several commands share, each declared once, and how their texts become settings."""

import difflib
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from labelscan.cli import completion
from labelscan.config import Config, find_config, flatten, keys, resolve
from labelscan.errors import UsageError
from labelscan.registry import read_value

DATA, MODEL, TRAINING, RUN, OUTPUT = "Data", "Model", "Training", "Run", "Output"
"""Headings of help pages."""
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DEFAULTS = flatten(Config())
_OF_THE_MODEL = "by the model"
_KEYS = {
    "data": "dataset.data",
    "split": "dataset.split",
    "path_column": "dataset.path_column",
    "label_column": "dataset.label_column",
    "true_label_column": "dataset.true_label_column",
    "id_column": "dataset.id_column",
    "group_column": "dataset.group_column",
    "split_column": "dataset.split_column",
    "root": "dataset.root",
    "download": "dataset.download",
    "on_unreadable": "dataset.on_unreadable",
    "image_size": "store.image_size",
    "workers": "store.workers",
    "folds": "folds.n_folds",
    "repeats": "folds.repeats",
    "model": "model.name",
    "weights": "model.weights",
    "freeze": "model.freeze",
    "loss": "training.loss",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "device": "device.name",
    "precision": "device.precision",
    "executor": "executor.name",
    "detector": "detection.detector",
    "self_check": "detection.self_check",
    "seed": "seed",
    "max_rate": "gate.max_rate",
    "max_issues": "gate.max_issues",
    "max_class_rate": "gate.max_class_rate",
    "max_new": "gate.max_new",
    "min_error_probability": "gate.min_error_probability",
    "baseline": "gate.baseline",
}
"""Which setting the parameter of a command is."""


def default(key: str, words: str = "") -> str:
    """Return what a help text says of the default of a setting."""
    return f" [default: {words or _DEFAULTS[key]}]"


Data = Annotated[
    str,
    Argument(
        metavar="DATA",
        help="A folder of class folders, a manifest or table (.csv .tsv .jsonl .parquet), arrays (.npz), "
        "torchvision:NAME or demo:digits.",
    ),
]
Split = Annotated[
    str | None,
    Option(metavar="NAMES", help="Splits to read, as in train,val. [default: all]", rich_help_panel=DATA),
]
PathColumn = Annotated[str | None, Option(metavar="NAME", help="[default: by its usual names]", rich_help_panel=DATA)]
LabelColumn = Annotated[str | None, Option(metavar="NAME", help="Likewise; for .npz the array.", rich_help_panel=DATA)]
TrueLabelColumn = Annotated[
    str | None, Option(metavar="NAME", help="Likewise; measures the detectors.", rich_help_panel=DATA)
]
IdColumn = Annotated[
    str | None, Option(metavar="NAME", help="Likewise; else ids are relative paths.", rich_help_panel=DATA)
]
GroupColumn = Annotated[
    str | None, Option(metavar="NAME", help="Likewise; what must share a fold.", rich_help_panel=DATA)
]
SplitColumn = Annotated[
    str | None, Option(metavar="NAME", help="Likewise; what --split restricts.", rich_help_panel=DATA)
]
Root = Annotated[
    str | None,
    Option(metavar="FOLDER", help="Where torchvision sets lie." + default("dataset.root"), rich_help_panel=DATA),
]
Download = Annotated[
    bool | None, Option("--download", help="Fetch a torchvision set that is not there.", rich_help_panel=DATA)
]
OnUnreadable = Annotated[
    str | None,
    Option(
        metavar="keep|error",
        help="Unreadable images: a row with the reason, or the end." + default("dataset.on_unreadable"),
        rich_help_panel=DATA,
    ),
]
Model = Annotated[
    str | None,
    Option(
        metavar="MODEL",
        help="As in small-cnn:width=32 or resnet18; see labelscan list models." + default("model.name"),
        autocompletion=completion.models,
        rich_help_panel=MODEL,
    ),
]
Weights = Annotated[
    str | None,
    Option(
        metavar="WEIGHTS",
        help="auto (what is on this machine), default (may download), none, or a file." + default("model.weights"),
        rich_help_panel=MODEL,
    ),
]
Freeze = Annotated[
    bool | None,
    Option(
        "--freeze/--no-freeze",
        help="Compute pretrained features once and train heads only." + default("model.freeze", "where pretrained"),
        rich_help_panel=MODEL,
    ),
]
ImageSize = Annotated[
    str | None,
    Option(
        metavar="PIXELS",
        help="Images are resized to it." + default("store.image_size", _OF_THE_MODEL),
        rich_help_panel=MODEL,
    ),
]
Loss = Annotated[
    str | None,
    Option(
        metavar="LOSS",
        help="As in blurry:gamma=0.4,delay=4; see labelscan list losses." + default("training.loss"),
        autocompletion=completion.losses,
        rich_help_panel=TRAINING,
    ),
]
Epochs = Annotated[
    str | None,
    Option(
        metavar="N",
        help="Epochs a fold." + default("training.epochs", _OF_THE_MODEL),
        rich_help_panel=TRAINING,
    ),
]
Folds = Annotated[
    str | None,
    Option(metavar="N", help="Models; each holds out its share." + default("folds.n_folds"), rich_help_panel=TRAINING),
]
Repeats = Annotated[
    str | None,
    Option(
        metavar="N",
        help="Times that all is done, with other folds." + default("folds.repeats"),
        rich_help_panel=TRAINING,
    ),
]
BatchSize = Annotated[
    str | None,
    Option(
        metavar="N",
        help="Examples a step." + default("training.batch_size", _OF_THE_MODEL),
        rich_help_panel=TRAINING,
    ),
]
Seed = Annotated[
    str | None,
    Option(metavar="N", help="Fixes folds, weights and order." + default("seed"), rich_help_panel=TRAINING),
]
Device = Annotated[
    str | None,
    Option(
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:1 or mps." + default("device.name"),
        autocompletion=completion.devices,
        rich_help_panel=RUN,
    ),
]
Precision = Annotated[
    str | None,
    Option(
        metavar="PRECISION",
        help="auto, float32, bfloat16 or float16." + default("device.precision"),
        autocompletion=completion.precisions,
        rich_help_panel=RUN,
    ),
]
Workers = Annotated[
    str | None,
    Option(metavar="N", help="Threads that decode images. [default: one a core]", rich_help_panel=RUN),
]
Executor = Annotated[
    str | None,
    Option(metavar="EXECUTOR", help="What carries out the folds." + default("executor.name"), rich_help_panel=RUN),
]
ConfigFile = Annotated[
    str | None,
    Option(
        metavar="FILE|NAME",
        help="TOML file, run.json, or a name; see labelscan list configs.",
        autocompletion=completion.configs,
        rich_help_panel=RUN,
    ),
]
Overrides = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting, as in training.learning_rate=0.01; may be repeated.",
        rich_help_panel=RUN,
    ),
]
Fresh = Annotated[bool, Option("--fresh", help="Delete an earlier run and start over.", rich_help_panel=RUN)]
MaxTime = Annotated[
    str | None,
    Option(metavar="TIME", help="Stop after 90s, 30m or 2h, ready to be resumed.", rich_help_panel=RUN),
]
RunFolder = Annotated[
    Path | None,
    Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Run folder. [default: labelscan-runs/<name>-<8 digits>]",
        rich_help_panel=OUTPUT,
    ),
]
Verbose = Annotated[bool, Option("--verbose", "-v", help="Tell of every epoch and step.", rich_help_panel=OUTPUT)]


def _debug(heading: str | None) -> object:
    return Option("--debug", help="Show tracebacks of errors.", rich_help_panel=heading)


Debug = Annotated[bool, _debug(OUTPUT)]
DebugUnderNoHeading = Annotated[bool, _debug(None)]
"""Of commands with few options."""


def read_time(text: str, *, where: str = "--max-time") -> float:
    """Return seconds for ``90``, ``90s``, ``30m``, ``2h`` or ``1h30m``."""
    compact = text.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|[smhd]?)", compact)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != compact or seconds <= 0:
        raise UsageError(f"cannot read {text!r} as a time", where=where, hint="write 90s, 30m, 2h or 1h30m")
    return seconds


def read_count(text: str, *, where: str, least: int = 0) -> int:
    """Return a whole number of at least ``least``."""
    count = read_value(text, int, where=where)
    assert isinstance(count, int)
    if count < least:
        raise UsageError(f"must be at least {least}, got {count}", where=where)
    return count


def read_number(text: str, *, where: str) -> float:
    """Return a number."""
    value = read_value(text, float, where=where)
    assert isinstance(value, float)
    return value


def read_settings(config: str | None, overrides: list[str] | None, **given: str | bool | None) -> Config:
    """Return all settings, options before ``--set`` before variables before the config file.

    Args:
        config: file or name.
        overrides: ``section.name=value`` texts.
        given: by the name of the parameter, the texts of options; None is one that was not given.
    """
    kinds = keys()
    flags: dict[str, object] = {}
    for name, value in given.items():
        key, option = _KEYS[name], "DATA" if name == "data" else f"--{name.replace('_', '-')}"
        if name == "freeze" and isinstance(value, bool):
            flags[key] = "yes" if value else "no"
        elif isinstance(value, str) and kinds[key] is int:
            # 0 leaves it to the model in a config file; somebody who writes a flag means a number.
            flags[key] = read_count(value, where=option, least=0 if key == "seed" else 1)
        else:
            flags[key] = read_value(value, kinds[key], where=option) if isinstance(value, str) else value
    return resolve(
        flags=flags,
        overrides=overrides or [],
        environment=os.environ,
        config_file=None if config is None else find_config(config),
    )


def read_formats(
    texts: Sequence[str], known: Sequence[str], *, beside: Sequence[str] = (), makes: Collection[str] = ()
) -> dict[str, Path | None]:
    """Return each format with the file that it is written to, None being stdout.

    Args:
        texts: as ``junit`` or ``junit=FILE``.
        known: the formats there are.
        beside: those that may share stdout with another.
        makes: names of files of a run that the command itself makes.

    Raises:
        UsageError: an unknown format, one given twice, two on stdout that would make each other unreadable, or a
            file that another format or a run has written.
    """
    from labelscan.only_read import refuse_run_file  # for which pandas is loaded

    formats: dict[str, Path | None] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"use {', '.join(known)}"
            raise UsageError(f"no format is called {name!r}", where="--format", hint=hint)
        if name in formats:
            raise UsageError(f"{name} is given twice", where="--format", hint="leave one of them out")
        if equals and not file:
            raise UsageError(f"no file behind {text!r}", where="--format", hint=f"write {name}=FILE")
        path = Path(file).expanduser() if equals else None
        if path is not None:
            refuse_run_file(path, makes=makes)
            _refuse_taken(path, formats, text)
        formats[name] = path
    shown = [name for name, path in formats.items() if path is None and name not in beside]
    if len(shown) > 1:
        raise UsageError(
            f"{' and '.join(shown)} cannot both go to stdout", where="--format", hint=f"write {shown[1]}=FILE"
        )
    return formats


def _refuse_taken(path: Path, formats: Mapping[str, Path | None], text: str) -> None:
    for other, taken in formats.items():
        if taken is not None and taken.resolve() == path.resolve():
            raise UsageError(f"{other} goes into that file already", where=f"--format {text}", hint="name another file")


def refuse_both(first: str, is_first: bool, second: str, is_second: bool) -> None:
    """Raise UsageError where two options that exclude each other are given."""
    if is_first and is_second:
        raise UsageError(f"{first} and {second} are given at once", hint="leave one of them out")


def require_data(settings: Config, command: str) -> None:
    """Raise UsageError where neither DATA nor any setting names the data that ``command`` is for."""
    if not settings.dataset.data:
        raise UsageError(
            "no data is named", hint=f"labelscan {command} DATA, DATA being a folder, a file or demo:digits; see --help"
        )
