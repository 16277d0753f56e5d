"""Sheets and arrays that lie elsewhere, copied to this machine while they are read.

A sheet is read several times, and arrays are mapped: both need a file. The copies are in a temporary folder, which is
removed when the program ends. Images that a sheet lists are not copied.
"""

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.data.readers.sheet import SUFFIXES
from labelscan.errors import DatasetError, LabelscanError, Problem
from labelscan.files import storage
from labelscan.files.urls import folder_of, is_url, name_of

COPIED = (*SUFFIXES, ".npz", ".npy")
"""The suffixes of files that are copied whole."""
_ORIGINALS: dict[Path, str] = {}
"""The address of each copy."""


def with_copies(config: DatasetConfig) -> DatasetConfig:
    """Return the settings with paths of copies in place of addresses of sheets and arrays, which are fetched now.

    Raises:
        DatasetError: there is no such file.
        StorageError: the storage did not give it.
    """
    return dataclasses.replace(config, data=_copied(config.data), features=_copied(config.features))


def folder_of_files(path: Path) -> Path | str:
    """Return the folder from which relative paths in a sheet start: that of its original, perhaps an address."""
    url = _ORIGINALS.get(path)
    return folder_of(url) if url else path.parent


@contextmanager
def named_by_address() -> Iterator[None]:
    """Name the originals of copies in errors."""
    try:
        yield
    except LabelscanError as error:
        error.problems = tuple(Problem(*map(_with_addresses, dataclasses.astuple(one))) for one in error.problems)
        error.args = tuple(_with_addresses(one) for one in error.args)
        raise


def _copied(place: str) -> str:
    """Return the path of the copy of a sheet or array elsewhere; any other place as it is."""
    if not (is_url(place) and place.lower().endswith(COPIED)):
        return place
    path = Path(tempfile.mkdtemp(dir=_folder().name)) / name_of(place)
    try:
        storage.copy(place, path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        hint = "check the address, and that you may read it"
        raise DatasetError("no-file", "no such file", where=place, hint=hint) from error
    _ORIGINALS[path] = place
    return str(path)


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="labelscan-")


def _with_addresses(text: str) -> str:
    for path, url in _ORIGINALS.items():
        text = text.replace(str(path), url).replace(str(path.parent), folder_of(url))
    return text
