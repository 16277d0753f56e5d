"""The options that several commands share and that are no settings, each declared once, and what their texts say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

from typer import Argument, Option

from labelscan.config import Setting
from labelscan.config.sections import RUN
from labelscan.errors import UsageError
from labelscan.registry import read_value

OUTPUT = "Output"
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def read_time(text: str, *, where: str = "--max-time") -> float:
    """Return seconds for ``90``, ``90s``, ``30m``, ``2h`` or ``1h30m``."""
    compact = text.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|[smhd]?)", compact)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != compact or seconds <= 0:
        raise UsageError(f"cannot read {text!r} as a time", where=where, hint="write 90s, 30m, 2h or 1h30m")
    return seconds


def whole_number(where: str, *, least: int = 0, most: int | None = None) -> Callable[[object], int]:
    """Return what reads the value of the option ``where``; typer asks it to read a default too."""
    option = Setting(key=where, kind=int, default=0, help="", minimum=least, maximum=most)

    def read(value: object) -> int:
        number = read_value(str(value), int, where=where)
        option.check(number)
        return cast(int, number)

    return read


def number(where: str) -> Callable[[object], float]:
    """Return what reads the number that the option ``where`` takes."""
    return lambda value: cast(float, read_value(str(value), float, where=where))


def refuse_both(first: str, is_first: object, second: str, is_second: object) -> None:
    """Raise UsageError where two options that exclude each other are given."""
    if is_first and is_second:
        raise UsageError(f"{first} and {second} are given at once", hint="leave one of them out")


Data = Annotated[
    str,
    Argument(
        metavar="DATA",
        help="A folder of class folders, a manifest or table (.csv .tsv .jsonl .parquet), arrays (.npz), "
        "torchvision:NAME or demo:digits.",
    ),
]
Run = Annotated[Path, Argument(metavar="RUN", help="Folder of a finished run of detect or score.")]
MovedData = Annotated[
    str,
    Option(
        "--data",
        metavar="DATA",
        help="Where the data is now. [default: where the run found it]",
        rich_help_panel=RUN,
    ),
]
Fresh = Annotated[bool, Option("--fresh", help="Delete an earlier run and start over.", rich_help_panel=RUN)]
MaxTime = Annotated[
    float | None,
    Option(
        "--max-time",
        metavar="TIME",
        help="Stop after 90s, 30m or 2h; the same command resumes.",
        parser=read_time,
        rich_help_panel=RUN,
    ),
]
DryRun = Annotated[
    bool,
    Option("--dry-run", help="Show what would run and about how long, and do nothing.", rich_help_panel=RUN),
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
Top = Annotated[
    int, Option("--top", metavar="N", parser=whole_number("--top"), help="Suspects shown.", rich_help_panel=OUTPUT)
]
AsJson = Annotated[bool, Option("--json", help="Write the result as JSON to stdout.", rich_help_panel=OUTPUT)]
Quiet = Annotated[
    bool,
    Option("--quiet", "-q", help="Write only errors, and the path of the result.", rich_help_panel=OUTPUT),
]
Verbose = Annotated[bool, Option("--verbose", "-v", help="Report every epoch and step.", rich_help_panel=OUTPUT)]
