"""Label lists: one module for each form that labels come in, which writes a corrected copy of it.

The copy has the form of the original, so that ``labelscan detect`` reads both alike. Since images are never moved,
class folders become a manifest, as do the image files that a plug-in reads; images in memory become an npz file.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists import delimited, image_files, images_in_memory, json_lines, numpy_arrays, parquet
from labelscan.correction.label_lists.rows import RowEdits, plan_rows
from labelscan.data import readers
from labelscan.data.dataset import Dataset, ImageFiles, are_images
from labelscan.errors import DatasetError, UsageError
from labelscan.results.source import Source

SheetWriter: TypeAlias = Callable[[Path, RowEdits, Path], None]
"""Writes a copy, the last argument, of the sheet at a path with its rows edited."""
SHEETS: Mapping[str, SheetWriter] = {
    ".csv": delimited.write,
    ".tsv": delimited.write,
    ".jsonl": json_lines.write,
    ".parquet": parquet.write,
}
"""How to edit the rows of a sheet, by its suffix."""


def file_to_copy(source: Source) -> Path | None:
    """Return the file to copy with corrected labels; None where a new one is made from the data set."""
    file = source.file
    return file if file is not None and file.suffix.lower() in (*SHEETS, ".npz") else None


def suffix(source: Source) -> str:
    """Return the suffix of a corrected copy."""
    if (file := file_to_copy(source)) is not None:
        return file.suffix
    return ".csv" if isinstance(source.dataset.inputs, ImageFiles) else ".npz"


def check_output(source: Source, output: Path) -> None:
    """Raise UsageError where ``output`` is a folder, or its suffix is not that of a copy."""
    wanted = suffix(source)
    if output.suffix.lower() != wanted.lower():
        raise UsageError(
            f"the corrected labels are written as they came, as {wanted}, not {output.suffix or 'without an ending'}",
            where=str(output),
            hint=f"name it {output.with_suffix(wanted).name}",
        )
    if output.is_dir():
        raise UsageError("this is a folder", where=str(output), hint=f"name a file, as in -o labels{output.suffix}")


def write(source: Source, corrections: Corrections, output: Path) -> list[str]:
    """Write a corrected copy of the labels of a run, and return what a user should know about it.

    Raises:
        UsageError: the copy must be written to another folder.
        DatasetError: the labels cannot be written in the form of the original.
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
    """Return the data set; that of class folders with the splits that the run left out."""
    if not source.config.split or readers.form(source.config) != "class folders":
        return source.dataset
    return readers.read(dataclasses.replace(source.config, split=""))


def _write_new(dataset: Dataset, corrections: Corrections, output: Path) -> None:
    inputs = dataset.inputs
    if not are_images(inputs):
        raise DatasetError("this table is in no file of which a corrected copy could be written", where=dataset.name)
    if isinstance(inputs, ImageFiles):
        image_files.write(dataset, inputs, corrections, output)
    else:
        images_in_memory.write(dataset, inputs, corrections, output)
