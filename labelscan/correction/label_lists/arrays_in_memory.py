"""A corrected copy of images or features that are in no files, such as those of a demo: an npz file of them all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists.listed_files import new_labels
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import FeatureTable
from labelscan.errors import DatasetError
from labelscan.files.atomic import write_npz
from labelscan.images.sources import ImageSource


def write(dataset: Dataset, inputs: ImageSource | FeatureTable, corrections: Corrections, output: Path) -> None:
    """Write all examples that are not dropped, labels as text, or raise DatasetError if the images differ in size."""
    kept = corrections.kept_rows(dataset.example_ids)
    arrays: dict[str, NDArray[np.generic]] = (
        {"features": inputs.features[kept]}
        if isinstance(inputs, FeatureTable)
        else {"images": _pixels(inputs, kept, dataset.name)}
    )
    arrays |= {
        "labels": np.array(new_labels(dataset, corrections))[kept],
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
        raise DatasetError(
            "inside-other-files",
            "these images are inside other files, which are not rewritten",
            where=where,
            hint="change the labels where the files are made: issues.csv names the examples by their ids",
        )
    pixels = [np.asarray(one) for one in contents]
    if len({image.shape for image in pixels}) > 1:
        raise DatasetError(
            "no-file-to-name",
            "these images differ in size, and have no files that a list could name",
            where=where,
            hint="save them as files, in a folder a class, and run on that folder",
        )
    return np.stack(pixels)
