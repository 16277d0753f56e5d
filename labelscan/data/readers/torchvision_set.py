"""A data set that torchvision knows by name, read from ``--root``; downloaded only on request."""

import contextlib
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.errors import ConfigError, DatasetError, nearest_name
from labelscan.events import Listener
from labelscan.images.sources import CHANNELS, Image, ImageArray, ImageFiles, ImageSource

SETTINGS = frozenset({"split"})
TRAIN_TEST = {"train": True, "test": False}
"""Splits of the data sets that know them as ``train=True`` and ``train=False``."""


_Loaded: TypeAlias = Sequence[tuple[object, object]]
"""What all of torchvision's data sets have in common: their length, and an image and its label by row."""


@dataclass(frozen=True)
class TorchvisionImages(ImageSource):
    """Images that a torchvision data set decodes itself, one at a time."""

    sets: tuple[_Loaded, ...]
    rows: Index
    """(N, 2) which set, and the row in it."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, order: Index) -> "TorchvisionImages":
        return TorchvisionImages(self.sets, self.rows[order])

    def read(self, index: int) -> Image:
        which, row = self.rows[index].tolist()
        image: Any = self.sets[which][row][0]
        if hasattr(image, "convert"):
            image = image.convert("L" if image.mode in ("1", "L") else "RGB")
        pixels: NDArray[np.uint8] = np.asarray(image, dtype=np.uint8)
        return pixels if pixels.ndim == 3 else pixels[..., None]


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is called ``torchvision:...``."""
    return config.data.startswith("torchvision:")


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # torchvision reads in one go
    """Return ``torchvision:NAME`` from ``config.root``; ids are paths relative to it, else row numbers from 0."""
    name, constructor = _find(config.data.partition(":")[2])
    sets = _load(name, constructor, config)
    labels = [label for loaded in sets.values() for label in _labels(name, loaded)]
    inputs = _inputs(tuple(sets.values()), Path(config.root))
    has_files = isinstance(inputs, ImageFiles)
    ids = inputs.paths.tolist() if isinstance(inputs, ImageFiles) else list(map(str, range(len(labels))))
    splits = [split for split, loaded in sets.items() for _ in range(len(loaded))]
    read_splits = ", ".join(sets)
    return make_dataset(
        name=name,
        inputs=inputs,
        labels=labels,
        example_ids=ids,
        where=lambda row: f"torchvision:{name} index {row}",
        ids_depend_on_order=not has_files,
        splits=splits if read_splits else None,
        notes=[f"splits read: {read_splits}"] if read_splits else [],
    )


def _find(asked: str) -> tuple[str, Any]:
    import torchvision.datasets

    names = {name.lower(): name for name in torchvision.datasets.__all__}
    found = names.get(asked.strip().lower())
    if found is None:
        nearest = nearest_name(asked, names.values())
        hint = f"did you mean torchvision:{nearest}?" if nearest else "use a name of torchvision.datasets"
        raise ConfigError(
            "unknown-data-set", f"torchvision has no data set called {asked!r}", where="dataset.data", hint=hint
        )
    return found, getattr(torchvision.datasets, found)


def _load(name: str, constructor: Any, config: DatasetConfig) -> dict[str, _Loaded]:
    """Return the wanted splits by name; a set without splits is one without a name."""
    options = inspect.signature(constructor.__init__).parameters
    wanted = [split.strip() for split in config.split.split(",") if split.strip()]
    arguments: dict[str, object] = {"root": config.root} if "root" in options else {}
    if config.download:
        if "download" not in options:
            hint = f"fetch it by hand, as torchvision's page on {name} says, and set --root"
            raise ConfigError("no-download", f"torchvision cannot download {name}", where="dataset.download", hint=hint)
        arguments["download"] = True
    make = partial(_make, name, constructor, config)
    if "split" in options:
        default = options["split"].default
        chosen = wanted or [default if isinstance(default, str) else "train"]
        return {split: make({**arguments, "split": split}) for split in chosen}
    if "train" in options:
        for split in wanted:
            if split not in TRAIN_TEST:
                raise DatasetError(
                    "unknown-split", f"no split is called {split!r}", where=config.data, hint="there are train and test"
                )
        chosen = wanted or list(TRAIN_TEST)
        return {split: make({**arguments, "train": TRAIN_TEST[split]}) for split in chosen}
    if wanted:
        raise DatasetError("no-splits", f"no splits, but --split {config.split} was asked for", where=config.data)
    return {"": make(arguments)}


