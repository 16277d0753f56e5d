"""Npz and npy files from outside: only the arrays that are asked for, none unpickled, none larger than is stored of it.

A file of 4 MB can claim arrays of gigabytes, and even unpack to them. So the header of an array is read alone at first,
and what it claims is compared with what the file holds.
"""

import io
import math
import os
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from labelscan.files.reading import check_is_file

HEADER_BYTES = 1 << 14
"""What is read of an array to know its shape; NumPy itself refuses longer headers."""
MOST_UNPACKED, MOST_TIMES = 1 << 28, 500
"""An array that unpacks to more bytes and to more times what is stored is refused: zeros shrink a thousandfold, pixels,
features and probabilities hardly tenfold, lists of text up to a hundredfold, counts of words and masks four times that.
"""
READ_BYTES = 1 << 20
"""Bytes read at a time where only their checksum is wanted."""
NAME_LENGTHS = 26
"""Where the header of a member of a zip file says how long its name and what follows it are, at the header's end."""
ENDS = "_end"
"""What the name of the array ends in that says where packed texts end."""
ENCRYPTED = 1
"""The flag of a member of a zip file."""
_SUFFIX = ".npy"
_NPY, _PICKLE = b"\x93NUMPY", b"\x80"
"""How a single array, and a pickle, begin."""


class PickledObjects(ValueError):  # noqa: N818  # named by what is refused
    """Objects that only pickle could load, which may run any program."""


def array_names(path: Path) -> list[str]:
    """Return the names of the arrays in an npz file, or raise OSError or ValueError."""
    with _opened(path) as archive:
        return list(_members(archive))


def array_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in an npz file by its name, or raise OSError or ValueError."""
    with _opened(path) as archive:
        return {name: _header(archive, member)[0] for name, member in _members(archive).items()}


def read_arrays(
    path: Path, names: Collection[str] | None = None, *, mapped: Collection[str] = ()
) -> dict[str, NDArray[Any]]:
    """Return the arrays ``names`` of an npz file, or all.

    Those in ``mapped`` are mapped into memory, to be read only, unless they are compressed: all bytes are read once,
    for the checksum, but none is kept.

    Raises:
        PickledObjects: one of them holds pickled objects.
        ValueError: it is not an npz file, damaged, or lacks one of them; or one unpacks to far more than is stored.
        OSError: it cannot be read.
    """
    with _opened(path) as archive:
        members = _members(archive)
        missing = [name for name in names or () if name not in members]
        if missing:
            raise ValueError(f"there is no array {missing[0]!r}")
        return {
            name: (_map if name in mapped else _array)(archive, members[name], name)
            for name in (members if names is None else names)
        }


def map_array(path: Path) -> NDArray[Any]:
    """Return the array in a .npy file, mapped into memory to be read only.

    Raises:
        PickledObjects: it holds pickled objects.
        ValueError: it is not a .npy file, or holds less than it says.
        OSError: it cannot be read.
    """
    check_is_file(path)
    try:
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except (OSError, MemoryError):
        raise
    except Exception as error:  # hostile bytes make numpy raise almost anything
        if "Python objects" in str(error):
            raise PickledObjects("the file holds pickled objects, which are never loaded") from error
        raise ValueError(f"not a whole .npy file: {error}") from error
    return array


def pack_texts(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return texts as two arrays for an npz file: the UTF-8 bytes of all, and (N,) int64 where each ends.

    An array of text has room for the longest in every row: 12 GB for 3,000 texts one of which has a million characters.
    """
    each = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(one) for one in each], dtype=np.int64)
    return {name: np.frombuffer(b"".join(each), np.uint8), name + ENDS: ends}


