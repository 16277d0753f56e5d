"""Files and folders that are either whole or absent.

A run may be killed at any moment, and what it leaves must never be mistaken for a result: every file is written under
another name and renamed when complete.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from labelscan.reading import parse_json, read_text


@contextmanager
def partial_of(path: Path) -> Iterator[Path]:
    """Yield a sibling path; what the block writes there becomes ``path`` only if the block succeeds.

    Where ``path`` is a link, its target is replaced and not the link. A pipe or a device, such as /dev/stdout, is never
    replaced: the block writes straight into it.
    """
    path = _behind_links(path)
    if _is_written_into(path):
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)  # already renamed, unless the block failed


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file that becomes ``path`` only if the block succeeds; line ends are written as given."""
    with partial_of(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        yield file
        _sync(file)


@contextmanager
def replacing_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that becomes ``path`` only if the block succeeds."""
    with partial_of(path) as partial, partial.open("wb") as file:
        yield file
        _sync(file)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write ``content`` as indented JSON, keys in the order given."""
    with replacing(path) as file:
        json.dump(content, file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def read_json(path: Path) -> dict[str, object]:
    """Return the JSON object in ``path``, or raise OSError or ValueError."""
    content = parse_json(read_text(path))
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}, not an object")
    return content


def write_npz(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write ``arrays`` uncompressed into one npz file without pickle."""
    with replacing_bytes(path) as file, ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            add_array(archive, name, array)


def add_array(archive: ZipFile, name: str, array: NDArray[np.generic]) -> None:
    """Write one array into an npz file; unlike in ``np.savez``, any name is allowed, even ``file``."""
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _sync(file: TextIO | BinaryIO) -> None:
    """Have the system write a file to disk; a pipe or a device cannot be synced."""
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fsync(file.fileno())


def _behind_links(path: Path) -> Path:
    """Return the end of a chain of links, except of those that only the system can follow, such as /dev/stdout."""
    return Path(os.path.realpath(path)) if path.is_symlink() and not _is_written_into(path) else path


def _is_written_into(path: Path) -> bool:
    """Return whether ``path`` is a pipe or a device."""
    return path.exists() and not path.is_file() and not path.is_dir()
