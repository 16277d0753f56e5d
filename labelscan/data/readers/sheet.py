"""Rows of text from a csv, tsv, jsonl or parquet file, each with the line that an editor shows it on.

Cells stay as they are written: ``NA`` is a class of someone's data set, and ``01`` is not ``1``.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from labelscan.errors import DatasetError, Problem
from labelscan.reading import CANNOT_READ, check_is_file, not_utf8, open_text, parsed, why

if TYPE_CHECKING:
    import pyarrow

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
BYTE_ORDER_MARK = "\ufeff"
LEAST_MANY_ROWS = 1_000_000
"""A parquet file of more rows than bytes may have up to this many: to unpack billions of equal ones ends nowhere."""
JSON_ROWS_FOR_NAMES = 1000
"""How many objects of a jsonl file are looked at for the columns there are."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns of N cells of text, empty where there is no value."""

    columns: dict[str, list[str]]
    where: Callable[[int], str]
    """Row number from 0 to the place that a message names."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: Sequence[int]) -> "Sheet":
        """Return some of the rows; messages name them by their old places."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return Sheet(columns, lambda row: self.where(rows[row]))

    def cells(self, column: str) -> list[str] | None:
        """Return the cells of a column, None where it has no name and so is not there."""
        return self.columns[column] if column else None


def column_names(path: Path) -> list[str]:
    """Return the names of the columns of a file, in its order."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        names = parquet_names(path)
    elif suffix == ".jsonl":
        rows = (row for _, row in islice(_objects(path), JSON_ROWS_FOR_NAMES))
        names = list(dict.fromkeys(name for row in rows for name in row))
    else:
        _, names = next(csv_rows(path), (1, []))
    if not names:
        raise DatasetError("the file is empty", where=path.name, hint="it needs a row of column names, then data")
    _check_names(names, path)
    return names


def read_sheet(path: Path, names: Sequence[str]) -> Sheet:
    """Return the columns ``names`` of a file.

    Raises:
        DatasetError: rows of the wrong length, lists in a cell, broken quotes or encoding; up to 20 at once.
    """
    return _READERS[path.suffix.lower()](path, names)


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line at which each record of a csv or tsv file starts, and its fields; the header is the first.

    Raises:
        DatasetError: as ``read_sheet``; records of the wrong length are left out, and named at the end.
    """
    line, n_columns = 1, 0
    odd: list[tuple[int, int]] = []
    with _open(path) as file:
        reader = csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
        try:
            for record in reader:
                n_columns = n_columns or len(record)
                if record and len(record) == n_columns:
                    yield line, record
                elif record:
                    odd.append((line, len(record)))
                line = reader.line_num + 1
        except csv.Error as error:
            where, hint = f"{path.name} row {line}", 'inside quotes, write " as ""'
            if "field limit" in str(error):
                hint = "close the quotes; longer fields can be read from .jsonl and .parquet"
            raise DatasetError(f"broken quotes or fields ({error})", where=where, hint=hint) from error
    hint = "put fields with commas into quotes"
    DatasetError.refuse(
        odd, lambda one: Problem(f"{one[1]} fields for {n_columns} columns", f"{path.name} row {one[0]}", hint)
    )


def _open(path: Path) -> TextIO:
    """Open UTF-8 text, with or without a byte order mark, having found that it is UTF-8."""
    number = 0
    try:
        check_is_file(path)
        with path.open("rb") as file:
            for line in file:
                number += 1
                line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(
            not_utf8(error, f"column {error.start + 1}"),
            where=f"{path.name} row {number}",
            hint="save it as UTF-8",
        ) from error
    except CANNOT_READ as error:
        raise DatasetError(f"cannot be read ({why(error)})", where=str(path), hint="name a file of text") from error
    return open_text(path)


def _read_csv(path: Path, names: Sequence[str]) -> Sheet:
    rows = csv_rows(path)
    _, there = next(rows)
    places = [there.index(name) for name in names]
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    for line, record in rows:
        lines.append(line)
        for column, place in zip(columns, places, strict=True):
            column.append(record[place])
    return Sheet(dict(zip(names, columns, strict=True)), lambda row: f"{path.name} row {lines[row]}")


