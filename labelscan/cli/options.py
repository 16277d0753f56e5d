"""Options that several commands share and that are not settings, each declared once, and how their values are read."""

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

from typer import Argument, Option

from labelscan.cli import completion
from labelscan.config import Setting
from labelscan.config.sections import RUN
from labelscan.errors import UsageError, did_you_mean
from labelscan.files.reading import with_home
from labelscan.registry import read_value

OUTPUT = "Output"
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Flag:
    """How an option is declared: under which heading of the help page, with which help, and how its value is called.

    Its name is that of the parameter, and its type says how its value is read.
    """

    group: str
    help: str
    """A default that typer cannot show is written in it as ``[default: ...]``."""
    metavar: str | None = None
    names: tuple[str, ...] = ()
    """Short names beside that of the parameter, or all names, as in ``("--csv", "--output", "-o")``."""
    completes: str = ""
    """The names that a shell completes, as in ``completion.names``."""
    least: int = 0
    most: int | None = None
    """Bounds of a whole number."""
    read: Callable[[str], object] | None = None
    """Reads the value in place of its type."""

    def for_typer(self, parameter: str, kind: object) -> object:
        """Return the option as typer declares it, for a parameter of a type."""
        long = f"--{parameter.replace('_', '-')}"
        names = self.names if any(one.startswith("--") for one in self.names) else (long, *self.names)
        number = next((one for one in (int, float) if one in (kind, *get_args(kind))), None)

        def read_number(value: object) -> object:  # typer has it read the default too
            read = read_value(str(value), number, where=long)
            if number is int:
                Setting(key=long, kind=int, default=0, help="", minimum=self.least, maximum=self.most).check(read)
            return read

        return Option(
            *names,
            help=self.help,
            rich_help_panel=self.group,
            metavar=self.metavar,
            autocompletion=completion.of(self.completes) if self.completes else None,
            parser=self.read or (read_number if number else None),
        )


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


def refuse_both(first: str, is_first: object, second: str, is_second: object) -> None:
    """Raise UsageError where two options that exclude each other are both given."""
    if is_first and is_second:
        raise UsageError(
            "flags-conflict", f"{first} and {second} cannot be used together", hint="leave one of them out"
        )


def read_formats(
    texts: Sequence[str], known: Sequence[str], *, can_share: Sequence[str] = (), makes: Collection[str] = ()
) -> dict[str, Path | None]:
    """Return each format with the file that it is written to, None being stdout.

    Args:
        texts: as ``junit`` or ``junit=FILE``.
        known: all formats.
        can_share: those that may go to stdout together with another.
        makes: names of files in a run folder that the command itself writes.

    Raises:
        UsageError: an unknown format, one given twice, two on stdout that would make each other unreadable, or a
            file that another format or a run has written.
    """
    from labelscan.results.protected_paths import refuse_run_file  # for which pandas is loaded

    formats: dict[str, Path | None] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"use {', '.join(known)}")
            raise UsageError("unknown-format", f"no format is called {name!r}", where="--format", hint=hint)
        if name in formats:
            raise UsageError("format-twice", f"{name} is given twice", where="--format", hint="leave one of them out")
        if equals and not file:
            raise UsageError("no-format-file", f"no file behind {text!r}", where="--format", hint=f"write {name}=FILE")
        path = with_home(file) if equals else None
        if path is not None:
            refuse_run_file(path, makes=makes)
            for other, taken in formats.items():
                if taken is not None and taken.resolve() == path.resolve():
                    hint = "name another file"
                    raise UsageError(
                        "format-same-file", f"{other} goes into that file already", where=f"--format {text}", hint=hint
                    )
        formats[name] = path
    shown = [name for name, path in formats.items() if path is None and name not in can_share]
    if len(shown) > 1:
        problem = f"{' and '.join(shown)} cannot both go to stdout"
        raise UsageError("no-format-file", problem, where="--format", hint=f"write {shown[1]}=FILE")
    return formats


Data = Annotated[
    str,
    Argument(
        metavar="DATA",
        help="A folder of class folders, a manifest or table (.csv .tsv .jsonl .parquet), arrays (.npz) or WebDataset "
        "shards (.tar), by path or address such as s3://bucket/train.csv; torchvision:NAME or demo:digits.",
    ),
]
Run = Annotated[Path, Argument(metavar="RUN", help="Folder of a finished run of detect or score.")]
MovedData = Annotated[str, Flag(RUN, "Where the data is now. [default: where the run found it]", "DATA")]
Fresh = Annotated[bool, Flag(RUN, "Delete an earlier run and start over.")]
MaxTime = Annotated[
    float | None, Flag(RUN, "Stop after 90s, 30m or 2h; the same command resumes.", "TIME", read=read_time)
]
Decisions = Annotated[
    Path | None,
    Flag(
        RUN,
        "Labels decided by a person, decisions.csv (columns example_id, decision, new_label) or a JSON export of "
        "Label Studio: they count as known, and all others are judged by what they say.",
        "FILE",
    ),
]
DryRun = Annotated[bool, Flag(RUN, "Show what would run and about how long it takes, and do nothing.")]
RunFolder = Annotated[
    Path | None, Flag(OUTPUT, "Run folder. [default: labelscan-runs/<name>-<8 digits>]", "FOLDER", ("-o",))
]
Output = Annotated[
    str | None,
    Flag(
        OUTPUT,
        "Run folder, also in a bucket, such as s3://bucket/run. [default: labelscan-runs/<name>-<8 digits>]",
        "FOLDER",
        ("-o",),
    ),
]
Top = Annotated[int, Flag(OUTPUT, "Suspects shown.", "N")]
AsJson = Annotated[bool, Flag(OUTPUT, "Write the result as JSON to stdout.", names=("--json",))]
Quiet = Annotated[bool, Flag(OUTPUT, "Write only errors, and the path of the result.", names=("-q",))]
Verbose = Annotated[bool, Flag(OUTPUT, "Report every epoch and step.", names=("-v",))]
