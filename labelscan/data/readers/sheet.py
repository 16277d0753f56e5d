"""Rows of text from a csv, tsv, jsonl or parquet file or an Arrow folder, each with the place that messages name.

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

from labelscan.data.readers.arrow_sheet import (
    arrow_schema,
    class_names,
    is_arrow,
    is_arrow_folder,
    kinds_of,
    read_arrow,
)
from labelscan.data.readers.encodings import opened
from labelscan.data.refused_rows import reading
from labelscan.errors import DatasetError, Problem
from labelscan.files.reading import parsed

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
USUAL_DELIMITERS = {".csv": ",", ".tsv": "\t"}
DELIMITERS = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
"""What can separate the fields of a csv or tsv file, with their names."""
BYTE_ORDER_MARK = "\ufeff"
HEAD = 1000
"""How many rows are looked at to know what a sheet holds."""
MOST_CHARACTERS = 1 << 24
"""The longest field of a csv file: a text may be long, but a quote that is never closed must not take all memory."""


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


def is_sheet(path: Path) -> bool:
    """Return whether ``path`` is a file or folder that is read as a sheet, judging by names alone."""
    return is_arrow_folder(path) if path.is_dir() else path.suffix.lower() in SUFFIXES and path.exists()


def name_of(path: Path) -> str:
    """Return what the data set in a sheet is called."""
    return path.resolve().name if path.is_dir() else path.stem


def single_valued(path: Path, names: Sequence[str]) -> list[str]:
    """Return those of the columns ``names`` whose cells are one value each, as far as the file says."""
    kinds = kinds_of(path) if is_arrow(path) else {}
    return [name for name in names if kinds.get(name, "value") == "value"]


def column_names(path: Path, encoding: str = "") -> list[str]:
    """Return the names of the columns of a sheet, in its order; ``encoding`` is the one asked for, if any."""
    if is_arrow(path):
        names = [str(name) for name in arrow_schema(path).names]
    elif path.suffix.lower() == ".jsonl":
        rows = (row for _, row in islice(json_objects(path, encoding), HEAD))
        names = list(dict.fromkeys(name for row in rows for name in row))
    else:
        _, names = next(csv_rows(path, encoding), (1, []))
    if not names:
        raise DatasetError(
            "empty-file", "the file is empty", where=path.name, hint="it needs a row of column names, then data"
        )
    _check_names(names, path)
    return names


def read_sheet(path: Path, names: Sequence[str], encoding: str = "", *, n_rows: int | None = None) -> Sheet:
    """Return the columns ``names`` of a sheet, of all rows or of the first ``n_rows``.

    In the first rows, which are only looked at, a list is as good as no value.

    Raises:
        DatasetError: rows of the wrong length, lists in a cell, broken quotes or encoding; up to 20 at once.
    """
    if is_arrow(path):
        return _read_arrow(path, names, n_rows)
    read = _read_jsonl if path.suffix.lower() == ".jsonl" else _read_csv
    return read(path, names, encoding, n_rows)


@contextmanager
def long_fields() -> Iterator[None]:
    """Let ``csv`` read long fields; the limit is one of the whole process, and is set back."""
    before = csv.field_size_limit(MOST_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def delimiter_of(path: Path, encoding: str = "") -> str:
    """Return what separates the fields of a csv or tsv file: what its extension says, if the first two rows allow that.

    Spreadsheets of countries that write decimal commas save ``.csv`` with semicolons. Of several that make as many
    fields of both rows it is the one that makes most, and the usual one where none makes two.
    """
    usual = USUAL_DELIMITERS[path.suffix.lower()]
    n_fields = {delimiter: _n_fields(path, encoding, delimiter) for delimiter in dict.fromkeys((usual, *DELIMITERS))}
    most = max(n_fields.values())
    return next(delimiter for delimiter, n in n_fields.items() if n == most) if most > 1 else usual


def _n_fields(path: Path, encoding: str, delimiter: str) -> int:
    """Return how many fields the first two rows have by a delimiter; 0 where it does not fit them."""
    try:
        with long_fields(), opened(path, encoding) as file:
            rows = list(islice(filter(None, csv.reader(file, delimiter=delimiter, strict=True)), 2))
    except csv.Error:
        return 0
    return len(rows[0]) if rows and len(rows[0]) == len(rows[-1]) else 0


def csv_rows(path: Path, encoding: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield the line at which each record of a csv or tsv file starts, and its fields; the header is the first.

    Raises:
        DatasetError: as ``read_sheet``; records of the wrong length are left out, and named at the end.
    """
    line, number, n_columns = 1, 1, 0
    odd: list[tuple[str, int]] = []
    delimiter = delimiter_of(path, encoding)
    with long_fields(), opened(path, encoding) as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for record in reader:
                n_columns = n_columns or len(record)
                if record and len(record) == n_columns:
                    yield line, record
                elif record:
                    odd.append((place_in_sheet(path, line, number), len(record)))
                line, number = reader.line_num + 1, number + bool(record)
        except csv.Error as error:
            where, hint = place_in_sheet(path, line, number), 'inside quotes, write " as ""'
            if "field limit" in str(error):
                hint = "close the quotes; longer texts can be read from .jsonl and .parquet"
            raise DatasetError("broken-row", f"broken quotes or fields ({error})", where=where, hint=hint) from error
    hint = f"put fields with {DELIMITERS[delimiter]} into quotes"
    DatasetError.refuse(
        odd, lambda one: Problem("broken-row", f"{one[1]} fields for {n_columns} columns", one[0], hint)
    )


