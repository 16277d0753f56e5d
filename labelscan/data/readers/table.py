"""A table: a sheet whose rows are examples and whose columns are features of any kind."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.readers.arrow_sheet import is_arrow, read_arrow
from labelscan.data.readers.cells import with_decimal_commas
from labelscan.data.readers.columns import ROLE_SETTINGS, asked_columns, feature_columns
from labelscan.data.readers.encodings import encoding_of
from labelscan.data.readers.labelled_rows import read_rows
from labelscan.data.readers.refused_files import refuse_own_files, refuse_prob_columns
from labelscan.data.readers.sheet import USUAL_DELIMITERS, as_text, column_names, delimiter_of, is_sheet, json_objects
from labelscan.data.readers.typed_columns import inputs_of_frame
from labelscan.errors import DatasetError
from labelscan.events import Listener
from labelscan.files.reading import why, with_home

SETTINGS = ROLE_SETTINGS.union(["encoding", "exclude", "include"])


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet, having found that it lists no files and holds no texts."""
    return is_sheet(with_home(config.data))


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the rows of a table; ids are its id column, else row numbers from 0.

    Raises:
        DatasetError: the label column is missing, or cells are not what their column is; up to 20 problems at once.
    """
    path = with_home(config.data)
    names = column_names(path, config.encoding)
    refuse_own_files(names, path)
    refuse_prob_columns(names, config)
    rows = read_rows(path, names, config)
    features, dropped = feature_columns(names, rows.columns, config, where=path.name)
    frame, commas = _with_decimal_commas(_frame(path, features, config.encoding), path, config.encoding)
    if len(frame) != rows.n_rows:
        raise DatasetError(
            "rows-mismatch", f"{len(frame):,} rows of features for {rows.n_rows:,} labels", where=path.name
        )
    if len(rows.kept) < len(frame):
        frame = frame.iloc[np.array(rows.kept, dtype=np.int64)]
    inputs, notes = inputs_of_frame(
        frame,
        labels=rows.sheet.columns[rows.columns.label],
        where=rows.sheet.where,
        place=path.name,
        asked=asked_columns(features, config),
    )
    return rows.dataset(inputs, [rows.columns.describe(), *notes, *commas, *dropped])


def _frame(path: Path, names: Sequence[str], encoding: str) -> pd.DataFrame:
    """Return the feature columns; of text files, columns of numbers alone as numbers and all other cells as text."""
    if is_arrow(path):
        return _from_arrow(path, names)
    if path.suffix.lower() == ".jsonl":
        return _from_jsonl(path, names, encoding)
    there = column_names(path, encoding)
    return pd.read_csv(
        path,
        sep=delimiter_of(path, encoding),
        encoding=encoding_of(path, encoding),
        header=0,
        names=there,
        usecols=[there.index(name) for name in names],
        na_filter=False,
        index_col=False,
        low_memory=False,  # else the type of a cell could depend on the rows near it
    )


def _with_decimal_commas(frame: pd.DataFrame, path: Path, encoding: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns, those with decimal commas as numbers, and a note on these.

    Spreadsheets separate by semicolons or tabs where commas are decimal ones.
    """
    if path.suffix.lower() not in USUAL_DELIMITERS or delimiter_of(path, encoding) == ",":
        return frame, []
    read = frame.apply(with_decimal_commas)
    names = [repr(name) for name in frame if read[name].dtype != frame[name].dtype]
    return read, [f"columns read as numbers with decimal commas: {', '.join(names)}"] if names else []


def _from_jsonl(path: Path, names: Sequence[str], encoding: str) -> pd.DataFrame:
    """Return values as text, and as they are where there are several in a cell, which is refused later."""
    columns: dict[str, list[object]] = {name: [] for name in names}
    for _, row in json_objects(path, encoding):
        for name, cells in columns.items():
            text = as_text(row.get(name))
            cells.append(row.get(name) if text is None else text)
    return pd.DataFrame(columns, dtype=object)  # a str of pandas is UTF-8, and JSON can spell what is not


def _from_arrow(path: Path, names: Sequence[str]) -> pd.DataFrame:
    table = read_arrow(path, names)
    try:
        frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    except (ValueError, OverflowError) as error:  # a time zone that nobody knows
        hint = "save these columns as text"
        raise DatasetError("unreadable", f"cannot be read ({why(error)})", where=path.name, hint=hint) from error
    return frame
