"""Files of out-of-fold probabilities: npz with ``pred_probs``, or tables with one column ``prob:<class>`` a class.

Probabilities are read to the last digit that is written, apart from the labels beside them: as text, as labels are
read, a million rows of a hundred classes would take a hundred times their size.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.data.probabilities import Probabilities, assemble, probabilities_from_arrays
from labelscan.data.readers import nearest_file
from labelscan.data.readers.arrays import array_names, find_array, load_npz, load_texts
from labelscan.data.readers.arrow_sheet import read_arrow
from labelscan.data.readers.columns import Columns, check_cells, find_column, missing, usual
from labelscan.data.readers.labelled_rows import is_number
from labelscan.data.readers.manifest import relative_path
from labelscan.data.readers.sheet import column_names, csv_rows, place_in_sheet, read_sheet
from labelscan.data.readers.unsupported import PROB_PREFIX
from labelscan.errors import DatasetError, ProbabilitiesError, Problem
from labelscan.files.npz import ENDS
from labelscan.files.reading import with_home
from labelscan.images.remote import images_at

LEFT_OUT = {
    "train_probs": "train_probs are left out: labelscan detect judged by them as well",
    "opinion_probs": "opinion_probs are left out: their pool, pred_probs, is judged as one opinion",
}
"""Arrays of a run's evidence that ``score`` does not read, with the note that says so."""
SUFFIXES = (".npz", ".csv", ".tsv", ".parquet")


def read_probabilities(path: Path, *, label_column: str = "") -> Probabilities:
    """Return the probabilities and labels in an npz, csv, tsv or parquet file.

    An npz file has ``pred_probs``, ``given_labels`` and perhaps ``class_names``, ``example_ids``, ``true_labels``; a
    table has a label column, one column ``prob:<class>`` a class, and perhaps an id, a path and a true-label column.
    The label column, or array, is found by its usual names unless ``label_column`` names it.

    Raises:
        UsageError: something is missing, not a probability, or not a class; up to 20 problems at once.
    """
    path = with_home(path)
    if path.is_dir():
        hint = "give a file, such as evidence.npz of a run; labelscan detect reads folders of images"
        raise DatasetError("is-a-folder", "this is a folder", where=str(path), hint=hint)
    if not path.exists():
        raise DatasetError("no-file", "no such file", where=str(path), hint=nearest_file(path) or "check the path")
    if path.suffix.lower() not in SUFFIXES:
        raise DatasetError(
            "unknown-kind-of-file",
            f"files called {path.suffix or 'without an extension'} hold no probabilities that can be read",
            where=str(path),
            hint=f"give a file called {', '.join(SUFFIXES)}",
        )
    try:
        return _read_npz(path, label_column) if path.suffix.lower() == ".npz" else _read_table(path, label_column)
    except MemoryError as error:
        raise ProbabilitiesError(
            "too-large", "does not fit into memory", where=str(path), hint="save it as float32"
        ) from error


def _read_npz(path: Path, label_column: str) -> Probabilities:
    where = path.name
    there = array_names(path)
    if "pred_probs" not in there:
        hint = "rename the array of probabilities to pred_probs (N, K), and that of labels to given_labels (N,)"
        raise missing("array 'pred_probs'", there, where=where, hint=hint)
    hint = "keep one of them in the file"
    found = {
        "label": find_array("label", there, label_column, where=where),
        "id": find_array("id", there, "", where=where, hint=hint),
        "true_label": find_array("true_label", there, "", where=where, hint=hint),
        "class_names": "class_names" if "class_names" in there else "",
    }
    if not found["label"]:
        hint = "rename it to given_labels, or name it by --label-column"
        raise missing("array of labels", there, where=where, hint=hint)
    of_a_run = {"from_columns"}.intersection(there)
    arrays = load_npz(path, {"pred_probs", *filter(None, found.values()), *of_a_run})
    ids: Any = arrays.get(found["id"])
    if ids is not None and ids.dtype == np.uint8 and found["id"] + ENDS in there:
        ids = load_texts(path, found["id"])
    probabilities = probabilities_from_arrays(
        arrays["pred_probs"],
        arrays[found["label"]],
        class_names=arrays.get(found["class_names"]),
        example_ids=ids,
        true_labels=arrays.get(found["true_label"]),
        name=where,
        notes=[note for name, note in LEFT_OUT.items() if name in there],
    )
    return replace(probabilities, from_columns=any(arrays[name].tolist() is True for name in of_a_run))