def _make(name: str, constructor: Any, config: DatasetConfig, arguments: dict[str, object]) -> _Loaded:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # torchvision prints what it downloads; stdout is for results
            loaded: _Loaded = constructor(**arguments)
        len(loaded)
    except (RuntimeError, OSError, ValueError, TypeError, ImportError) as error:
        text = " ".join(str(error).split())
        if config.download:
            hint = "check the network and the disk"
        elif "not found" in text or "download" in text or isinstance(error, FileNotFoundError):
            hint = "add --download to fetch it, or set --root to the folder that holds it"
        else:
            hint = f"see torchvision's page on {name}"
        where = f"torchvision:{name} in {config.root}"
        raise DatasetError("unreadable", f"torchvision cannot read {name} ({text})", where=where, hint=hint) from error
    return loaded


def _first(loaded: _Loaded, *names: str) -> Any:
    """Return the first of the attributes that exists; sets call the same thing by many names."""
    return next((getattr(loaded, name) for name in names if hasattr(loaded, name)), None)


def _labels(name: str, loaded: _Loaded) -> list[str]:
    """Return the labels as class names; images are decoded only if the set has no list of labels."""
    kept = _first(loaded, "targets", "labels", "_labels", "y")
    if kept is None and (pairs := _first(loaded, "samples", "_samples")) is not None:
        kept = [pair[1] for pair in pairs]
    if kept is None or len(kept) != len(loaded):
        kept = [loaded[row][1] for row in range(len(loaded))]
    values = np.asarray(kept)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise DatasetError(
            "not-judged",
            f"{name} has labels of another kind than one class an image",
            where=f"torchvision:{name}",
            hint="several labels for one image, boxes and masks are not supported",
        )
    names = _class_names(loaded)
    numbers = values.tolist()
    in_range = bool(names) and min(numbers, default=0) >= 0 and max(numbers, default=0) < len(names)
    return [names[number] if in_range else str(number) for number in numbers]


def _class_names(loaded: _Loaded) -> list[str]:
    """Return the names of the classes, or none where they are unknown or not distinct."""
    classes = _first(loaded, "classes")
    if not isinstance(classes, (list, tuple)):
        return []
    names = [", ".join(name) if isinstance(name, tuple) else str(name) for name in classes]
    return names if len(set(names)) == len(names) else []


def _inputs(sets: Sequence[_Loaded], root: Path) -> ImageSource:
    arrays = [_array(loaded) for loaded in sets]
    present = [array for array in arrays if array is not None]
    if len(present) == len(sets) and len({array.shape[1:] for array in present}) == 1:
        return ImageArray(np.concatenate(present))
    files = [_files(loaded) for loaded in sets]
    paths = [path for some in files if some is not None for path in some]
    if None not in files and len(set(paths)) == len(paths):
        inside = [
            Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path for path in paths
        ]
        return ImageFiles(root, as_strings(inside))
    rows = [(which, row) for which, loaded in enumerate(sets) for row in range(len(loaded))]
    return TorchvisionImages(tuple(sets), np.array(rows, dtype=np.int64))


def _array(loaded: _Loaded) -> NDArray[np.uint8] | None:
    """Return (N, H, W, C) where the set holds its images in one array."""
    data = _first(loaded, "data")
    images: NDArray[Any] = np.asarray(data) if hasattr(data, "shape") else np.empty(0)
    if images.dtype != np.uint8 or len(images) != len(loaded) or images.ndim not in (3, 4):
        return None
    images = images[..., None] if images.ndim == 3 else images
    if images.shape[3] in CHANNELS:
        return images
    return images.transpose(0, 2, 3, 1) if images.shape[1] in CHANNELS else None


def _files(loaded: _Loaded) -> list[str] | None:
    """Return the image files where the set keeps a list of them."""
    paths = _first(loaded, "_image_files", "_images")
    if paths is None and (pairs := _first(loaded, "samples", "_samples")) is not None:
        paths = [pair[0] for pair in pairs]
    if paths is None or len(paths) != len(loaded) or not all(isinstance(path, (str, Path)) for path in paths):
        return None
    return [str(path) for path in paths]