def _objects(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with _open(path) as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            where = f"{path.name} row {line}"
            try:
                row = parsed(_DECODER.decode, text.strip())
            except ValueError as error:
                raise DatasetError(f"not valid JSON ({error})", where=where, hint="write one object a line") from error
            if not isinstance(row, dict):
                hint = 'write one object a line, as in {"path": "1.png", "label": "cat"}'
                kind = "a list" if isinstance(row, list) else "one value"
                raise DatasetError(f"not an object but {kind}", where=where, hint=hint)
            yield line, row


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object of a JSON text, of which Python would drop all but the last value of a name."""
    row = dict(pairs)
    if len(row) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{twice!r} occurs twice")
    return row


# Numbers stay as written: 1.0 is not 1, and a long id is not rounded.
_DECODER = json.JSONDecoder(object_pairs_hook=_each_once, parse_int=str, parse_float=str, parse_constant=str)


def _read_jsonl(path: Path, names: Sequence[str]) -> Sheet:
    values: dict[str, list[object]] = {column: [] for column in names}
    lines: list[int] = []
    for line, row in _objects(path):
        lines.append(line)
        for column, cells in values.items():
            cells.append(row.get(column))
    return _sheet_of_values(values, lambda row: f"{path.name} row {lines[row]}")


def _read_parquet(path: Path, names: Sequence[str]) -> Sheet:
    table = read_parquet(path, names)
    try:
        values = {name: table.column(name).to_pylist() for name in names}
    except (ValueError, OverflowError) as error:  # dates that Python has not, text that is not UTF-8
        raise DatasetError(
            f"cannot be read ({why(error)})", where=path.name, hint="save these columns as text"
        ) from error
    return _sheet_of_values(values, lambda row: f"{path.name} index {row}")


_READERS = {".csv": _read_csv, ".tsv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}


def _sheet_of_values(values: Mapping[str, list[object]], where: Callable[[int], str]) -> Sheet:
    texts = {name: [as_text(value) for value in cells] for name, cells in values.items()}
    several = [(row, name) for name, cells in texts.items() for row, text in enumerate(cells) if text is None]
    DatasetError.refuse(
        sorted(several, key=lambda one: one[0]),
        lambda one: _not_one_value(one[1], values[one[1]][one[0]], where(one[0])),
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


def _not_one_value(column: str, value: object, where: str) -> Problem:
    shown = repr(value)
    if len(shown) > 60:
        shown = f"{shown[:57]}..."
    if isinstance(value, (list, tuple, set)):
        hint = "several labels for one image are not supported: write one value"
    else:
        hint = "write one value; images inside a file must be saved as files, and their paths listed"
    return Problem(f"{column!r} is not one value but {shown}", where, hint)


def _check_names(names: Sequence[str], path: Path) -> None:
    if any("\0" in name for name in names):
        hint = "save it as UTF-8, which this file is not"
        raise DatasetError("the names of the columns hold NUL bytes", where=f"{path.name} row 1", hint=hint)
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


def parquet_names(path: Path) -> list[str]:
    """Return the names of the columns of a parquet file, or raise DatasetError."""
    with _parquet(path) as file:
        return [str(name) for name in file.schema_arrow.names]


def read_parquet(path: Path, names: Sequence[str]) -> "pyarrow.Table":
    """Return the columns ``names`` of a parquet file, in that order.

    Raises:
        DatasetError: the file is damaged, or holds more rows than bytes.
    """
    with _parquet(path) as file:
        n_rows, n_bytes = file.metadata.num_rows, path.stat().st_size
        if n_rows > max(n_bytes, LEAST_MANY_ROWS):
            raise ValueError(f"it says that {n_rows:,} rows are in {n_bytes:,} bytes")
        table = file.read(columns=list(names)).select(list(names))
        table.validate(full=True)  # whether text is UTF-8, which nothing else looks at until it is read
        return table


@contextmanager
def _parquet(path: Path) -> Iterator["pyarrow.parquet.ParquetFile"]:
    import pyarrow.parquet  # only now: most files are text

    try:
        check_is_file(path)
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except Exception as error:  # hostile bytes make pyarrow raise almost anything
        raise DatasetError(f"cannot be read ({why(error)})", where=str(path), hint="save it anew") from error
