"""Rows of text from a csv, tsv, jsonl or parquet file, each with the line at which an editor shows it.

Cells stay as they are written: ``NA`` is a class of someone's data set, and ``01`` is not ``1``.
"""

import csv
import json
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from labelscan.errors import DatasetError, Problem

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
BYTE_ORDER_MARK = "\ufeff"
JSON_ROWS_FOR_NAMES = 1000
"""How many objects of a jsonl file are looked at for the columns there are."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns of N cells of text, empty where there is no value."""

    columns: dict[str, list[str]]
    where: Callable[[int], str]
    """Row number from 0 to the place that a message names."""

    def cells(self, column: str) -> list[str] | None:
        """Return the cells of a column, None where it has no name and so is not there."""
        return self.columns[column] if column else None


def column_names(path: Path) -> list[str]:
    """Return the names of the columns of a file, in its order."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return [str(name) for name in parquet().ParquetFile(path).schema_arrow.names]
    with _open(path) as file:
        if suffix == ".jsonl":
            rows = (row for _, row in islice(_objects(file, path.name), JSON_ROWS_FOR_NAMES))
            names = list(dict.fromkeys(name for row in rows for name in row))
        else:
            _, names = next(_records(file, path), (1, []))
    if not names:
        raise DatasetError("the file is empty", where=path.name, hint="it needs a row of column names, then data")
    _check_names(names, path)
    return names


def read_sheet(path: Path, names: Sequence[str]) -> Sheet:
    """Return the columns ``names`` of a file.

    Raises:
        DatasetError: rows of the wrong length, lists in a cell, broken quotes or encoding; up to 20 at once.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, names)
    with _open(path) as file:
        return _read_jsonl(file, path.name, names) if path.suffix.lower() == ".jsonl" else _read_csv(file, path, names)


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of each record behind the header of a csv or tsv file, and its fields.

    Raises:
        DatasetError: as ``read_sheet``; records of the wrong length are left out, and named at the end.
    """
    with _open(path) as file:
        yield from _rows(file, path)


def _open(path: Path) -> TextIO:
    """Open UTF-8 text, with or without a byte order mark, having found that it is UTF-8."""
    number = 0
    try:
        with path.open("rb") as file:
            for line in file:
                number += 1
                line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"not UTF-8: byte 0x{error.object[error.start]:02x} at column {error.start + 1}",
            where=f"{path.name} row {number}",
            hint="save it as UTF-8",
        ) from error
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=str(path)) from error
    return path.open(encoding="utf-8-sig", newline="")


def _records(file: TextIO, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line at which each record starts and its fields; empty lines are left out."""
    reader = csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
    line = 1
    try:
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(
            f"broken quotes or fields ({error})", where=f"{path.name} row {line}", hint='inside quotes, write " as ""'
        ) from error


def _rows(file: TextIO, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the records behind the header, then raise DatasetError if any had another length."""
    records = _records(file, path)
    _, names = next(records, (1, []))
    odd: list[tuple[int, int]] = []
    for line, record in records:
        if len(record) == len(names):
            yield line, record
        else:
            odd.append((line, len(record)))
    hint = "put fields with commas into quotes"
    DatasetError.refuse(
        odd, lambda one: Problem(f"{one[1]} fields for {len(names)} columns", f"{path.name} row {one[0]}", hint)
    )


def _read_csv(file: TextIO, path: Path, names: Sequence[str]) -> Sheet:
    with path.open(encoding="utf-8-sig", newline="") as header:
        _, there = next(_records(header, path), (1, []))
    places = [there.index(name) for name in names]
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    for line, record in _rows(file, path):
        lines.append(line)
        for column, place in zip(columns, places, strict=True):
            column.append(record[place])
    return Sheet(dict(zip(names, columns, strict=True)), lambda row: f"{path.name} row {lines[row]}")


def _objects(file: TextIO, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            # Numbers stay as written: 1.0 is not 1, and a long id is not rounded.
            row = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        except ValueError as error:
            raise DatasetError(
                f"not valid JSON ({error})", where=f"{name} row {line}", hint="write one object a line"
            ) from error
        if not isinstance(row, dict):
            raise DatasetError(
                f"a {type(row).__name__}, not an object",
                where=f"{name} row {line}",
                hint='write one object a line, as in {"path": "1.png", "label": "cat"}',
            )
        yield line, row


def _read_jsonl(file: TextIO, name: str, names: Sequence[str]) -> Sheet:
    values: dict[str, list[object]] = {column: [] for column in names}
    lines: list[int] = []
    for line, row in _objects(file, name):
        lines.append(line)
        for column, cells in values.items():
            cells.append(row.get(column))
    return _sheet_of_values(values, lambda row: f"{name} row {lines[row]}")


def _read_parquet(path: Path, names: Sequence[str]) -> Sheet:
    table = parquet().read_table(path, columns=list(names))
    values = {name: table.column(name).to_pylist() for name in names}
    return _sheet_of_values(values, lambda row: f"{path.name} index {row}")


def _sheet_of_values(values: Mapping[str, list[object]], where: Callable[[int], str]) -> Sheet:
    """Return values as text, or raise DatasetError for those that are several."""
    texts = {name: [as_text(value) for value in cells] for name, cells in values.items()}
    several = [(row, name) for name, cells in texts.items() for row, text in enumerate(cells) if text is None]
    DatasetError.refuse(
        sorted(several, key=lambda one: one[0]), lambda one: _several(one[1], values[one[1]][one[0]], where(one[0]))
    )
    return Sheet({name: [text or "" for text in cells] for name, cells in texts.items()}, where)


def as_text(value: object) -> str | None:
    """Return one value as text, or None where it is several."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict, tuple, set, bytes)):
        return None
    return str(value)


def _several(column: str, value: object, where: str) -> Problem:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    if isinstance(value, (list, tuple, set)):
        hint = "several labels for one image are not supported: write one value"
    else:
        hint = "write one value; images that lie inside a file must be saved as files, and their paths listed"
    return Problem(f"{column!r} is not one value but {shown}", where, hint)


def _check_names(names: Sequence[str], path: Path) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DatasetError(f"column {twice[0]!r} occurs twice", where=f"{path.name} row 1", hint="rename one of them")
    for separator, called in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
        if len(names) == 1 and separator in names[0]:
            wanted = "tabs" if path.suffix.lower() == ".tsv" else "commas"
            raise DatasetError(
                f"the fields seem to be separated by {called}, not {wanted}",
                where=f"{path.name} row 1",
                hint="save it as .csv with commas or as .tsv with tabs",
            )


def arrow() -> types.ModuleType:
    """Return pyarrow, or raise DatasetError as ``parquet`` does."""
    parquet()
    import pyarrow

    module: types.ModuleType = pyarrow
    return module


def parquet() -> types.ModuleType:
    """Return pyarrow's parquet module, or raise DatasetError with the command that installs it."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DatasetError(
            "parquet files need pyarrow, which is not installed",
            where="parquet",
            hint="pip install 'labelscan[parquet]', or save the file as csv",
        ) from error
    module: types.ModuleType = pyarrow.parquet
    return module
