"""Texts in a sheet: one row an example, its text in one column or several, and its label."""

import shlex
from collections.abc import Sequence

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import Texts
from labelscan.data.readers.columns import ROLE_SETTINGS, check_choice, not_used
from labelscan.data.readers.labelled_rows import read_rows
from labelscan.data.readers.refused_files import refuse_own_files
from labelscan.data.readers.sheet import Sheet, column_names, is_sheet
from labelscan.data.readers.text_columns import text_columns
from labelscan.events import Listener
from labelscan.files.reading import with_home

SETTINGS = ROLE_SETTINGS.union(["text_column", "encoding", "exclude", "include"])
BETWEEN = "\n\n"
"""What joins the texts of several columns."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet of texts, having found that it lists no files."""
    path = with_home(config.data)
    return is_sheet(path) and bool(text_columns(path, column_names(path, config.encoding), config))


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the texts of a sheet; ids are its id column, else row numbers from 0.

    An empty text keeps its row.

    Raises:
        DatasetError: columns or cells are missing; up to 20 problems at once.
    """
    path = with_home(config.data)
    names = column_names(path, config.encoding)
    refuse_own_files(names, path)
    check_choice(names, config, where=path.name)
    found = text_columns(path, names, config)
    others = [name for name in names if name not in found]
    rows = read_rows(path, others, config, beside=found)
    unused = [name for name in others if name not in rows.columns.used()]
    hint = f"name texts by --text-column, or judge a table by --exclude {shlex.quote(found[-1])}"
    notes = [f"{rows.columns.describe()}, text from {' and '.join(map(repr, found))}", *not_used(unused, hint)]
    return rows.dataset(Texts(as_strings(joined(rows.sheet, found))), notes)


def joined(rows: Sheet, columns: Sequence[str]) -> list[str]:
    """Return the text of each row: that of its columns, by a blank line in between where several are not empty."""
    if len(columns) == 1:
        return rows.columns[columns[0]]
    cells = zip(*(rows.columns[name] for name in columns), strict=True)
    return [BETWEEN.join(cell for cell in row if cell.strip()) for row in cells]
