"""A data frame in memory: one of pandas, or of a library whose columns Arrow can read.

Its columns are found as those of a file are. Ids are its id column, else its index, by which results can be joined.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray
from pandas.api import types

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, Inputs
from labelscan.data.readers.arrays import read_features
from labelscan.data.readers.columns import (
    asked_columns,
    check_cells,
    check_choice,
    feature_columns,
    find_columns,
    not_used,
)
from labelscan.data.readers.labelled_rows import LabelledRows, rows_to_read
from labelscan.data.readers.sheet import HEAD, Sheet, as_text
from labelscan.data.readers.texts import joined, likely_texts, named_texts
from labelscan.data.readers.typed_columns import inputs_of_frame
from labelscan.errors import DatasetError, Problem
from labelscan.files.reading import why

COMPARED = 100
"""Rows by which a column is first compared with the labels."""
PLACE = "frame"
"""What messages name; the default run folder is called after it."""
NAME_IDS = "name a column by labelscan.settings(id_column=...)"
GIVEN = "the labels given"
"""The column of labels that do not come with the frame."""
Labels: TypeAlias = "Sequence[object] | NDArray[Any] | pd.Series[Any] | None"
"""(N,) labels, those of a series for the rows of the same index; None where they are a column of the frame."""


def as_pandas(values: Any) -> pd.DataFrame:
    """Return a data frame of any library as one of pandas with text as the names of its columns.

    Raises:
        DatasetError: columns that Arrow cannot read, or two of one name.
    """
    try:
        frame: pd.DataFrame = values
        if not isinstance(values, pd.DataFrame):
            frame = pyarrow.table(values).to_pandas(date_as_object=False)
    except (pyarrow.ArrowException, TypeError, ValueError, NotImplementedError) as error:
        hint = "turn it into a frame of pandas"
        raise DatasetError(
            "unreadable", f"its columns cannot be read ({why(error)})", where=PLACE, hint=hint
        ) from error
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].tolist()[0]
        raise DatasetError("column-twice", f"column {twice!r} occurs twice", where=PLACE, hint="rename one of them")
    return frame


def dataset_from_frame(
    frame: pd.DataFrame, labels: Labels, config: DatasetConfig, *, as_it_is: bool = False
) -> Dataset:
    """Return the rows of a frame as a data set.

    Args:
        frame: N rows, with text as the names of its columns.
        labels: N labels in the order of the rows; None where they are a column of the frame.
        config: which columns hold what, and which of them models see.
        as_it_is: whether models get columns with all their types; else each becomes numbers, dates, truth values or
            text, and those that only tell rows apart are dropped.

    Raises:
        DatasetError: a column that is missing, an index with a value twice, cells that are not what their column is.
    """
    if labels is not None:
        frame = frame.assign(**{GIVEN: _in_order(labels, frame)})
        config = dataclasses.replace(config, label_column=GIVEN)
    names, index = list(frame.columns), frame.index

    def place_of(row: int) -> str:
        return f"row {index[row]} of the frame"

    check_choice(names, config, where=PLACE)
    hint = "name it, as in detect(df, label='kind')"
    columns = find_columns(names, config, where=PLACE, with_path=False, label_hint=lambda _: hint)
    sheet = Sheet({name: _texts(frame[name], place_of) for name in columns.used()}, place_of)
    kept = rows_to_read(sheet, columns, config.split, where=PLACE)
    rows = LabelledRows(Path(PLACE), columns, sheet.take(kept), kept, len(frame))
    check_cells(rows.sheet, columns)
    frame = frame.iloc[kept]
    features, dropped = feature_columns(names, columns, config, where=PLACE)
    given = rows.sheet.columns[columns.label]

    def is_given(name: str) -> bool:
        return all(frame[name].iloc[:n].astype(str).tolist() == given[:n] for n in (COMPARED, len(given)))

    same = [name for name in features if labels is not None and is_given(name)]
    left = [name for name in features if name not in same]
    if not left:
        raise DatasetError(
            "no-columns", "no column but the labels", where=PLACE, hint="give a frame with columns of features"
        )
    inputs, notes = _inputs(frame[left], given, config, rows.sheet.where, as_it_is=as_it_is)
    notes += [*dropped, *(f"column dropped that is the labels: {name!r}" for name in same)]
    counts_rows = types.is_integer_dtype(frame.index.dtype) and np.array_equal(frame.index, kept)
    ids = None if columns.id or counts_rows else _ids(frame.index)
    return rows.dataset(inputs, [columns.describe(), *notes], ids=ids)


def _inputs(
    frame: pd.DataFrame, labels: Sequence[str], config: DatasetConfig, where: Callable[[int], str], *, as_it_is: bool
) -> tuple[Inputs, list[str]]:
    """Return what models see of the columns of features, and notes on it."""
    texts = named_texts(list(frame.columns), config, where=PLACE)
    if not texts and not as_it_is:
        texts = likely_texts({name: _as_words(frame[name].iloc[:HEAD]) for name in frame.columns}, where=PLACE)
    if texts:
        cells = {name: _as_words(frame[name]) for name in texts}
        unused = not_used([name for name in frame.columns if name not in texts], "exclude the text to judge a table")
        notes = [f"text from {' and '.join(map(repr, texts))}", *unused]
        return joined(Sheet(cells, where), texts), notes
    if vectors := next((name for name in frame.columns if _holds_vectors(frame[name])), ""):
        unused = not_used([name for name in frame.columns if name != vectors], "models see the embeddings alone")
        return _stacked(frame[vectors], where), [f"features from {vectors!r}", *unused]
    if as_it_is:
        return ColumnTable(_stored(frame.reset_index(drop=True))), []
    asked = asked_columns(list(frame.columns), config)
    return inputs_of_frame(frame, labels=labels, where=where, place=PLACE, asked=asked)


def _as_words(cells: "pd.Series[Any]") -> list[str]:
    return ["" if missing else str(cell) for cell, missing in zip(cells.tolist(), cells.isna(), strict=True)]


def _holds_vectors(cells: "pd.Series[Any]") -> bool:
    """Return whether the first cell of a column that is not missing is a list of numbers."""
    if cells.dtype != object and not isinstance(cells.dtype, pd.ArrowDtype):
        return False
    there = cells.notna().to_numpy()
    first = cells.iloc[int(there.argmax())] if there.any() else None
    return isinstance(first, list | tuple | np.ndarray) and np.asarray(first).dtype.kind in "fiu"


def _stacked(cells: "pd.Series[Any]", where: Callable[[int], str]) -> Inputs:
    """Return lists of numbers as features, or raise DatasetError for those of another length."""
    rows = [np.asarray(cell if types.is_list_like(cell) else []) for cell in cells]
    usual = Counter(vector.shape for vector in rows).most_common(1)[0][0]
    DatasetError.refuse(
        [row for row, vector in enumerate(rows) if vector.shape != usual],
        lambda row: Problem(
            "ragged",
            f"{cells.name!r} has shape {rows[row].shape}, and {usual} in most rows",
            where(row),
            "give each row as many numbers",
        ),
    )
    return read_features(np.stack(rows), PLACE)


def _stored(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that Arrow can store, or raise DatasetError for columns that it cannot."""
    for name in frame.columns:
        try:
            pd.util.hash_pandas_object(frame[name])
            pyarrow.array(frame[name], from_pandas=True)
        except (pyarrow.ArrowException, TypeError, OverflowError, UnicodeEncodeError) as error:
            hint = "turn it into one type of values, or leave it out by settings=labelscan.settings(exclude=[...])"
            raise DatasetError(
                "not-storable", f"column {name!r} cannot be stored ({why(error)})", where=PLACE, hint=hint
            ) from error
    return frame


