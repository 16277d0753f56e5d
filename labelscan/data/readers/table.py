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
from labelscan.data.readers.labelled_rows import read_rows, sheet_of
from labelscan.data.readers.sheet import USUAL_DELIMITERS, as_text, column_names, delimiter_of, is_sheet, json_objects
from labelscan.data.readers.typed_columns import inputs_of_frame
from labelscan.data.readers.unsupported import PROB_PREFIX, no_features
from labelscan.data.refused_rows import reading
from labelscan.errors import DatasetError
from labelscan.events import Listener
from labelscan.files.reading import with_home

SETTINGS = ROLE_SETTINGS.union(["encoding", "exclude", "include"])


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet, having found that it lists no files and holds no texts."""
    return is_sheet(with_home(config.data))


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the rows of a table; ids are its id column, else row numbers from 0.

    Raises:
        DatasetError: the label column is missing, or cells are not what their column is; up to 20 problems at once.
    """
    path, names = sheet_of(config)
    if any(name.startswith(PROB_PREFIX) for name in names):
        raise no_features(config)
    rows = read_rows(path, names, config)
    features, dropped = feature_columns(names, rows.columns, config, where=path.name)
    frame = _frame(path, features, config.encoding)
    if len(frame) != rows.n_rows:
        raise DatasetError(
            "rows-mismatch", f"{len(frame):,} rows of features for {rows.n_rows:,} labels", where=path.name
        )
    if path.suffix.lower() in USUAL_DELIMITERS and delimiter_of(path, config.encoding) != ",":
        # Spreadsheets separate by semicolons or tabs where commas are decimal ones.
        kinds = frame.dtypes
        frame = frame.apply(with_decimal_commas)
        if commas := [repr(name) for name, kind in kinds.items() if frame[name].dtype != kind]:
            dropped = [f"columns read as numbers with decimal commas: {', '.join(commas)}", *dropped]
    if len(rows.kept) < len(frame):
        frame = frame.iloc[np.array(rows.kept, dtype=np.int64)]
    inputs, notes = inputs_of_frame(
        frame,
        labels=rows.sheet.columns[rows.columns.label],
        where=rows.sheet.where,
        place=path.name,
        asked=asked_columns(features, config),
    )
    return rows.dataset(inputs, [rows.columns.describe(), *notes, *dropped])


def _frame(path: Path, names: Sequence[str], encoding: str) -> pd.DataFrame:
    """Return the feature columns; of text files, columns of numbers alone as numbers and all other cells as text."""
    if is_arrow(path):
        with reading(path.name, "save these columns as text", (ValueError, OverflowError)):  # an unknown time zone
            frame: pd.DataFrame = read_arrow(path, names).to_pandas(date_as_object=False)
            return frame
    if path.suffix.lower() == ".jsonl":
        columns: dict[str, list[object]] = {name: [] for name in names}
        for _, row in json_objects(path, encoding):
            for name, cells in columns.items():
                text = as_text(row.get(name))
                cells.append(row.get(name) if text is None else text)  # several values are refused later
        return pd.DataFrame(columns, dtype=object)  # a str of pandas is UTF-8, and JSON can spell what is not
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
