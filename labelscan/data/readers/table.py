"""A table: a csv, tsv, jsonl or parquet file whose rows are examples and whose columns are features of any kind."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.readers.columns import asked_columns, check_cells, feature_columns, find_columns
from labelscan.data.readers.refused_files import refuse_own_files, refuse_prob_columns
from labelscan.data.readers.sheet import DELIMITERS, SUFFIXES, column_names, read_parquet, read_sheet
from labelscan.data.readers.splits import rows_to_read
from labelscan.data.readers.typed_columns import inputs_of_frame
from labelscan.errors import DatasetError
from labelscan.events import Listener
from labelscan.reading import why, with_home

SETTINGS = frozenset(
    ["split", "label_column", "true_label_column", "id_column", "group_column", "split_column", "exclude", "only"]
)


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet, having found that it lists no images."""
    path = with_home(config.data)
    return path.suffix.lower() in SUFFIXES and path.exists()


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the rows of a table; ids are its id column, else row numbers from 0.

    Raises:
        DatasetError: the label column is missing, or cells are not what their column is; up to 20 problems at once.
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
    features = feature_columns(names, columns, config, where=path.name)
    frame = _frame(path, features, n_rows=len(sheet))
    if len(kept) < len(frame):
        frame = frame.iloc[np.array(kept, dtype=np.int64)]
    inputs, notes = inputs_of_frame(frame, where=rows.where, place=path.name, asked=asked_columns(features, config))
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
    """Return the feature columns; of text files, columns of numbers alone as numbers and all other cells as text."""
    if path.suffix.lower() == ".parquet":
        frame = _from_parquet(path, names)
    elif path.suffix.lower() == ".jsonl":
        columns = read_sheet(path, names).columns
        frame = pd.DataFrame(columns, dtype=object)  # a str of pandas is UTF-8, and JSON can spell what is not
    else:
        there = column_names(path)
        frame = pd.read_csv(
            path,
            sep=DELIMITERS[path.suffix.lower()],
            encoding="utf-8-sig",
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


def _from_parquet(path: Path, names: Sequence[str]) -> pd.DataFrame:
    table = read_parquet(path, names)
    try:
        frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    except (ValueError, OverflowError) as error:  # a time zone that nobody knows
        hint = "save these columns as text"
        raise DatasetError(f"cannot be read ({why(error)})", where=path.name, hint=hint) from error
    return frame


def _only_text(path: Path, names: Sequence[str]) -> str:
    """Return the one of the columns ``names`` that holds words; empty where there are none or several."""
    columns = pd.DataFrame(read_sheet(path, names).columns, dtype=object)
    words = [name for name in names if pd.to_numeric(columns[name], errors="coerce").isna().all()]
    return words[0] if len(words) == 1 else ""
