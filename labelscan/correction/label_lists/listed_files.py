"""A corrected list of images or texts whose labels were the names of their folders: a manifest.

The files stay where they are.
"""

import csv
from pathlib import Path

from labelscan.arrays import as_strings
from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists.rows import ID_COLUMN, move_paths
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import Inputs, Texts, originals
from labelscan.files.atomic import replacing
from labelscan.files.urls import is_url
from labelscan.images.remote import UrlImages
from labelscan.images.sources import ImageFiles


def write(dataset: Dataset, files: ImageFiles | UrlImages, corrections: Corrections, output: Path) -> None:
    """Write a manifest of all files that are not dropped, in the order of their ids; paths are relative to it.

    Addresses stay as they are.
    """
    paths = files.paths.tolist() if isinstance(files, ImageFiles) else [files.path(row) for row in range(len(files))]
    moved = move_paths(paths, files.root if isinstance(files, ImageFiles) else Path(), output.parent)
    columns = {
        ID_COLUMN: dataset.example_ids,
        "path": as_strings([new or old for new, old in zip(moved, paths, strict=True)]),
        "label": as_strings(new_labels(dataset, corrections)),
    }
    if dataset.splits is not None:
        columns["split"] = dataset.splits
    if dataset.groups is not None:
        columns["group"] = dataset.groups
    with replacing(output) as file:
        rows = csv.writer(file)  # lines end as RFC 4180 has it; a lone carriage return is quoted then
        rows.writerow(columns)
        for row in corrections.kept_rows(dataset.example_ids):
            rows.writerow([cells[row] for cells in columns.values()])


def listed_of(inputs: Inputs) -> ImageFiles | UrlImages | None:
    """Return the files that a manifest could list, here or elsewhere; None where there are none."""
    seen = originals(inputs)
    return seen if isinstance(seen, UrlImages) else files_of(inputs)


def files_of(inputs: Inputs) -> ImageFiles | None:
    """Return the files of this machine that the examples are, or that their features were computed from.

    None where there are none.
    """
    seen = originals(inputs)
    if isinstance(seen, Texts) and seen.paths is not None and not any(map(is_url, seen.paths)):
        return ImageFiles(seen.root, seen.paths)
    return seen if isinstance(seen, ImageFiles) else None


def new_labels(dataset: Dataset, corrections: Corrections) -> list[str]:
    """Return N labels, corrected where they change."""
    return [
        corrections.new_label(example_id) or dataset.class_names[label]
        for example_id, label in zip(dataset.example_ids, dataset.given_labels.tolist(), strict=True)
    ]
