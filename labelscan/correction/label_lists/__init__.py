"""Label lists: one module for each form that labels come in, which writes a corrected copy of it.

The copy has the form of the original, so that ``labelscan detect`` reads both alike. Since images are never moved,
class folders become a manifest, as do the files that a plug-in reads; images and features in memory become an npz
file, texts and tables a csv file.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists import delimited, json_lines, made_lists, numpy_arrays, parquet
from labelscan.correction.label_lists.rows import RowEdits, plan_rows
from labelscan.data import readers
from labelscan.data.dataset import Dataset
from labelscan.data.readers import FORM_SETTINGS
from labelscan.data.readers.arrow_sheet import PARQUET
from labelscan.data.readers.encodings import UTF_8
from labelscan.data.readers.sheet import is_sheet
from labelscan.errors import UsageError
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
    return file if file is not None and (is_sheet(file) or file.suffix.lower() == ".npz") else None


def suffix(source: Source) -> str:
    """Return the suffix of a corrected copy; that of a folder of Arrow files is one parquet file."""
    if (file := file_to_copy(source)) is not None:
        return PARQUET if file.is_dir() else file.suffix
    return ".npz" if made_lists.are_arrays(source.dataset.inputs) else ".csv"


def check_output(source: Source, output: Path) -> None:
    """Raise UsageError where ``output`` is a folder, or its suffix is not that of a copy."""
    wanted = suffix(source)
    if output.suffix.lower() != wanted.lower():
        ending = output.suffix or "without an ending"
        problem = f"the corrected labels are written as they came, as {wanted}, not {ending}"
        raise UsageError("wrong-suffix", problem, where=str(output), hint=f"name it {output.with_suffix(wanted).name}")
    if output.is_dir():
        hint = f"name a file, as in -o labels{output.suffix}"
        raise UsageError("is-a-folder", "this is a folder", where=str(output), hint=hint)


def write(source: Source, corrections: Corrections, output: Path) -> list[str]:
    """Write a corrected copy of the labels of a run, and return what a user should know about it.

    Raises:
        UsageError: the copy must be written to another folder.
        DatasetError: the labels cannot be written in the form of the original.
    """
    file = file_to_copy(source)
    if file is None:
        made_lists.write(everything(source), source.config, corrections, output)
        return []
    columns = source.columns()
    if columns is None:
        return numpy_arrays.write(file, source.config, corrections, output)
    edits = plan_rows(file, columns, source.config, corrections=corrections, output=output)
    SHEETS[suffix(source).lower()](file, edits, output)
    notes = [] if edits.encoding == UTF_8 else [f"the copy is written as UTF-8, and not as {edits.encoding}"]
    if source.config.features and any(edits.dropped):
        notes.append(f"{source.config.features} still has the rows that were dropped: take them out of it too")
    return notes


def everything(source: Source) -> Dataset:
    """Return the data set; that of class folders with the splits that the run left out."""
    if not source.config.split or readers.form(source.config) != "class folders":
        return source.dataset
    return readers.read(dataclasses.replace(source.config, split=""))


def settings_of_copy(source: Source) -> Sequence[str]:
    """Return the settings of the data that a corrected copy is to be read with, as the original was."""
    if file_to_copy(source) is not None:
        return [name for name in FORM_SETTINGS if name != "encoding"]  # copies are UTF-8
    return made_lists.settings(source.dataset.inputs)
