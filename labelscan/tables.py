"""Tables as files: CSV for spreadsheets and scripts, Markdown for pull requests and job summaries.

CSV is UTF-8 and quoted as RFC 4180 asks, but with lines ending in a bare line feed: that is what pandas, git and the
Unix tools that these files are cut and joined with write and expect, and every CSV reader takes it. Labels and paths
are written as they are, also where a spreadsheet would run them as a formula.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from labelscan.atomic import replacing_bytes

CHUNK_ROWS = 65_536
_NEEDS_QUOTES = re.compile(r'[",\r\n]')


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as all of ours are written."""
    with replacing_bytes(path) as file:
        file.write((",".join(map(_quoted, table.columns)) + "\n").encode("utf-8"))
        for start in range(0, len(table), CHUNK_ROWS):
            chunk = table.iloc[start : start + CHUNK_ROWS]
            columns = [_cells(chunk[name]) for name in table.columns]
            lines = "".join(",".join(row) + "\n" for row in zip(*columns, strict=True))
            file.write(lines.encode("utf-8"))


def markdown_table(titles: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        titles: of its columns.
        sides: one letter a column, l for left and r for right.
        rows: their cells, escaped already.
    """
    yield f"| {' | '.join(titles)} |"
    yield f"| {' | '.join('---' if side == 'l' else '---:' for side in sides)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _cells(column: pd.Series) -> Iterator[str]:
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