def _in_order(labels: Any, frame: pd.DataFrame) -> "pd.Series[Any]":
    """Return labels beside their rows, or raise DatasetError where there are more or fewer, or of other rows."""
    if len(labels) != len(frame):
        problem = f"{len(labels):,} labels for {len(frame):,} rows"
        raise DatasetError(
            "rows-mismatch", problem, where=PLACE, hint="give one label for each row, in the order of the rows"
        )
    if isinstance(labels, pd.Series) and not labels.index.equals(frame.index):
        hint = "labels.loc[frame.index] puts them in the order of the rows; labels.to_numpy() are in it already"
        raise DatasetError("other-index", "the labels have another index than the frame", where=PLACE, hint=hint)
    if isinstance(labels, np.ndarray) and labels.ndim > 1:
        if labels.size != len(frame):
            hint = "if they are one-hot, use labels.argmax(axis=1); several labels for one example are not supported"
            raise DatasetError("wrong-shape", f"the labels have shape {labels.shape}, not (N,)", where=PLACE, hint=hint)
        labels = labels.reshape(-1)
    return pd.Series(labels if isinstance(labels, pd.Series) else list(labels), index=frame.index)


def _texts(cells: "pd.Series[Any]", place_of: Callable[[int], str]) -> list[str]:
    """Return the cells of a column with a role as text, empty where they are missing."""
    if types.is_float_dtype(cells.dtype):
        numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        measured = np.flatnonzero(np.isinf(numbers) | (np.nan_to_num(numbers) % 1 > 0))
        if len(measured):
            problem = f"{cells.name!r} holds measured numbers such as {numbers[measured[0]]:g}, not classes or names"
            hint = "labelscan judges labels that are classes; if these are some, use .astype(str)"
            raise DatasetError("not-labels", problem, where=PLACE, hint=hint)
        return ["" if np.isnan(number) else str(int(number)) for number in numbers.tolist()]
    texts = [
        None if isinstance(cell, np.ndarray) else as_text(None if missing else cell)
        for cell, missing in zip(cells.tolist(), cells.isna(), strict=True)
    ]
    hint = "several labels for one example are not supported: write one value"
    DatasetError.refuse(
        [row for row, text in enumerate(texts) if text is None],
        lambda row: Problem(
            "several-values", f"{cells.name!r} is not one value but {cells.iloc[row]!r}", place_of(row), hint
        ),
    )
    return [text or "" for text in texts]


def _ids(index: "pd.Index[Any]") -> list[str]:
    if isinstance(index, pd.MultiIndex):
        problem = f"its index has {index.nlevels} levels"
        raise DatasetError("index-twice", problem, where=PLACE, hint=f"use df.reset_index(), or {NAME_IDS}")
    if not index.is_unique:
        problem = f"its index has {index[index.duplicated()].tolist()[0]!r} twice, and is what examples are called by"
        raise DatasetError("index-twice", problem, where=PLACE, hint=f"use df.reset_index(drop=True), or {NAME_IDS}")
    return [str(one) for one in index]