def _read_table(path: Path, label_column: str) -> Probabilities:
    names = column_names(path)
    prob_columns = [name for name in names if name.startswith(PROB_PREFIX)]
    if not prob_columns:
        hint = f"call them {PROB_PREFIX}<class>, one for each class"
        raise missing("columns of probabilities", names, where=f"{path.name} row 1", hint=hint)
    class_names = [name.removeprefix(PROB_PREFIX) for name in prob_columns]
    twice = next((name for name, count in Counter(class_names).items() if count > 1), None)
    if twice is not None:
        hint = "rename one, or add them up"
        raise ProbabilitiesError("column-twice", f"class {twice!r} has two columns", where=path.name, hint=hint)
    columns = find_prob_table_columns(names, label_column, path.name)
    rows = read_sheet(path, columns.used())
    check_cells(rows, columns)
    read_probs = _from_parquet if path.suffix.lower() == ".parquet" else _from_csv
    labels, true_labels = rows.columns[columns.label], rows.cells(columns.true_label)
    paths, ids = rows.cells(columns.path), rows.cells(columns.id)
    if ids is None and paths is not None:
        ids = [relative_path(path.parent, name) for name in paths]
    return assemble(
        name=path.name,
        pred_probs=read_probs(path, prob_columns, len(labels)),
        given_labels=np.array(labels, dtype=object),
        label_name="label",
        class_names=class_names,
        example_ids=ids,
        true_labels=None if true_labels is None else np.array(true_labels, dtype=object),
        where=rows.where,
        inputs=None if paths is None else images_at(path.parent, paths),
        notes=[f"{columns.describe()}, probabilities of {len(class_names):,} classes"],
    )


def find_prob_table_columns(names: Sequence[str], label_column: str, where: str) -> Columns:
    """Return what the columns of a table hold, apart from its probabilities."""
    names = [name for name in names if not name.startswith(PROB_PREFIX)]
    found = {"label": find_column("label", names, label_column, where=where)}
    for role in ("true_label", "id", "path"):
        others = [name for name in names if name not in found.values()]
        found[role] = find_column(role, others, "", where=where, hint="rename one of them")
    if not found["label"]:
        hint = f"name it by --label-column, or call it {usual('label')}"
        raise missing("label column", names, where=where, hint=hint)
    return Columns(**found)


def _from_parquet(path: Path, names: Sequence[str], n_rows: int) -> NDArray[Any]:
    """Return (N, K) numbers in the order of ``names``, not yet checked; an empty cell is NaN."""
    table = read_arrow(path, names)
    columns: list[NDArray[Any]] = [table.column(name).to_numpy() for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.dtype.kind not in "fiu":
            kind = table.schema.field(name).type
            raise ProbabilitiesError(
                "not-numbers", f"column {name!r} holds {kind}, not numbers", where=path.name, hint="save floats"
            )
    # Never whole numbers, and never narrower than the widest column.
    probs = np.empty((n_rows, len(names)), dtype=np.result_type(np.float16, *(column.dtype for column in columns)))
    for place, column in enumerate(columns):
        probs[:, place] = column
    return probs


def _from_csv(path: Path, names: Sequence[str], n_rows: int) -> NDArray[Any]:
    """Return the same of a csv or tsv file."""
    rows = csv_rows(path)
    _, there = next(rows)
    places = [there.index(name) for name in names]
    probs = np.empty((n_rows, len(names)))
    odd: list[tuple[str, str, str]] = []
    # Python's float and not pandas: it reads back exactly what was written, and the last digit can decide a flag.
    for row, (line, record) in enumerate(rows):
        cells = [record[place] for place in places]
        try:
            probs[row] = [float(cell) for cell in cells]
        except ValueError:
            where = place_in_sheet(path, line, row + 2)
            odd += [(where, name, cell) for name, cell in zip(names, cells, strict=True) if not is_number(cell)]

    def no_number(one: tuple[str, str, str]) -> Problem:
        where, name, cell = one
        problem = f"{name!r} is {cell!r}, not a number" if cell.strip() else f"{name!r} is empty"
        return Problem("not-a-probability", problem, where, "write a number in [0, 1] with a decimal point")

    ProbabilitiesError.refuse(odd, no_number)
    return probs
