"""Tables: a data frame and the columns that people see of it, declared once for the terminal and Markdown; and CSV.

The terminal (``cli.console``) and Markdown show a ``Table`` each in its own way. CSV, for spreadsheets and scripts, is
the data frame itself: UTF-8, quoted as RFC 4180 says, but with lines that end in a bare line feed, which pandas, git
and Unix tools write and expect and every CSV reader accepts. Labels and paths are written as they are, even where a
spreadsheet would run them as a formula.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd

from labelscan.files.atomic import replacing_bytes
from labelscan.wording.words import as_code, in_markdown, percent

CHUNK_ROWS = 65_536
NONE = "-"
"""What stands for a missing number."""
_NEEDS_QUOTES = re.compile(r'[",\r\n]')

Kind: TypeAlias = Literal["text", "name", "label", "count", "share", "number", "figure", "bar"]
"""What a column holds.

``text`` is our own and never cut. A ``name`` may lose its middle on a narrow terminal; so may a ``label``, which comes
from the data (labels, ids, paths). ``count``, ``share`` (in per cent), ``number`` (three decimals) and ``figure`` (a
number already made into text) are aligned right. A ``bar`` draws a share on a terminal.
"""
_SHOWN = {"count": "{:,.0f}".format, "share": percent, "number": "{:.3f}".format}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for people: its title, and what it shows of a data frame."""

    title: str
    name: str = ""
    """The column of the data frame; empty for a decoration that has the same ``text`` in every row."""
    kind: Kind = "text"
    spare: int = 0
    """On a narrow terminal the columns with the highest go first; those with 0 stay."""
    text: str = ""

    @property
    def is_number(self) -> bool:
        """Return whether the column is aligned right, with dashes for missing values."""
        return self.kind in ("count", "share", "number", "figure")

    @property
    def can_shrink(self) -> bool:
        """Return whether its cells may lose their middle."""
        return self.kind in ("name", "label")

    def shown(self, value: Any) -> str:
        """Return a value of the data frame as people read it."""
        if value is None or value != value:
            return NONE if self.is_number else ""
        return _SHOWN.get(self.kind, str)(value)


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A data frame, and the columns that people see of it, in order."""

    columns: Sequence[Column]
    rows: pd.DataFrame

    @classmethod
    def of(cls, columns: Sequence[Column], records: Iterable[object]) -> "Table":
        """Return a table of dataclasses or mappings."""
        rows = list(records)
        names = None if rows else [one.name for one in columns if one.name]
        # Objects, since a name that is not valid UTF-8 fits no other text type.
        return cls(columns, pd.DataFrame(rows, columns=names, dtype=object))

    def __len__(self) -> int:
        return len(self.rows)

    def head(self, most: int) -> "Table":
        """Return the table with its first rows."""
        return replace(self, rows=self.rows.head(most))

    def values(self, column: Column) -> list[Any]:
        """Return the values of a column, one a row."""
        return self.rows[column.name].tolist() if column.name and len(self) else [column.text] * len(self)

    def cells(self, column: Column) -> list[str]:
        """Return the texts of a column, one a row."""
        return [column.shown(value) for value in self.values(column)]

    def markdown(self) -> Iterator[str]:
        """Yield the lines of the table in Markdown; labels, ids and paths as code."""
        columns = [one for one in self.columns if one.name]
        escaped = [map(as_code if one.kind == "label" else in_markdown, self.cells(one)) for one in columns]
        sides = "".join("r" if one.is_number else "l" for one in columns)
        return markdown_table([one.title for one in columns], sides, zip(*escaped, strict=True))


def markdown_table(titles: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        titles: one a column.
        sides: one letter a column, l for left and r for right.
        rows: cells that are already escaped.
    """
    yield f"| {' | '.join(titles)} |"
    yield f"| {' | '.join('---' if side == 'l' else '---:' for side in sides)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, floats with 6 significant digits; the same table always gives the same bytes."""
    with replacing_bytes(path) as file:
        file.write((",".join(map(_quoted, table.columns)) + "\n").encode("utf-8"))
        for start in range(0, len(table), CHUNK_ROWS):
            chunk = table.iloc[start : start + CHUNK_ROWS]
            columns = [_csv_cells(chunk[name]) for name in table.columns]
            lines = "".join(",".join(row) + "\n" for row in zip(*columns, strict=True))
            file.write(lines.encode("utf-8"))


def records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a table for JSON: None where a value is missing."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _csv_cells(column: pd.Series) -> Iterator[str]:
    if pd.api.types.is_bool_dtype(column):
        return ("true" if value else "false" for value in column)
    if pd.api.types.is_float_dtype(column):
        return ("" if value != value else f"{value:.6g}" for value in column.tolist())
    if pd.api.types.is_integer_dtype(column):
        return ("" if value is pd.NA else str(value) for value in column.tolist())
    # Not csv.writer: before Python 3.13 it left a lone carriage return unquoted where lines end in a line feed.
    return map(_quoted, column)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
