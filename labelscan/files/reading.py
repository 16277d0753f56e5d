"""Files from outside, read without trust: a pipe must not hang a run, nor may nested brackets or large claims end it.

What cannot be read raises one of ``CANNOT_READ``, which ``why`` puts into a few words; who reads says which error of
ours it becomes, where, and what to do.
"""

import codecs
import csv
import dataclasses
import errno
import json
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TextIO, TypeVar, Union, get_args, get_origin, get_type_hints

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


def fits(value: object, kind: Any) -> bool:
    """Return whether a value of JSON has the shape of an annotation; an object may have more keys than a dataclass."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if hasattr(kind, "_fields"):  # JSON has no named tuples
        kinds = _hints(kind).values()
        return isinstance(value, list) and len(value) == len(kinds) and all(map(fits, value, kinds))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return isinstance(value, Mapping) and all(
            fits(value[one.name], hints[one.name]) if one.name in value else _is_optional(one)
            for one in dataclasses.fields(kind)
        )
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(fits(one, inner[1]) for one in value.values())
    if origin in (list, tuple, Sequence):
        return isinstance(value, list) and all(fits(one, inner[0]) for one in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return kind is object or type(value) is (NoneType if kind is None else kind)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)  # it takes longer than all else, and there may be ten thousand classes


def _is_optional(field: "dataclasses.Field[Any]") -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
