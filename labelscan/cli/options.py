"""Options that several commands share and that are not settings, each declared once, and how their values are read."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, cast

from typer import Argument, Option

from labelscan.config import Setting
from labelscan.config.sections import RUN
from labelscan.errors import UsageError
from labelscan.registry import read_value

OUTPUT = "Output"
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def option(group: str, help: str, *names: str, **declared: Any) -> object:
    """Return the declaration of an option under the heading ``group`` of the help page.

    Args:
        group: the heading.
        help: the help text; a default that typer cannot show is written in it as ``[default: ...]``.
        names: as in ``--output``, ``-o``; without any, typer makes one from the parameter.
        declared: anything else that ``typer.Option`` takes.
    """
    return Option(*names, help=help, rich_help_panel=group, **declared)


def read_time(text: str, *, where: str = "--max-time") -> float:
    """Return seconds for ``90``, ``90s``, ``30m``, ``2h`` or ``1h30m``."""
    compact = text.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|[smhd]?)", compact)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != compact or not 0 < seconds < math.inf:
        raise UsageError(
            "not-a-time", f"cannot read {text!r} as a time", where=where, hint="write 90s, 30m, 2h or 1h30m"
        )
    return seconds


def whole_number(where: str, *, least: int = 0, most: int | None = None) -> Callable[[object], int]:
    """Return the parser of the option ``where``; typer has it read the default too."""
    bounds = Setting(key=where, kind=int, default=0, help="", minimum=least, maximum=most)

    def read(value: object) -> int:
        number = cast(int, read_value(str(value), int, where=where))
        bounds.check(number)
        return number

    return read


def number(where: str) -> Callable[[object], float]:
    """Return the parser of the option ``where``, which takes a number."""
    return lambda value: cast(float, read_value(str(value), float, where=where))


def refuse_both(first: str, is_first: object, second: str, is_second: object) -> None:
    """Raise UsageError where two options that exclude each other are both given."""
    if is_first and is_second:
        raise UsageError(
            "flags-conflict", f"{first} and {second} cannot be used together", hint="leave one of them out"
        )


Data = Annotated[
    str,
    Argument(
        metavar="DATA",
        help="A folder of class folders, a manifest or table (.csv .tsv .jsonl .parquet), arrays (.npz) or WebDataset "
        "shards (.tar), by path or address such as s3://bucket/train.csv; torchvision:NAME or demo:digits.",
    ),
]
Run = Annotated[Path, Argument(metavar="RUN", help="Folder of a finished run of detect or score.")]
MovedData = Annotated[
    str, option(RUN, "Where the data is now. [default: where the run found it]", "--data", metavar="DATA")
]
Fresh = Annotated[bool, option(RUN, "Delete an earlier run and start over.", "--fresh")]
MaxTime = Annotated[
    float | None,
    option(RUN, "Stop after 90s, 30m or 2h; the same command resumes.", "--max-time", metavar="TIME", parser=read_time),
]
Decisions = Annotated[
    Path | None,
    option(
        RUN,
        "Labels decided by a person, decisions.csv or a JSON export of Label Studio: they count as known, and all "
        "others are judged by what they say.",
        metavar="FILE",
    ),
]
DryRun = Annotated[bool, option(RUN, "Show what would run and about how long it takes, and do nothing.", "--dry-run")]
RunFolder = Annotated[
    Path | None,
    option(OUTPUT, "Run folder. [default: labelscan-runs/<name>-<8 digits>]", "--output", "-o", metavar="FOLDER"),
]
Output = Annotated[
    str | None,
    option(
        OUTPUT,
        "Run folder, also in a bucket, such as s3://bucket/run. [default: labelscan-runs/<name>-<8 digits>]",
        "--output",
        "-o",
        metavar="FOLDER",
    ),
]
Top = Annotated[int, option(OUTPUT, "Suspects shown.", "--top", metavar="N", parser=whole_number("--top"))]
AsJson = Annotated[bool, option(OUTPUT, "Write the result as JSON to stdout.", "--json")]
Quiet = Annotated[bool, option(OUTPUT, "Write only errors, and the path of the result.", "--quiet", "-q")]
Verbose = Annotated[bool, option(OUTPUT, "Report every epoch and step.", "--verbose", "-v")]
