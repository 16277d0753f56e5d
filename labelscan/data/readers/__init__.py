"""Readers: choose one by what the data is. Each turns one form of input into a ``Dataset``.

To add a form, add a module with ``SETTINGS`` (the settings that mean something to it) and ``read``, a line to
``READERS``, and the rule that tells it apart to ``form``. Modules load when they are picked, so that
``demo:digits`` does not wait for pandas nor a folder for torchvision.
"""

import difflib
import importlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.errors import ConfigError, DatasetError
from labelscan.events import Listener, StepDone, StepStarted, ignore


class Reader(Protocol):
    """A module that reads one form of data."""

    SETTINGS: frozenset[str]
    """The settings, of those that not every form has, that it heeds."""

    def read(self, config: DatasetConfig, notify: Listener) -> Dataset:
        """Return the data set that ``config.data`` names."""


READERS: Mapping[str, str] = {
    "class folders": "labelscan.data.readers.class_folders",
    "manifest": "labelscan.data.readers.manifest",
    "table": "labelscan.data.readers.table",
    "npz": "labelscan.data.readers.arrays",
    "torchvision": "labelscan.data.readers.torchvision_set",
    "demo": "labelscan.data.readers.demo",
}
"""Form of the data to the module that reads it."""

FORM_SETTINGS = (
    "split",
    "path_column",
    "label_column",
    "true_label_column",
    "id_column",
    "group_column",
    "split_column",
)
"""Settings that only some forms heed; set for another form, they are refused rather than ignored."""


def read(config: DatasetConfig, notify: Listener = ignore) -> Dataset:
    """Return the data set that ``config.data`` names, read by the reader for its form.

    Args:
        config: where the data lies and what its columns mean.
        notify: hears of the step ``read``; images are not decoded here.

    Raises:
        DatasetError: the data is not there or cannot be read as a labelled data set.
        ConfigError: a setting has no effect on this form of data.
    """
    started = time.monotonic()
    name = form(config)
    reader = cast(Reader, importlib.import_module(READERS[name]))
    for setting in FORM_SETTINGS:
        if getattr(config, setting) and setting not in reader.SETTINGS:
            heeded = ", ".join(sorted(reader.SETTINGS)) or "none of these settings"
            raise ConfigError(
                f"has no effect on {config.data}, which is read as {name}",
                where=f"dataset.{setting}",
                hint=f"take it out; {name} heeds {heeded}",
            )
    notify(StepStarted("read"))
    dataset = reader.read(config, notify)
    notify(StepDone("read", time.monotonic() - started))
    return dataset


def form(config: DatasetConfig) -> str:
    """Return which form of data ``config.data`` is: a key of ``READERS``."""
    data = config.data
    if not data.strip():
        raise ConfigError("no data is named", where="dataset.data", hint="give a folder or file, or demo:digits")
    if scheme := scheme_of(data):
        return scheme
    path = Path(data).expanduser()
    if path.is_dir():
        return "class folders"
    if not path.exists():
        raise DatasetError("no such file or folder", where=data, hint=_nearest(path))
    if path.suffix.lower() == ".npz":
        return "npz"
    from labelscan.data.readers import columns, sheet

    if path.suffix.lower() in sheet.SUFFIXES:
        is_manifest = path.suffix.lower() == ".jsonl" or columns.has_path(sheet.column_names(path), config)
        return "manifest" if is_manifest else "table"
    raise DatasetError(
        f"files called {path.suffix or 'without an extension'} are not read",
        where=data,
        hint=f"give a folder of class folders, or a file called {', '.join(sheet.SUFFIXES)} or .npz",
    )


def scheme_of(data: str) -> str:
    """Return which data set is called by its name, ``demo`` or ``torchvision``; empty for a file or folder."""
    scheme, colon, _ = data.partition(":")
    return scheme if colon and scheme in ("demo", "torchvision") else ""


def _nearest(path: Path) -> str:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    names = difflib.get_close_matches(path.name, beside, n=1)
    if names:
        return f"did you mean {path.parent / names[0]}?"
    return "check the path; demo:digits works without any data"
