"""Files from outside, read without trust: a pipe must not hang a run, nor may nested brackets or large claims end it.

What cannot be read raises one of ``CANNOT_READ``, which ``why`` puts into a few words; who reads says which error of
ours it becomes, where, and what to do.
"""

import codecs
import csv
import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, TypeVar

T = TypeVar("T")

CANNOT_READ = (OSError, ValueError, MemoryError)
"""What reading a file from outside may raise; ``csv.Error`` is apart."""
_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def with_home(path: str | Path) -> Path:
    """Return a path with a folder in place of its ``~``, which a shell leaves as it is in ``--output=~/runs``."""
    # Unlike Path.expanduser, it keeps a ~name that is not a user.
    return Path(os.path.expanduser(path))  # noqa: PTH111


def check_is_file(path: Path) -> None:
    """Raise OSError unless ``path`` is a file: to open a pipe would wait for someone to write into it."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS.items() if is_kind(mode)), "something else")
        remedy = ": save what comes out of it in one" if stat.S_ISFIFO(mode) else ""  # as in <(...) of a shell
        raise OSError(errno.EINVAL, f"this is {kind}, not a file{remedy}", str(path))


def open_text(path: Path) -> TextIO:
    """Open UTF-8 text, with or without a byte order mark; line ends stay as they are."""
    check_is_file(path)
    return path.open(encoding="utf-8-sig", newline="")


def table_rows(file: TextIO, column: str) -> "csv.DictReader[str]":
    """Return the rows of a CSV file with commas, semicolons or tabs in between, as spreadsheets save it.

    They are separated by whatever leaves ``column``, in any case, alone in the header; else by commas.
    """
    header = file.readline()
    file.seek(0)
    names = {sep: [name.strip().lower() for name in next(csv.reader([header], delimiter=sep), [])] for sep in ",;\t"}
    return csv.DictReader(file, delimiter=next((sep for sep in names if column in names[sep]), ","), strict=True)


def read_text(path: Path) -> str:
    """Return the UTF-8 text in a file, line ends as they are."""
    with open_text(path) as file:
        return file.read()


def parsed(parser: Callable[[str], T], text: str) -> T:
    """Return what a parser makes of a text, or raise ValueError, also where it is nested too deeply for the parser."""
    try:
        return parser(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None  # its traceback is a thousand lines


def parse_json(text: str) -> Any:
    """Return the content of a JSON text, or raise ValueError."""
    return parsed(json.loads, text)


def why(error: Exception) -> str:
    """Return why a file could not be read, in a few words."""
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if isinstance(error, UnicodeDecodeError):
        return not_utf8(error, f"position {error.start:,}")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def not_utf8(error: UnicodeDecodeError, place: str) -> str:
    """Return in a few words that a text which begins where ``error.object`` does is not UTF-8, and what it may be."""
    if error.start == 0 and bytes(error.object[:2]) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "UTF-16, not UTF-8"
    return f"not UTF-8: byte 0x{error.object[error.start]:02x} at {place}"
