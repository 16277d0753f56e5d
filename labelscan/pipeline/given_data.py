"""The data argument of the public functions: what the command line accepts, a data set, or data in memory."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelscan.arrays import as_array, as_strings
from labelscan.config import Config, DatasetConfig
from labelscan.data.dataset import Dataset, merge_similar_classes
from labelscan.data.readers.arrays import are_texts, dataset_from_arrays
from labelscan.errors import ConfigError

if TYPE_CHECKING:
    from labelscan.training.user_model import UserModel

Data: TypeAlias = str | Path | Dataset | ArrayLike
"""DATA as on the command line, a data set, or in memory: a data frame of pandas, polars or others, (N,) texts,
(N, H, W[, C]) uint8 images or (N, D) features, as an array, lists or a torch tensor."""


def settings_and_data(
    data: Data | None,
    labels: ArrayLike | None,
    settings: Config | None,
    *,
    label: str = "",
    model: "UserModel | Sequence[UserModel] | None" = None,
) -> tuple[Config, Dataset | None]:
    """Return the settings, and the data set unless the settings say where to read it.

    Args:
        data: see ``Data``; None is that of the settings.
        labels: (N,) with data in memory whose labels are no column of it.
        settings: None is the defaults.
        label: the column of labels in a frame or file, in place of that in the settings.
        model: the caller's; a classifier gets the columns of a frame as they are.

    Raises:
        ConfigError: labels without data in memory, data in memory without labels, or no data.
        DatasetError: data of the wrong type, shape or length.
    """
    given: object = settings
    if given is not None and not isinstance(given, Config):
        hint = "make them by labelscan.settings(epochs=3, ...)"
        raise ConfigError("wrong-type", f"settings are no {type(given).__name__}", where="settings", hint=hint)
    config = settings or Config()
    if label:
        config = dataclasses.replace(config, dataset=dataclasses.replace(config.dataset, label_column=label))
    if data is None or isinstance(data, Dataset | str | os.PathLike):
        if labels is not None:
            raise ConfigError(
                "wrong-usage", "labels go with data in memory only", where="labels", hint="leave them out"
            )
        if isinstance(data, Dataset):
            return config, data
        if data is not None:
            config = dataclasses.replace(config, dataset=dataclasses.replace(config.dataset, data=str(data)))
        if not config.dataset.data:
            raise ConfigError(
                "no-data", "no data was given", where="dataset.data", hint="name a folder, a file, or demo:digits"
            )
        return config, None
    if labels is not None and label:
        raise ConfigError("wrong-usage", "labels and label say the same", where="label", hint="give one of them")
    models = model if isinstance(model, list | tuple) else [model]
    for_classifier = any(hasattr(one, "predict_proba") for one in models)
    dataset = _in_memory(data, labels, config.dataset, for_classifier=for_classifier)
    return config, merge_similar_classes(dataset) if config.dataset.merge_labels else dataset


def _remedy(data: Any) -> str:
    """Return what to do with data of a kind that is not read; empty for any other."""
    if isinstance(data, Mapping):
        return "pass it as a data frame"
    if hasattr(data, "toarray"):  # a sparse matrix
        return "pass data.toarray()"
    if hasattr(data, "__getitem__") and not hasattr(data, "__array__") and not isinstance(data, Sequence):
        return "pass its images, features or texts as one array, or as a data frame; torchvision:NAME reads those sets"
    return ""


def _in_memory(data: Any, labels: Any, config: DatasetConfig, *, for_classifier: bool) -> Dataset:
    series = _as_frame_of_texts(data)
    if _is_frame(data) or series is not None:
        from labelscan.data.readers.frames import as_pandas, dataset_from_frame

        if series is not None:
            data, config = series, dataclasses.replace(config, text_column=tuple(map(str, series)))
        given = labels if labels is None or _has_index(labels) else _array(labels, "labels")
        return dataset_from_frame(as_pandas(data), given, config, as_it_is=for_classifier)
    if hasattr(data, "collect"):
        raise ConfigError("lazy-frame", "a lazy frame has no rows yet", where="data", hint="pass data.collect()")
    if remedy := _remedy(data):
        raise ConfigError("unknown-data", f"a {type(data).__name__} is not read", where="data", hint=remedy)
    if config.label_column:
        raise ConfigError(
            "wrong-usage", "only frames and files have columns", where="label", hint="detect(data, labels)"
        )
    if labels is None:
        hint = "detect(data, labels), or detect(frame, label='kind')"
        raise ConfigError("no-labels", "texts, images or features in memory need labels", where="labels", hint=hint)
    inputs = _array(data, "data")
    if isinstance(data, list | tuple) and inputs.ndim > 2 and inputs.dtype.kind in "iu" and _are_bytes(inputs):
        inputs = inputs.astype(np.uint8)  # lists of pixels have no type of their own
    name = "texts" if are_texts(inputs) else "arrays"
    return dataset_from_arrays(inputs, _array(labels, "labels"), name=name, keep_gaps=for_classifier)


def _is_frame(values: object) -> bool:
    return hasattr(values, "__arrow_c_stream__") and hasattr(values, "columns")  # a series has none


def _as_frame_of_texts(values: Any) -> Any:
    """Return a series of pandas, whose index may be ids, as a frame where it holds texts; else None."""
    return values.to_frame("text") if _has_index(values) and are_texts(as_array(values)) else None


def _has_index(values: object) -> bool:
    """Return whether values are a series of pandas, whose index says which rows they belong to."""
    return hasattr(values, "to_frame") and hasattr(values, "index")


def _array(values: object, name: str) -> NDArray[Any]:
    if isinstance(values, list | tuple) and values and all(isinstance(one, str | None) for one in values):
        return as_strings(values)  # NumPy would take as much for each as for the longest
    try:
        return as_array(values)
    except (TypeError, ValueError) as error:
        hint = "pass rows of equal length"
        raise ConfigError("ragged", f"these are not one array ({error})", where=name, hint=hint) from error


def _are_bytes(values: NDArray[np.integer[Any]]) -> bool:
    return values.size > 0 and int(values.min()) >= 0 and int(values.max()) <= 255