def read_texts(path: Path, name: str) -> list[str]:
    """Return the texts in an npz file, packed or as an array of text.

    Raises:
        ValueError: as ``read_arrays``, or they are no list of text.
        OSError: it cannot be read.
    """
    array = read_arrays(path, [name])[name]
    if array.dtype.kind == "U" and array.ndim == 1:
        return list(array.tolist())
    if array.dtype != np.uint8 or name + ENDS not in array_names(path):
        raise ValueError(f"{name} are {array.dtype} of shape {array.shape}, not a list of text")
    ends = read_arrays(path, [name + ENDS])[name + ENDS]
    bounds = [0, *ends.ravel().tolist()]
    if ends.dtype.kind != "i" or bounds[-1] != array.size or bounds != sorted(bounds):
        raise ValueError(f"{name} are not the text that {name + ENDS} says where to cut")
    whole = array.tobytes()
    return [whole[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(bounds)]


@contextmanager
def _opened(path: Path) -> Iterator[ZipFile]:
    check_is_file(path)
    try:
        with path.open("rb") as file:
            start = file.read(len(_NPY))
            if start == _NPY:
                raise ValueError("one array and not an npz file")
            if start.startswith(_PICKLE):
                raise PickledObjects("the file holds pickled objects, which are never loaded")
            with ZipFile(file) as archive:
                yield archive
    except (OSError, ValueError, MemoryError):
        raise
    except BadZipFile as error:
        raise ValueError(f"not an npz file: {error}") from error
    except Exception as error:  # hostile bytes make zipfile, zlib and numpy raise almost anything
        raise ValueError(f"damaged: {type(error).__name__}: {error}") from error


def _members(archive: ZipFile) -> dict[str, ZipInfo]:
    members: dict[str, ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(_SUFFIX)
        if name in members:
            raise ValueError(f"array {name!r} is there twice")
        if name != member.filename:
            members[name] = member
    return members


def _array(archive: ZipFile, member: ZipInfo, name: str) -> NDArray[Any]:
    _check(archive, member, name)
    with archive.open(member) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _map(archive: ZipFile, member: ZipInfo, name: str) -> NDArray[Any]:
    _check(archive, member, name)
    shape, is_fortran, dtype, start = _header(archive, member)
    if member.compress_type != ZIP_STORED or is_fortran or not math.prod(shape):
        return _array(archive, member, name)
    with archive.open(member) as file:
        while file.read(READ_BYTES):  # at the end the checksum is compared
            pass
    assert archive.fp is not None
    archive.fp.seek(member.header_offset + NAME_LENGTHS)
    lengths = struct.unpack("<HH", archive.fp.read(4))
    start += member.header_offset + NAME_LENGTHS + 4 + sum(lengths)
    return np.memmap(archive.fp, dtype, "r", start, shape)


def _check(archive: ZipFile, member: ZipInfo, name: str) -> None:
    """Raise ValueError unless the file holds as much as the array says."""
    assert archive.fp is not None
    if member.flag_bits & ENCRYPTED:
        raise ValueError(f"array {name!r} is encrypted")
    if member.compress_size > os.fstat(archive.fp.fileno()).st_size:
        raise ValueError(f"array {name!r} is cut off: the file is smaller than {member.compress_size:,} bytes")
    if member.file_size > max(MOST_UNPACKED, MOST_TIMES * member.compress_size):
        sizes = f"unpacks from {member.compress_size:,} bytes to {member.file_size:,}"
        raise ValueError(f"array {name!r} {sizes}: refused above {MOST_UNPACKED:,} and {MOST_TIMES} times as much")
    shape, _, dtype, start = _header(archive, member)
    if dtype.hasobject:
        raise PickledObjects(f"array {name!r} holds pickled objects, which are never loaded")
    size = start + math.prod(shape) * max(dtype.itemsize, 1)
    if min(shape, default=0) < 0 or size > member.file_size:
        raise ValueError(f"array {name!r} of shape {shape} takes {size:,} bytes, and {member.file_size:,} are there")


def _header(archive: ZipFile, member: ZipInfo) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return the shape of an array, whether its columns lie together, its type, and where its values begin."""
    with archive.open(member) as file:
        head = io.BytesIO(file.read(HEADER_BYTES))
    version = np.lib.format.read_magic(head)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return *read(head), head.tell()
