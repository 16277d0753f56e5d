"""The options that several commands share, each declared once."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from labelscan.cli import completion
from labelscan.config import Config, flatten

DATA, MODEL, TRAINING, RUN, OUTPUT = "Data", "Model", "Training", "Run", "Output"
"""Headings of help pages."""
_DEFAULTS = flatten(Config())
_OF_THE_MODEL = "by the model"


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
