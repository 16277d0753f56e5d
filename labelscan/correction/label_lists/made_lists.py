"""A corrected list made from the data set, where there is no file to copy.

Images and texts in files of their own, whose labels were the names of their folders, become a manifest; the files stay
where they are. Images and features that are in no files, such as those of a demo, become an npz file of them all; texts
and tables a csv file.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists.rows import ID_COLUMN, move_paths
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Inputs, Texts, are_images, originals
from labelscan.errors import DatasetError
from labelscan.files.atomic import replacing, write_npz
from labelscan.files.urls import is_url
from labelscan.images.remote import UrlImages
from labelscan.images.sources import ImageFiles, ImageSource

SETTINGS_OF_FILES = ("split", "encoding")
"""Those that class folders, and a manifest made of them, are read with."""
SETTINGS_OF_ROWS = ("split", "label_column", "true_label_column", "group_column", "split_column")
"""Those that a csv file of rows in memory is read with, since it keeps the names of these columns."""


def write(dataset: Dataset, config: DatasetConfig, corrections: Corrections, output: Path) -> None:
    """Write all examples that are not dropped, in the order of the data set.

    Raises:
        DatasetError: images that are in no files differ in size or are inside other files, or a column of features is
            called as one that the copy adds.
    """
    inputs = dataset.inputs
    if (files := _listed(inputs)) is not None:
        _write_manifest(dataset, files, corrections, output)
    elif are_arrays(inputs):
        _write_arrays(dataset, inputs, corrections, output)
    else:
        _write_rows(dataset, config, corrections, output)


def settings(inputs: Inputs) -> Sequence[str]:
    """Return the settings of the data that the list is to be read with."""
    if _listed(inputs) is not None:
        return SETTINGS_OF_FILES
    return [] if are_arrays(inputs) else SETTINGS_OF_ROWS


def are_arrays(inputs: Inputs) -> TypeGuard[ImageSource | FeatureTable]:
    """Return whether the inputs are images in no files, or features that have no names."""
    if isinstance(inputs, FeatureTable):
        return not inputs.names and _listed(inputs) is None
    return are_images(inputs) and not isinstance(inputs, ImageFiles | UrlImages)


def files_of(inputs: Inputs) -> ImageFiles | None:
    """Return the files of this machine that the examples are, or that their features were computed from.

    None where there are none.
    """
    seen = originals(inputs)
    if isinstance(seen, Texts) and seen.paths is not None and not any(map(is_url, seen.paths)):
        return ImageFiles(seen.root, seen.paths)
    return seen if isinstance(seen, ImageFiles) else None


def _listed(inputs: Inputs) -> ImageFiles | UrlImages | None:
    """Return the files that a manifest could list, here or elsewhere; None where there are none."""
    seen = originals(inputs)
    return seen if isinstance(seen, UrlImages) else files_of(inputs)


def _write_manifest(dataset: Dataset, files: ImageFiles | UrlImages, corrections: Corrections, output: Path) -> None:
    """Write a manifest whose paths are relative to it; addresses stay as they are."""
    paths = files.paths.tolist() if isinstance(files, ImageFiles) else [files.path(row) for row in range(len(files))]
    moved = move_paths(paths, files.root if isinstance(files, ImageFiles) else Path(), output.parent)
    columns = {
        ID_COLUMN: dataset.example_ids,
        "path": as_strings([new or old for new, old in zip(moved, paths, strict=True)]),
        "label": as_strings(corrections.labels_of(dataset)),
    }
    if dataset.splits is not None:
        columns["split"] = dataset.splits
    if dataset.groups is not None:
        columns["group"] = dataset.groups
    with replacing(output) as file:
        rows = csv.writer(file)  # lines end as RFC 4180 has it; a lone carriage return is quoted then
        rows.writerow(columns)
        for row in corrections.kept_rows(dataset):
            rows.writerow([cells[row] for cells in columns.values()])


def _write_arrays(dataset: Dataset, inputs: ImageSource | FeatureTable, corrections: Corrections, output: Path) -> None:
    """Write an npz file, labels as text."""
    kept = corrections.kept_rows(dataset)
    arrays: dict[str, NDArray[np.generic]] = (
        {"features": inputs.features[kept]}
        if isinstance(inputs, FeatureTable)
        else {"images": _pixels(inputs, kept, dataset.name)}
    )
    arrays |= {
        "labels": np.array(corrections.labels_of(dataset))[kept],
        "ids": np.array(dataset.example_ids.tolist())[kept],
    }
    if dataset.groups is not None:
        arrays["groups"] = np.array(dataset.groups.tolist())[kept]
    if dataset.true_labels is not None:
        arrays["true_labels"] = np.array(dataset.true_class_names)[dataset.true_labels[kept]]
    write_npz(output, arrays)


def _pixels(images: ImageSource, rows: Sequence[int], where: str) -> NDArray[np.uint8]:
    contents = [images.read(row) for row in rows]
    if any(isinstance(one, bytes) for one in contents):
        problem = "these images are inside other files, which are not rewritten"
        hint = "change the labels where the files are made: issues.csv names the examples by their ids"
        raise DatasetError("inside-other-files", problem, where=where, hint=hint)
    pixels = [np.asarray(one) for one in contents]
    if len({image.shape for image in pixels}) > 1:
        problem = "these images differ in size, and have no files that a list could name"
        hint = "save them as files, in a folder a class, and run on that folder"
        raise DatasetError("no-file-to-name", problem, where=where, hint=hint)
    return np.stack(pixels)


def _write_rows(dataset: Dataset, config: DatasetConfig, corrections: Corrections, output: Path) -> None:
    """Write a csv file, in which gaps are empty, and numbers have all their digits."""
    true_labels = dataset.true_labels
    columns = {
        "label": corrections.labels_of(dataset),
        "group": dataset.groups,
        "split": dataset.splits,
        "true_label": None if true_labels is None else [dataset.true_class_names[label] for label in true_labels],
    }
    inputs = _frame(dataset.inputs)
    ids = pd.DataFrame({ID_COLUMN: pd.Series(dataset.example_ids, dtype=object)})
    added = pd.DataFrame(
        {
            getattr(config, f"{role}_column") or role: pd.Series(cells, dtype=object)
            for role, cells in columns.items()
            if cells is not None
        }
    )
    if twice := next((name for name in (*ids, *added) if name in inputs.columns), ""):
        problem = f"a corrected copy has no place for its own column {twice!r} beside one of features of that name"
        raise DatasetError("column-taken", problem, where=dataset.name, hint="rename the column before the run")
    with replacing(output) as file:
        # Lines end as RFC 4180 has it; a lone carriage return is quoted then.
        rows = pd.concat([ids, inputs, added], axis=1).iloc[corrections.kept_rows(dataset)]
        rows.to_csv(file, index=False, lineterminator="\r\n")


def _frame(inputs: Inputs) -> pd.DataFrame:
    if isinstance(inputs, ColumnTable):
        return inputs.frame
    if isinstance(inputs, Texts):
        return pd.DataFrame({"text": inputs.texts}, dtype=object)
    assert isinstance(inputs, FeatureTable), "images are in files or arrays"
    return pd.DataFrame(inputs.features, columns=inputs.names or None)
