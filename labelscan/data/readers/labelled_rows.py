"""The rows of a sheet with their labels, ids, groups and splits, whatever stands beside them."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.inputs import Inputs
from labelscan.data.readers.columns import Columns, check_cells, check_choice, find_columns
from labelscan.data.readers.sheet import HEAD, Sheet, column_names, name_of, read_sheet, single_valued
from labelscan.data.readers.unsupported import ONE_HOT, refuse_own_files
from labelscan.errors import DatasetError
from labelscan.files.reading import with_home

BY_ROW = "ids are row numbers from 0: --id-column names a column whose values stay with a row when others come or go"
MOSTLY = 0.5
"""The share of cells above which a column is like them."""


@dataclass(frozen=True)
class LabelledRows:
    """The rows of the splits that are read."""

    path: Path
    columns: Columns
    sheet: Sheet
    kept: list[int]
    """Their numbers in the file."""
    n_rows: int
    """How many rows the file has."""

    def dataset(self, inputs: Inputs, notes: Sequence[str], *, ids: Sequence[str] | None = None) -> Dataset:
        """Return the data set of these rows; ids are those of the id column, else ``ids``, else row numbers."""
        sheet, columns = self.sheet, self.columns
        example_ids = sheet.cells(columns.id) if columns.id else ids
        return make_dataset(
            name=name_of(self.path),
            place=self.path.name,
            inputs=inputs,
            labels=sheet.columns[columns.label],
            example_ids=[str(row) for row in self.kept] if example_ids is None else example_ids,
            where=sheet.where,
            ids_depend_on_order=example_ids is None,
            groups=sheet.cells(columns.group),
            splits=sheet.cells(columns.split),
            true_labels=sheet.cells(columns.true_label),
            notes=notes if example_ids is not None else [*notes, BY_ROW],
        )


def sheet_of(config: DatasetConfig) -> tuple[Path, list[str]]:
    """Return the path of a sheet and the names of its columns.

    Raises:
        DatasetError: labelscan itself has written it, or a column that the settings include or exclude is missing.
    """
    path = with_home(config.data)
    names = column_names(path, config.encoding)
    refuse_own_files(names, path)
    check_choice(names, config, where=path.name)
    return path, names


def read_rows(
    path: Path, names: Sequence[str], config: DatasetConfig, *, with_path: bool = False, beside: Sequence[str] = ()
) -> LabelledRows:
    """Return the rows of a sheet: the columns among ``names`` that have a role, and those ``beside`` them.

    Raises:
        DatasetError: no label column, empty cells; up to 20 problems at once.
    """
    columns = find_columns(
        names,
        config,
        where=path.name,
        with_path=with_path,
        label_hint=lambda free: _label_hint(path, free, config.encoding),
        beside=beside,
    )
    sheet = read_sheet(path, [*columns.used(), *beside], config.encoding)
    kept = rows_to_read(sheet, columns, config.split, where=path.name)
    rows = sheet.take(kept)
    check_cells(rows, columns)
    return LabelledRows(path, columns, rows, kept, len(sheet))


def rows_to_read(sheet: Sheet, columns: Columns, split: str, *, where: str) -> list[int]:
    """Return the rows of the splits that ``split`` names; all where it is empty."""
    splits = sheet.cells(columns.split)
    wanted = wanted_splits(split, splits or [], where=where, none_hint="name the column by --split-column")
    return [row for row in range(len(sheet)) if splits is None or splits[row] in wanted]


def wanted_splits(split: str, there: Iterable[str], *, where: str, none_hint: str) -> frozenset[str]:
    """Return which of the splits ``there`` to read: those that ``split`` names, separated by commas, else all.

    Raise DatasetError if one is missing, with ``none_hint`` if the data has no splits at all.
    """
    names = sorted(set(there))
    wanted = {name.strip() for name in split.split(",") if name.strip()}
    if not wanted:
        return frozenset(names)
    if not names:
        raise DatasetError("no-splits", f"no splits, but --split {split} was asked for", where=where, hint=none_hint)
    if unknown := sorted(wanted.difference(names)):
        hint = f"there are {', '.join(map(repr, names))}"
        raise DatasetError("unknown-split", f"no split is called {unknown[0]!r}", where=where, hint=hint)
    return frozenset(wanted)


def _label_hint(path: Path, names: Sequence[str], encoding: str) -> str:
    """Return which of the columns ``names`` may be the labels, as a hint where no label column is found, or nothing.

    It is the only one whose values recur and are not numbers, or several of which each row has a 1 in one.
    """
    head = read_sheet(path, single_valued(path, names), encoding, n_rows=HEAD).columns
    recurring = [name for name, cells in head.items() if 1 < len(set(cells)) <= MOSTLY * len(cells)]
    likely = [name for name in recurring if not are_numbers(head[name])] or recurring
    if len(likely) == 1:
        return f"perhaps --label-column {shlex.quote(likely[0])}"
    zeros_and_ones = [name for name, cells in head.items() if set(map(str.strip, cells)) == {"0", "1"}]
    rows = zip(*(map(int, head[name]) for name in zeros_and_ones), strict=True)
    if len(zeros_and_ones) > 1 and all(sum(row) == 1 for row in rows):
        return f"if {' and '.join(map(repr, zeros_and_ones[:2]))} say for a class each whether it is there, {ONE_HOT}"
    return ""


def are_numbers(cells: Sequence[str]) -> bool:
    """Return whether most cells that are not empty are numbers."""
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(is_number, filled)) > MOSTLY * len(filled)


def is_number(cell: str) -> bool:
    """Return whether Python reads a cell as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
