"""The data argument of the public functions: what the command line accepts, a data set, or arrays in memory."""

import dataclasses
import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelscan.arrays import as_array
from labelscan.config import Config
from labelscan.data.dataset import Dataset
from labelscan.data.readers.arrays import dataset_from_arrays
from labelscan.errors import ConfigError

Data: TypeAlias = str | Path | Dataset | ArrayLike
"""DATA as on the command line, a data set, or (N, H, W[, C]) uint8 images or (N, D) features in memory: an array,
nested lists, a data frame, a torch tensor."""


def settings_and_data(
    data: Data | None, labels: ArrayLike | None, settings: Config | None
) -> tuple[Config, Dataset | None]:
    """Return the settings, and the data set unless the settings say where to read it.

    Raises:
        ConfigError: labels without data in memory, the reverse, or no data.
        DatasetError: arrays of the wrong type, shape or length.
    """
    config = settings or Config()
    if data is None or isinstance(data, Dataset | str | os.PathLike):
        if labels is not None:
            raise ConfigError("labels go with data in memory only", where="labels", hint="leave them out")
        if isinstance(data, Dataset):
            return config, data
        if data is not None:
            config = dataclasses.replace(config, dataset=dataclasses.replace(config.dataset, data=str(data)))
        if not config.dataset.data:
            raise ConfigError("no data was given", where="dataset.data", hint="name a folder, a file, or demo:digits")
        return config, None
    if labels is None:
        raise ConfigError("images or features in memory need labels", where="labels", hint="detect(data, labels)")
    inputs = _array(data, "data")
    if isinstance(data, list | tuple) and inputs.ndim > 2 and inputs.dtype.kind in "iu" and _are_bytes(inputs):
        inputs = inputs.astype(np.uint8)  # lists of pixels have no type of their own
    return config, dataset_from_arrays(inputs, _array(labels, "labels"))


def _array(values: object, name: str) -> NDArray[Any]:
    try:
        return as_array(values)
    except (TypeError, ValueError) as error:
        hint = "pass rows of equal length"
        raise ConfigError(f"these are not one array ({error})", where=name, hint=hint) from error


def _are_bytes(values: NDArray[np.integer[Any]]) -> bool:
    return values.size > 0 and int(values.min()) >= 0 and int(values.max()) <= 255
