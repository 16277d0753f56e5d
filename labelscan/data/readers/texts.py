"""Texts in a sheet: one row an example, its text in one column or several, and its label."""

import shlex
from collections.abc import Sequence

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, Texts, make_dataset
from labelscan.data.readers.columns import ROLE_SETTINGS, check_cells, find_columns, not_used
from labelscan.data.readers.refused_files import refuse_own_files
from labelscan.data.readers.sheet import Sheet, column_names, is_sheet, name_of, read_sheet
from labelscan.data.readers.splits import rows_to_read
from labelscan.data.readers.text_columns import likely_label, text_columns
from labelscan.events import Listener
from labelscan.reading import with_home

SETTINGS = ROLE_SETTINGS.union(["text_column", "encoding", "exclude", "only"])
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
    found = text_columns(path, names, config)
    others = [name for name in names if name not in found]
    columns = find_columns(
        others,
        config,
        where=path.name,
        with_path=False,
        likely_label=lambda free: likely_label(path, free, config.encoding),
    )
    sheet = read_sheet(path, [*columns.used(), *found], config.encoding)
    kept = rows_to_read(sheet, columns, config.split, where=path.name)
    rows = sheet.take(kept)
    check_cells(rows, columns)
    notes = [f"{columns.describe()}, text from {' and '.join(map(repr, found))}"]
    hint = f"name texts by --text-column, or judge a table by --exclude {shlex.quote(found[-1])}"
    notes += not_used([name for name in others if name not in columns.used()], hint)
    return make_dataset(
        name=name_of(path),
        place=path.name,
        inputs=Texts(as_strings(joined(rows, found))),
        labels=rows.columns[columns.label],
        example_ids=rows.cells(columns.id) or [str(row) for row in kept],
        where=rows.where,
        ids_depend_on_order=not columns.id,
        groups=rows.cells(columns.group),
        splits=rows.cells(columns.split),
        true_labels=rows.cells(columns.true_label),
        notes=notes,
    )


def joined(rows: Sheet, columns: Sequence[str]) -> list[str]:
    """Return the text of each row: that of its columns, by a blank line in between where several are not empty."""
    if len(columns) == 1:
        return rows.columns[columns[0]]
    cells = zip(*(rows.columns[name] for name in columns), strict=True)
    return [BETWEEN.join(cell for cell in row if cell.strip()) for row in cells]
