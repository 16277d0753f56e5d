"""Label lists: one module for each form that labels come in, which writes a corrected copy of it.

The copy has the form of what came in, so that ``labelscan detect`` reads it as it read the original; class folders, and
what a reader of another package has read, become a manifest or an npz file, as the images themselves are never moved.
The original is only read.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists import delimited, image_files, images_in_memory, json_lines, numpy_arrays, parquet
from labelscan.correction.label_lists.rows import RowEdits, plan_rows
from labelscan.data import readers
from labelscan.data.dataset import Dataset, FeatureTable, ImageFiles
from labelscan.errors import DatasetError, UsageError
from labelscan.results.source import Source

SheetWriter: TypeAlias = Callable[[Path, RowEdits, Path], None]
"""Writes a copy, the last argument, of the sheet at a path, read before by the reader, with its rows edited."""
SHEETS: Mapping[str, SheetWriter] = {
    ".csv": delimited.write,
    ".tsv": delimited.write,
    ".jsonl": json_lines.write,
    ".parquet": parquet.write,
}
"""What edits the rows of a sheet, by the end of its name."""


def file_to_copy(source: Source) -> Path | None:
    """Return the file whose labels are corrected in a copy; None where the copy is made from the data set."""
    file = source.file
    return file if file is not None and file.suffix.lower() in (*SHEETS, ".npz") else None


def suffix(source: Source) -> str:
    """Return how the name of a corrected copy ends."""
    if (file := file_to_copy(source)) is not None:
        return file.suffix
    return ".csv" if isinstance(source.dataset.inputs, ImageFiles) else ".npz"


def check_suffix(source: Source, output: Path) -> None:
    """Raise UsageError where a copy would be of another form than the original."""
    wanted = suffix(source)
    if output.suffix.lower() != wanted.lower():
        raise UsageError(
            f"the corrected labels are written as they came, as {wanted}, not {output.suffix or 'without an ending'}",
            where=str(output),
            hint=f"name it {output.with_suffix(wanted).name}",
        )


def write(source: Source, corrections: Corrections, output: Path) -> list[str]:
    """Write a corrected copy of the labels of a run; the original is not touched.

    Args:
        source: the data of the run.
        corrections: what becomes of its examples.
        output: the copy; its name ends in ``suffix(source)``.

    Returns:
        What a user should know about it.

    Raises:
        UsageError: the copy has to lie elsewhere.
        DatasetError: the labels cannot be written so.
    """
    file = file_to_copy(source)
    if file is None:
        _write_new(everything(source), corrections, output)
        return []
    columns = source.columns()
    if columns is None:
        return numpy_arrays.write(file, source.config, corrections, output)
    edits = plan_rows(file, columns, split=source.config.split, corrections=corrections, output=output)
    SHEETS[file.suffix.lower()](file, edits, output)
    return []


def everything(source: Source) -> Dataset:
    """Return the images in folders with those of splits that the run has left out; other data as it was read."""
    if not source.config.split or readers.form(source.config) != "class folders":
        return source.dataset
    return readers.read(dataclasses.replace(source.config, split=""))


def _write_new(dataset: Dataset, corrections: Corrections, output: Path) -> None:
    inputs = dataset.inputs
    if isinstance(inputs, FeatureTable):
        raise DatasetError("this table is in no file of which a corrected copy could be written", where=dataset.name)
    if isinstance(inputs, ImageFiles):
        image_files.write(dataset, inputs, corrections, output)
    else:
        images_in_memory.write(dataset, inputs, corrections, output)
