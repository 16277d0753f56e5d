"""Readers: each turns one form of input into a ``Dataset``, and is chosen by what the data is.

To add a form, write a module here with the names of ``Reader``, and a line in ``READERS``; another package adds one by
an entry point in the group ``labelscan.reader``. Modules load when they are first asked, so that a folder does not wait
for pandas, nor ``demo:digits`` for torchvision.
"""

import shlex
import time
from pathlib import Path
from typing import Protocol

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, merge_similar_classes
from labelscan.data.readers.copies import named_by_address, with_copies
from labelscan.data.readers.unsupported import refuse_file, refuse_folder
from labelscan.data.refused_rows import reading
from labelscan.errors import ConfigError, DatasetError, nearest_name
from labelscan.events import Listener, StepDone, StepStarted, ignore
from labelscan.files.reading import with_home
from labelscan.files.urls import is_url, protocol_of
from labelscan.registry import Parts


class Reader(Protocol):
    """A module that reads one form of data."""

    SETTINGS: frozenset[str]
    """Those of ``FORM_SETTINGS`` that it uses."""

    def reads(self, config: DatasetConfig) -> bool:
        """Return whether ``config.data`` has its form, judging by the name or a look inside, not by reading it all."""

    def read(self, config: DatasetConfig, notify: Listener) -> Dataset:
        """Return the data set that ``config.data`` names."""


READERS: Parts[Reader] = Parts(
    "reader",
    {
        "demo": "labelscan.data.readers.demo",
        "torchvision": "labelscan.data.readers.torchvision_set",
        "webdataset": "labelscan.data.readers.webdataset",
        "class folders": "labelscan.data.readers.class_folders",
        "npz": "labelscan.data.readers.arrays",
        "embeddings": "labelscan.data.readers.embeddings",
        "encoded images": "labelscan.data.readers.encoded_images",
        "manifest": "labelscan.data.readers.manifest",
        "texts": "labelscan.data.readers.texts",
        "table": "labelscan.data.readers.table",
    },
)
"""The readers, in the order in which they are asked; those of other packages come last, so that none can change what
data means. Data that is not a file or folder starts with the name of its reader and a colon, as in ``demo:digits``."""

FORM_SETTINGS = (
    "split",
    "path_column",
    "label_column",
    "true_label_column",
    "id_column",
    "group_column",
    "split_column",
    "text_column",
    "encoding",
    "features",
    "exclude",
    "include",
)
"""Settings that only some forms use; set for another form, they are refused rather than ignored."""


def read(config: DatasetConfig, notify: Listener = ignore) -> Dataset:
    """Return the data set that ``config.data`` names, read by the reader for its form.

    Raises:
        DatasetError: the data is missing, or cannot be read as a labelled data set.
        ConfigError: a setting has no effect on this form of data.
    """
    started = time.monotonic()
    notify(StepStarted("read"))
    with named_by_address():
        dataset = _read(with_copies(config), notify)
    notify(StepDone("read", time.monotonic() - started))
    return merge_similar_classes(dataset) if config.merge_labels else dataset


def _read(config: DatasetConfig, notify: Listener) -> Dataset:
    name = form(config)
    reader = READERS[name]
    for setting in FORM_SETTINGS:
        if getattr(config, setting) and setting not in reader.SETTINGS:
            used = ", ".join(sorted(reader.SETTINGS)) or "none of these settings"
            raise ConfigError(
                "setting-without-effect",
                f"has no effect on {config.data}, which is read as {name}",
                where=f"dataset.{setting}",
                hint=f"take it out; {name} uses {used}",
            )
    try:
        return reader.read(config, notify)
    except MemoryError as error:
        hint = "give less of it, or images in files, which are read one by one"
        raise DatasetError("too-large", "does not fit into memory", where=config.data, hint=hint) from error


def form(config: DatasetConfig) -> str:
    """Return the form of ``config.data``: a key of ``READERS``."""
    config = with_copies(config)
    data = config.data
    if not data.strip():
        raise ConfigError(
            "no-data", "no data is named", where="dataset.data", hint="give a folder or file, or demo:digits"
        )
    path = with_home(data)
    with reading(data, "check the path"):  # it may be too long, or in a folder that may not be entered
        if path.is_dir():
            refuse_folder(path)
        found = next((name for name in READERS if READERS[name].reads(config)), None)
        is_there = path.exists()
    if found is not None:
        return found
    if not is_there and path.is_symlink():
        raise DatasetError("broken-link", "this link leads to no file", where=data, hint="check where it points")
    if not is_there:
        hint = nearest_file(path) or "check the path; demo:digits works without any data"
        raise DatasetError("no-file", "no such file or folder", where=data, hint=hint)
    refuse_file(path)
    from labelscan.data.readers.sheet import SUFFIXES

    hint = f"give a folder of class folders, or a file called {', '.join(SUFFIXES)} or .npz"
    if path.suffix.lower() == ".npy":
        hint = f"name the file of the labels, and add --features {shlex.quote(data)}"
    what = f"files called {path.suffix or 'without an extension'} are not read"
    raise DatasetError("not-a-data-set", what, where=data, hint=hint)


def scheme_of(data: str) -> str:
    """Return the reader that ``data`` names, as in ``demo:digits``, or the protocol of an address.

    Empty for a file or folder of this machine.
    """
    if is_url(data):
        return protocol_of(data)
    name, colon, _ = data.partition(":")
    is_called = bool(colon) and name in READERS and not Path(data).exists()
    return name if is_called and READERS[name].reads(DatasetConfig(data=data)) else ""


def nearest_file(path: Path) -> str:
    """Return a hint with the most similar name in the folder of ``path``; empty where none is similar."""
    beside = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    name = nearest_name(path.name, beside)
    return f"did you mean {path.parent / name}?" if name else ""
