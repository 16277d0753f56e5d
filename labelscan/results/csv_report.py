"""issues.csv and scores.csv, and the tables of a benchmark: for spreadsheets, scripts and ``diff``.

UTF-8 and quoted as RFC 4180 asks, but with lines ending in a bare line feed: that is what pandas, git and the Unix
tools that these files are cut and joined with write and expect, and every CSV reader takes it. Labels and paths
are written as they are, also where a spreadsheet would run them as a formula.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from labelscan.atomic import replacing_bytes
from labelscan.benchmarking.scoreboard import Scoreboard
from labelscan.errors import RunFolderError
from labelscan.results.issues import ISSUES_FILE, NUMBER_COLUMNS, SCORE_COLUMNS, SCORES_FILE, TRUE_LABEL, Issues

SCOREBOARD_FILE, MEASUREMENTS_FILE = "benchmark.csv", "measurements.csv"
CHUNK_ROWS = 65_536
_NEEDS_QUOTES = re.compile(r'[",\r\n]')


def write_csv(issues: Issues, run_folder: Path) -> None:
    """Write issues.csv, what is flagged, and scores.csv, every example, most doubtful first in both."""
    write_table(issues.flagged, run_folder / ISSUES_FILE)
    write_table(issues.scores, run_folder / SCORES_FILE)


def write_scoreboard_csv(scoreboard: Scoreboard, folder: Path) -> None:
    """Write benchmark.csv, the means over seeds, and measurements.csv, what they are means of."""
    write_table(scoreboard.table(), folder / SCOREBOARD_FILE)
    write_table(scoreboard.measured(), folder / MEASUREMENTS_FILE)


def read_scores(path: Path) -> Issues:
    """Return the table in a scores.csv, its numbers as exact as they were written (6 significant digits).

    Raises:
        RunFolderError: the file is not there, or is no scores.csv.
    """
    try:
        scores = pd.read_csv(
            path,
            dtype=object,
            keep_default_na=False,
            encoding="utf-8",
            lineterminator="\n",  # a carriage return inside a cell is part of it
        )
        if tuple(scores.columns) not in (SCORE_COLUMNS, (*SCORE_COLUMNS, TRUE_LABEL)):
            raise ValueError(f"its columns are {', '.join(map(str, scores.columns))}")
        for name in NUMBER_COLUMNS:
            scores[name] = np.array([float(text) if text else np.nan for text in scores[name]])
        scores["rank"] = pd.array([int(text) if text else None for text in scores["rank"]], dtype="Int64")
        scores["flagged"] = scores["flagged"].to_numpy() == "true"
    except (OSError, ValueError) as error:
        raise RunFolderError(
            f"is not the table of scores of a run ({error})", where=str(path), hint="run again with --fresh"
        ) from error
    return Issues(scores)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as all of ours are written: see the head of this module."""
    with replacing_bytes(path) as file:
        file.write((",".join(map(_quoted, table.columns)) + "\n").encode("utf-8"))
        for start in range(0, len(table), CHUNK_ROWS):
            chunk = table.iloc[start : start + CHUNK_ROWS]
            columns = [_cells(chunk[name]) for name in table.columns]
            lines = "".join(",".join(row) + "\n" for row in zip(*columns, strict=True))
            file.write(lines.encode("utf-8"))


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
