"""The rows of a sheet with their labels, ids, groups and splits, whatever stands beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.inputs import Inputs
from labelscan.data.readers.columns import Columns, check_cells, find_columns
from labelscan.data.readers.first_rows import label_hint
from labelscan.data.readers.sheet import Sheet, name_of, read_sheet
from labelscan.data.readers.splits import rows_to_read

BY_ROW = "ids are row numbers from 0: --id-column names a column whose values stay with a row when others come or go"


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
        label_hint=lambda free: label_hint(path, free, config.encoding),
        beside=beside,
    )
    sheet = read_sheet(path, [*columns.used(), *beside], config.encoding)
    kept = rows_to_read(sheet, columns, config.split, where=path.name)
    rows = sheet.take(kept)
    check_cells(rows, columns)
    return LabelledRows(path, columns, rows, kept, len(sheet))
