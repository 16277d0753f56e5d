"""A table: a csv, tsv or parquet file whose rows are examples and whose columns are numbers or categories."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, FeatureTable, make_dataset
from labelscan.data.readers.arrow_sheet import is_arrow, read_arrow
from labelscan.data.readers.columns import check_cells, find_columns
from labelscan.data.readers.encodings import encoding_of
from labelscan.data.readers.refused_files import refuse_own_files, refuse_prob_columns
from labelscan.data.readers.sheet import DELIMITERS, column_names, is_sheet, read_sheet
from labelscan.data.readers.splits import rows_to_read
from labelscan.errors import DatasetError, Problem
from labelscan.events import Listener
from labelscan.reading import with_home

SETTINGS = frozenset(["split", "label_column", "true_label_column", "id_column", "group_column", "split_column"])
MAX_CATEGORIES = 100
"""A text column with more distinct values is refused: it is a name or free text and not a category."""
MISSING = frozenset(["", "na", "n/a", "nan", "null", "none", "?"])
"""How a missing number is written, in lower case."""
ROW_NUMBER_NAMES = ("", "index", "unnamed: 0")
"""What pandas and R call the column of row numbers that they write in front."""


@dataclass
class _Features:
    """Columns of (N,) numbers found so far, and what is wrong or worth a note."""

    where: Callable[[int], str]
    names: list[str] = field(default_factory=list)
    columns: list[NDArray[np.float32]] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    row_numbers: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, name: str, cells: "pd.Series[Any]") -> None:
        kind = cells.dtype
        if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_numeric_dtype(kind):
            self._add_numbers(name, np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64))
        elif pd.api.types.is_string_dtype(kind) or isinstance(kind, pd.CategoricalDtype):
            self._add_text(name, cells)
        else:
            what = f"column {name!r} holds {kind} and not numbers or text, as in {cells[0]!r}"
            self._refuse([0], lambda _: what, "turn it into a number, or take it out")

    def _add_numbers(self, name: str, values: NDArray[np.float64]) -> None:
        with np.errstate(over="ignore"):
            numbers = values.astype(np.float32)
        broken = np.flatnonzero(~np.isfinite(numbers)).tolist()
        if broken:
            hint = "fill it in, or take out the row or the column"
            shown = {row: "no number" if np.isnan(values[row]) else f"{values[row]:g}" for row in broken}
            self._refuse(broken, lambda row: f"column {name!r} has {shown[row]}", hint)
        elif len(values) and values.min() == values.max():
            self.constant.append(name)
        elif name.strip().lower() in ROW_NUMBER_NAMES and (np.diff(values) == 1).all():
            self.row_numbers.append(name)
        else:
            self._put(name, numbers)

    def _add_text(self, name: str, cells: "pd.Series[Any]") -> None:
        odd = next((row for row, cell in enumerate(cells) if isinstance(cell, np.ndarray | dict | bytes)), None)
        if odd is not None:
            what = f"column {name!r} holds several values in a cell, or bytes"
            self._refuse([odd], lambda _: what, "write one number or text a cell, or take it out")
            return
        text = pd.Series(["" if pd.isna(cell) else str(cell) for cell in cells.tolist()], dtype=object)
        values = sorted(set(text))
        if len(values) == 1:
            self.constant.append(name)
            return
        numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
        missing = np.array([cell.strip().lower() in MISSING for cell in text], dtype=bool)  # there may be no row
        words = np.isnan(numbers) & ~missing
        if words.sum() < (~missing).sum() / 2:  # a column of numbers in which some are missing or misspelt
            broken = np.flatnonzero(~np.isfinite(numbers)).tolist()
            if broken:
                hint = "write a number, or take out the row or the column"
                self._refuse(broken, lambda row: f"column {name!r} has {text[row]!r} among numbers", hint)
            else:
                self._add_numbers(name, numbers)
        elif len(values) > MAX_CATEGORIES:
            many = f"{len(values):,} different texts, as {text[0]!r}: too many to be a category"
            hint = "take it out, or say what it is by --id-column, --group-column or --path-column"
            self._refuse([0], lambda _: f"column {name!r} holds {many}", hint)
        else:
            self.categories.append(name)
            for value in values:
                self._put(f"{name}={value}", np.asarray(text == value, dtype=np.float32))

    def table(self, name: str) -> tuple[FeatureTable, list[str]]:
        """Return the features and notes on them, or raise DatasetError for what is wrong."""
        DatasetError.refuse(self.problems, lambda problem: problem)
        if not self.columns:
            problem = "no feature column has two different values"
            raise DatasetError(problem, where=name, hint="there is nothing to learn")
        notes = [f"features: {len(self.columns):,} columns of numbers"]
        if self.categories:
            notes.append(f"text columns made one column a value: {', '.join(self.categories)}")
        if self.constant:
            notes.append(f"columns dropped that have one value only: {', '.join(self.constant)}")
        if self.row_numbers:
            notes.append(f"columns dropped that number the rows: {', '.join(map(repr, self.row_numbers))}")
        return FeatureTable(np.column_stack(self.columns), tuple(self.names)), notes

    def _refuse(self, rows: Sequence[int], what: Callable[[int], str], hint: str) -> None:
        self.problems += [Problem(what(row), self.where(row), hint) for row in rows]

    def _put(self, name: str, values: NDArray[np.float32]) -> None:
        self.names.append(name)
        self.columns.append(values)


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet, having found that it lists no images."""
    return is_sheet(with_home(config.data))


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the rows of a table; ids are its id column, else row numbers from 0.

    Raises:
        DatasetError: the label column or a number is missing, text is not a category; up to 20 problems at once.
    """
    path = with_home(config.data)
    names = column_names(path)
    refuse_own_files(names, path)
    refuse_prob_columns(names, config)
    columns = find_columns(
        names, config, where=path.name, with_path=False, likely_label=lambda others: _only_text(path, others)
    )
    sheet = read_sheet(path, columns.used())
    kept = rows_to_read(sheet, columns, config.split, where=path.name)
    rows = sheet.take(kept)
    check_cells(rows, columns)
    frame = _frame(path, [name for name in names if name not in columns.used()], n_rows=len(sheet))
    features = _Features(rows.where)
    index = np.array(kept, dtype=np.int64)
    for column in frame.columns:
        features.add(str(column), frame[column].iloc[index].reset_index(drop=True))
    inputs, notes = features.table(path.name)
    return make_dataset(
        name=path.stem,
        place=path.name,
        inputs=inputs,
        labels=rows.columns[columns.label],
        example_ids=rows.cells(columns.id) or [str(row) for row in kept],
        where=rows.where,
        ids_depend_on_order=not columns.id,
        groups=rows.cells(columns.group),
        splits=rows.cells(columns.split),
        true_labels=rows.cells(columns.true_label),
        notes=[columns.describe(), *notes],
    )


def _frame(path: Path, names: Sequence[str], *, n_rows: int) -> pd.DataFrame:
    """Return the feature columns, numbers as numbers and all other cells as text."""
    if not names:
        raise DatasetError("no feature columns", where=path.name, hint="a table needs columns besides its label")
    frame: pd.DataFrame
    if is_arrow(path):
        frame = read_arrow(path, names).to_pandas()
    elif path.suffix.lower() == ".jsonl":
        frame = pd.DataFrame(read_sheet(path, names).columns)
    else:
        there = column_names(path)
        frame = pd.read_csv(
            path,
            sep=DELIMITERS[path.suffix.lower()],
            encoding=encoding_of(path),
            header=0,
            names=there,
            usecols=[there.index(name) for name in names],
            na_filter=False,
            index_col=False,
            low_memory=False,
        )
    if len(frame) != n_rows:
        raise DatasetError(f"{len(frame):,} rows of features for {n_rows:,} labels", where=path.name)
    return frame


def _only_text(path: Path, names: Sequence[str]) -> str:
    """Return the one of the columns ``names`` that holds words; empty where there are none or several."""
    columns = read_sheet(path, names).columns
    words = [name for name, cells in columns.items() if pd.to_numeric(pd.Series(cells), errors="coerce").isna().all()]
    return words[0] if len(words) == 1 else ""