def place_in_sheet(path: Path, line: int, number: int) -> str:
    """Return where a record is: its row, the header being 1, or its line where blank lines or breaks shift rows."""
    return f"{path.name} row {number}" if line == number else f"{path.name} line {line}"


def _read_csv(path: Path, names: Sequence[str], encoding: str, n_rows: int | None) -> Sheet:
    rows = csv_rows(path, encoding)
    _, there = next(rows)
    places = [there.index(name) for name in names]
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    for line, record in islice(rows, n_rows):
        lines.append(line)
        for column, place in zip(columns, places, strict=True):
            column.append(record[place])
    return Sheet(dict(zip(names, columns, strict=True)), lambda row: place_in_sheet(path, lines[row], row + 2))


def json_objects(
    path: Path, encoding: str = "", decoder: json.JSONDecoder | None = None
) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the line and the object of each line of a jsonl file that is not blank; numbers are text as written.

    Raises:
        DatasetError: a line is no object; another ``decoder`` reads its numbers otherwise.
    """
    with opened(path, encoding) as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            where = f"{path.name} row {line}"
            try:
                row = parsed((decoder or _DECODER).decode, text.strip())
            except ValueError as error:
                raise DatasetError(
                    "not-valid", f"not valid JSON ({error})", where=where, hint="write one object a line"
                ) from error
            if not isinstance(row, dict):
                hint = 'write one object a line, as in {"path": "1.png", "label": "cat"}'
                kind = "a list" if isinstance(row, list) else "one value"
                raise DatasetError("broken-row", f"not an object but {kind}", where=where, hint=hint)
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


def _read_jsonl(path: Path, names: Sequence[str], encoding: str, n_rows: int | None) -> Sheet:
    values: dict[str, list[object]] = {column: [] for column in names}
    lines: list[int] = []
    for line, row in islice(json_objects(path, encoding), n_rows):
        lines.append(line)
        for column, cells in values.items():
            cells.append(row.get(column))
    return _sheet_of_values(values, lambda row: f"{path.name} row {lines[row]}", is_look=n_rows is not None)


def _read_arrow(path: Path, names: Sequence[str], n_rows: int | None) -> Sheet:
    table, schema = read_arrow(path, names, n_rows=n_rows), arrow_schema(path)
    with reading(path.name, "save these columns as text", (ValueError, OverflowError)):  # dates that Python has not
        values = {name: table.column(name).to_pylist() for name in names}
    for name, cells in values.items():
        if (classes := class_names(schema, name)) is not None:
            names_of: dict[object, object] = {-1: None, **dict(enumerate(classes))}  # -1 stands for no label
            values[name] = [names_of.get(cell, cell) if isinstance(cell, int) else cell for cell in cells]
    return _sheet_of_values(values, lambda row: f"{path.name} index {row}", is_look=n_rows is not None)


def _sheet_of_values(values: Mapping[str, list[object]], where: Callable[[int], str], *, is_look: bool) -> Sheet:
    texts = {name: [as_text(value) for value in cells] for name, cells in values.items()}
    several = [(row, name) for name, cells in texts.items() for row, text in enumerate(cells) if text is None]

    def problem(one: tuple[int, str]) -> Problem:
        row, name = one
        value = values[name][row]
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
        are_labels = isinstance(value, (list, tuple, set))
        hint = "write one value"
        hint = f"several labels for one example are not supported: {hint}" if are_labels else hint
        return Problem("several-values", f"{name!r} is not one value but {shown}", where(row), hint)

    DatasetError.refuse(sorted([] if is_look else several, key=lambda one: one[0]), problem)
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


def _check_names(names: Sequence[str], path: Path) -> None:
    if any("\0" in name for name in names):
        hint = "save it as UTF-8, which this file is not"
        raise DatasetError(
            "nul-bytes", "the names of the columns hold NUL bytes", where=f"{path.name} row 1", hint=hint
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        hint = "rename one of them" if twice[0] else "name them, or take out what separates fields at the ends of rows"
        raise DatasetError("column-twice", f"column {twice[0]!r} occurs twice", where=f"{path.name} row 1", hint=hint)
