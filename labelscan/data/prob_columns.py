"""The columns of probabilities in a csv, tsv or parquet file, to the last digit that is written.

Apart from the labels beside them: read as text, as labels are, a million rows of a hundred classes would take a
hundred times their size.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.data.readers.sheet import column_names, csv_rows, parquet
from labelscan.errors import ProbabilitiesError, Problem

PROB_PREFIX = "prob:"
"""How the name of a column of probabilities begins; the class follows, as it is written in the labels."""


def read_prob_columns(path: Path, names: Sequence[str], *, n_rows: int) -> NDArray[Any]:
    """Return (N, K) probabilities in the order of ``names``, not yet checked to be any; empty in parquet is NaN."""
    return _from_parquet(path, names) if path.suffix.lower() == ".parquet" else _from_csv(path, names, n_rows=n_rows)


def _from_parquet(path: Path, names: Sequence[str]) -> NDArray[Any]:
    table = parquet().read_table(path, columns=list(names))
    columns: list[NDArray[Any]] = [table.column(name).to_numpy() for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.dtype.kind not in "fiu":
            kind = table.schema.field(name).type
            raise ProbabilitiesError(f"column {name!r} holds {kind}, not numbers", where=path.name, hint="save floats")
    # Never whole numbers, and never narrower than the widest column.
    probs = np.empty((len(table), len(names)), dtype=np.result_type(np.float16, *(column.dtype for column in columns)))
    for place, column in enumerate(columns):
        probs[:, place] = column
    return probs


def _from_csv(path: Path, names: Sequence[str], *, n_rows: int) -> NDArray[Any]:
    there = column_names(path)
    places = [there.index(name) for name in names]
    probs = np.empty((n_rows, len(names)))
    odd: list[tuple[int, str, str]] = []
    # Python's float and not pandas: it reads back exactly what was written, and the last digit can decide a flag.
    for row, (line, record) in enumerate(csv_rows(path)):
        cells = [record[place] for place in places]
        try:
            probs[row] = [float(cell) for cell in cells]
        except ValueError:
            odd += [(line, name, cell) for name, cell in zip(names, cells, strict=True) if not _is_number(cell)]
    ProbabilitiesError.refuse(odd, lambda one: _no_number(one[1], one[2], f"{path.name} row {one[0]}"))
    return probs


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _no_number(name: str, cell: str, where: str) -> Problem:
    problem = f"{name!r} is {cell!r}, not a number" if cell.strip() else f"{name!r} is empty"
    return Problem(problem, where, "write a number in [0, 1] with a decimal point")
