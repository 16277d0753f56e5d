"""Embeddings as they come: a column of lists of numbers, or a .npy file with a row for each row of a sheet."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import FeatureTable
from labelscan.data.readers.arrow_sheet import is_arrow, kinds_of, read_arrow
from labelscan.data.readers.columns import ROLE_SETTINGS, Tiers, find_column, free_columns, not_used, pick
from labelscan.data.readers.copies import folder_of_files
from labelscan.data.readers.labelled_rows import read_rows, sheet_of
from labelscan.data.readers.manifest import relative_path
from labelscan.data.readers.sheet import HEAD, is_sheet, json_objects, single_valued
from labelscan.data.readers.texts import joined, text_columns
from labelscan.data.refused_rows import reading
from labelscan.errors import DatasetError, Problem
from labelscan.events import Listener
from labelscan.files import npz
from labelscan.files.reading import CANNOT_READ, with_home
from labelscan.images.remote import images_at

SETTINGS = ROLE_SETTINGS.union(["path_column", "text_column", "encoding", "features", "exclude", "include"])
USUAL_NAMES: Tiers = (("embedding", "embeddings"), ("features", "feature", "vector", "vectors", "emb"), ("x",))
MANY_DIGITS = 18
"""Longer whole numbers of JSON are read as fractions: Python refuses thousands of digits."""
WHICH = "name it by --include, or leave the others out by --exclude"
"""The hint where several columns could be the embeddings."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet with embeddings in a column, or in a file beside it."""
    path = with_home(config.data)
    return is_sheet(path) and (bool(config.features) or bool(list_column(path, config)))


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the embeddings of a sheet; ids are its id column, else the paths of what was embedded, else row numbers.

    Raises:
        DatasetError: lists of different lengths, numbers that are not finite, a file of another number of rows; up to
            20 problems at once.
    """
    path, names = sheet_of(config)
    column = "" if config.features else list_column(path, config)
    there = [name for name in single_valued(path, names) if name != column]
    with_path = bool(find_column("path", there, config.path_column, where=path.name))
    texts = [] if with_path else text_columns(path, there, dataclasses.replace(config, include=()))
    rows = read_rows(path, there, config, with_path=with_path, beside=texts)
    if column:
        values = _from_column(path, column, np.array(rows.kept, dtype=np.int64), rows.sheet.where, config.encoding)
    else:
        values = _from_file(with_home(config.features), rows.n_rows, path.name)[rows.kept]
    features = _finite(values, column or Path(config.features).name, rows.sheet.where)
    unused = [name for name in names if name not in (column, *rows.columns.used(), *texts)]
    notes = [f"{rows.columns.describe()}, {values.shape[1]:,} features from {column or config.features!r}"]
    notes += not_used(unused, "models see the embeddings alone")
    paths = rows.sheet.cells(rows.columns.path)
    if paths is not None:
        folder = folder_of_files(path)
        ids = [relative_path(folder, one) for one in paths]
        return rows.dataset(FeatureTable(features, (), images_at(folder, paths)), notes, ids=ids)
    originals = joined(rows.sheet, texts) if texts else None
    return rows.dataset(FeatureTable(features, (), originals), notes)


def list_column(path: Path, config: DatasetConfig) -> str:
    """Return the column whose cells are embeddings: the one of a usual name, else the only one of fractions.

    Lists of whole numbers under another name may be tokens or several labels: they are taken where ``include`` asks.

    Raises:
        DatasetError: several columns could be the embeddings.
    """
    kinds = _kinds_of_lists(path, config.encoding)
    free = free_columns(list(kinds), config)
    if usual := pick(free, USUAL_NAMES, what="embeddings", where=path.name, hint=WHICH):
        return usual
    likely = [name for name in free if config.include or kinds[name] == "floats"]
    if len(likely) > 1:
        both = " and ".join(map(repr, likely[:2]))
        raise DatasetError("which-column", f"{both} could both be the embeddings", where=path.name, hint=WHICH)
    return likely[0] if likely else ""


_NUMBERS = json.JSONDecoder(parse_int=lambda text: int(text) if len(text) < MANY_DIGITS else float(text))


def _kinds_of_lists(path: Path, encoding: str) -> dict[str, str]:
    """Return the columns whose cells are lists of numbers, and whether of ``floats`` or ``integers``."""
    if is_arrow(path):
        return {name: kind for name, kind in kinds_of(path).items() if kind in ("floats", "integers")}
    if path.suffix.lower() != ".jsonl":
        return {}
    found: dict[str, str] = {}
    for _, row in islice(json_objects(path, encoding, _NUMBERS), HEAD):
        for name, cell in row.items():
            if cell and _is_list_of_numbers(cell):
                is_float = found.get(name) == "floats" or any(isinstance(one, float) for one in cell)
                found[name] = "floats" if is_float else "integers"
    return found


def _from_column(
    path: Path, name: str, kept: NDArray[np.int64], where: Callable[[int], str], encoding: str
) -> NDArray[np.float32]:
    """Return (N, D) numbers of the rows ``kept``, or raise DatasetError for lists of different lengths."""
    import pyarrow.compute

    if is_arrow(path):
        cells = read_arrow(path, [name]).column(name)
        cells = cells if len(kept) == len(cells) else cells.take(kept)
    else:
        every = [row.get(name) for _, row in json_objects(path, encoding, _NUMBERS)]
        lists = [list(map(float, one)) if _is_list_of_numbers(one := every[row]) else None for row in kept.tolist()]
        cells = pyarrow.chunked_array([lists], pyarrow.large_list(pyarrow.float64()))
    lengths = pyarrow.compute.fill_null(pyarrow.compute.list_value_length(cells), -1).to_numpy().astype(np.int64)
    usual = Counter(lengths[lengths >= 0].tolist()).most_common(1)
    width = usual[0][0] if usual else 0
    hint = "leave out the row, or embed all examples by one model"

    def problem(row: int) -> Problem:
        what = f"is a list of {lengths[row]:,} numbers, not {width:,}" if lengths[row] >= 0 else "is no list of numbers"
        return Problem("not-embeddings", f"{name!r} {what}", where(row), hint)

    DatasetError.refuse(np.flatnonzero(lengths != width).tolist(), problem)
    if not width:
        raise DatasetError("no-columns", f"the lists of {name!r} are empty", where=path.name, hint=hint)
    features, end = np.empty(len(lengths) * width, dtype=np.float32), 0
    with np.errstate(over="ignore"):  # infinities are named below
        for chunk in cells.chunks:
            numbers = chunk.flatten().to_numpy(zero_copy_only=False)
            features[end : end + len(numbers)] = numbers
            end += len(numbers)
    return features.reshape(len(lengths), width)


def _is_list_of_numbers(value: object) -> TypeGuard[list[float]]:
    return isinstance(value, list) and all(type(one) in (int, float) for one in value)


def _from_file(file: Path, n_rows: int, sheet: str) -> NDArray[Any]:
    """Return (N, D) numbers from a .npy file, mapped into memory."""
    with reading(str(file), "save (N, D) numbers by np.save", CANNOT_READ):
        values = npz.map_array(file)
    if values.ndim != 2 or values.dtype.kind not in "fiub" or values.shape[1] == 0:
        what = f"{values.dtype} of shape {values.shape}, not (N, D) numbers"
        raise DatasetError("wrong-shape", what, where=file.name, hint="save features.astype(np.float32) by np.save")
    if len(values) != n_rows:
        hint = "both have one row an example, in the same order"
        raise DatasetError(
            "rows-mismatch", f"{len(values):,} rows for the {n_rows:,} of {sheet}", where=file.name, hint=hint
        )
    return values


def _finite(values: NDArray[Any], name: str, where: Callable[[int], str]) -> NDArray[np.float32]:
    """Return numbers as float32, or raise DatasetError for rows with one that is not finite there."""
    with np.errstate(over="ignore"):
        features = values.astype(np.float32, copy=False)
    broken = np.flatnonzero(~np.isfinite(features).all(axis=1)).tolist()

    def problem(row: int) -> Problem:
        place = int(np.argmin(np.isfinite(features[row])))
        hint = "leave out the row, or compute its features again"
        value = values[row, place]
        large = " (or a number too large for float32)" if np.isinf(value) and values.dtype == np.float32 else ""
        return Problem("not-finite", f"{name!r} has {value}{large} at place {place}", where(row), hint)

    DatasetError.refuse(broken, problem)
    return features
