"""Files and folders that are either whole or absent.

A run may be killed at any moment, and what it leaves must never be mistaken for a result: every file is written under
another name and renamed when complete. That name says which process of which host is writing, so that what a killed one
has left can be distinguished from what a living one is writing, and swept. A full disk is an error that says what to
do.
"""

import contextlib
import errno
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import DiskError
from labelscan.files.reading import parse_json, read_text

DAY = 86_400.0
"""Seconds after which a partial file of another host counts as left: no process can be asked for there."""
BOOT, PROCESSES = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
"""Where Linux says when it was started, and in which container a process has its number."""
_PARTIAL = re.compile(r"\..+?(\.(?P<host>[0-9a-f]{8}))?\.(?P<process>[0-9]+)\.partial", re.DOTALL)
_KEPT = "what is finished is kept, and the same command goes on from there"
_DISK_ERRORS = {
    errno.ENOSPC: ("no space is left on the disk", "free some, or choose another place with -o"),
    errno.EDQUOT: ("the disk quota is used up", "free some of it, or choose another place with -o"),
    errno.EFBIG: ("the file is too large for the file system or for ulimit -f", "raise the limit, or write elsewhere"),
    errno.EROFS: ("the file system is read-only", "choose another place with -o"),
}
"""What the system says where a disk does not take a file: in words, and what to do."""
_CUT_OFF = re.compile(r"\d+ requested and \d+ written")
"""What NumPy says of a disk that is full, without the code of the system."""


@contextmanager
def partial_of(path: Path) -> Iterator[Path]:
    """Yield a sibling path; what the block writes there becomes ``path`` only if the block succeeds.

    Where ``path`` is a link, its target is replaced and not the link. A pipe or a device, such as /dev/stdout, is never
    replaced: the block writes straight into it.

    Raises:
        DiskError: the disk does not take it; ``path`` is as it was.
    """
    if _is_written_into(path):
        yield path
        return
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_path(path)
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)  # already renamed, unless the block failed


def partial_path(path: Path) -> Path:
    """Return the sibling that this process writes in place of ``path`` until it is whole."""
    return path.with_name(f".{path.name}.{host_key()}.{os.getpid()}.partial")


def sweep(folder: Path) -> None:
    """Delete what killed processes have left half-written in ``folder``; folders below it are left alone.

    Nothing of a living process goes: of this host, the processes that still run are known; what another host has begun,
    or this one before it was last started, goes after a day.
    """
    with contextlib.suppress(FileNotFoundError):  # another process deletes the folder
        for entry in filter(_is_left, list(folder.glob(".*.partial"))):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):  # it may be another user's: then it stays
                    entry.unlink()


@contextmanager
def one_at_a_time(lock_file: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Call ``wait`` for as long as another process, in the same block, makes the same file.

    Where files cannot be locked, each process makes its own, and the same.
    """
    from filelock import FileLock, Timeout  # it loads asyncio

    lock = FileLock(lock_file, blocking=False)
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            wait()
        except (OSError, NotImplementedError):
            break
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise DiskError where the block fails because the disk does not take ``path``: it says how much is free."""
    try:
        yield
    except OSError as error:
        number = errno.ENOSPC if _CUT_OFF.search(str(error)) else error.errno
        if number not in _DISK_ERRORS:
            raise
        problem, remedy = _DISK_ERRORS[number]
        refused = DiskError("disk", f"{problem}{_free(path)}", where=str(path), hint=f"{remedy}; {_KEPT}")
        refused.errno = number
        raise refused from error


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


def write_npz(path: Path, arrays: Mapping[str, NDArray[np.generic] | Sequence[NDArray[np.generic]]]) -> None:
    """Write ``arrays`` uncompressed into one npz file without pickle; several under one name are stacked."""
    with replacing_bytes(path) as file, ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            if isinstance(array, Sequence):
                _add_stack(archive, name, array)
            else:
                add_array(archive, name, array)


def add_array(archive: ZipFile, name: str, array: NDArray[np.generic]) -> None:
    """Write one array into an npz file; unlike in ``np.savez``, any name is allowed, even ``file``."""
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def host_key() -> str:
    """Return 8 digits for this host, or this container of it, since it was started: elsewhere a number is another's.

    The name alone does not distinguish them: containers, and machines made from one image, may share it and a disk.
    """
    known = [platform.node()]
    with contextlib.suppress(OSError):  # not Linux
        known += [BOOT.read_text(encoding="ascii"), str(PROCESSES.readlink())]
    return hashlib.blake2b("\n".join(known).encode(errors="surrogateescape"), digest_size=4).hexdigest()


def is_running(process: int) -> bool:
    """Return whether a process of this host runs, or may run."""
    if sys.platform == "win32":  # there the signal 0 is not a question but Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to another user
        return True
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended just now, or this is not Linux
        return True
    return status.rpartition(")")[2].split()[:1] not in (["Z"], ["X"])  # has ended, and its parent has not asked how


def _add_stack(archive: ZipFile, name: str, arrays: Sequence[NDArray[np.generic]]) -> None:
    """Write arrays of one shape and type as ``np.stack`` would join them, without a copy of them all."""
    header = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(arrays[0][:1]))
    header["shape"] = (len(arrays), *arrays[0].shape)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        for array in arrays:
            member.write(np.ascontiguousarray(array).data.cast("B"))


def _is_left(partial: Path) -> bool:
    """Return whether a partial file or folder is that of a process that has ended; false for any other name."""
    made = _PARTIAL.fullmatch(partial.name)
    if made is None:
        return False
    if made["host"] == host_key() and not is_running(int(made["process"])):
        return True
    try:
        return time.time() - partial.lstat().st_mtime > DAY
    except OSError:  # it is gone
        return False


def _free(path: Path) -> str:
    """Return in words how much room there is where ``path`` would be; empty where the system does not say."""
    there = next((folder for folder in path.absolute().parents if folder.is_dir()), None)
    try:
        free = 0 if there is None else shutil.disk_usage(there).free
    except OSError:
        return ""
    return f", {free / 1e9:,.1f} GB are free there" if free > 1e9 else f", {free / 1e6:,.1f} MB are free there"


def _sync(file: TextIO | BinaryIO) -> None:
    """Have the system write a file to disk; a pipe or a device cannot be synced."""
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fsync(file.fileno())


def _is_written_into(path: Path) -> bool:
    """Return whether ``path`` is a pipe or a device."""
    return path.exists() and not path.is_file() and not path.is_dir()
