"""Checksums of files, compared before anything depends on them: a disk, or another program, may have changed them."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from labelscan.events import Listener, Warned
from labelscan.files.atomic import replacing

SUFFIX = ".checksum"
CHUNK_BYTES = 2**22


def checksum_of(path: Path) -> str:
    """Return the CRC-32 of a file and its size, as text, or raise OSError."""
    status = path.stat()
    return _checksum(path, status.st_size, (status.st_mtime_ns, status.st_ctime_ns, status.st_ino))


def write_checksum(path: Path, made_from: str = "") -> None:
    """Write the checksum of a file beside it, and a text without spaces that changes with what it was made from."""
    with replacing(_beside(path)) as file:
        file.write(f"{checksum_of(path)} {made_from}")


def is_intact(path: Path, made_from: str = "") -> bool:
    """Return whether a file is as it was written, and made from this; False where it or its checksum is missing."""
    try:
        return _beside(path).read_text(encoding="ascii") == f"{checksum_of(path)} {made_from}"
    except (OSError, ValueError):
        return False


def has_changed(path: Path) -> bool:
    """Return whether a file is there, and another one than its checksum says, whatever it was made from."""
    try:
        return _beside(path).read_text(encoding="ascii").partition(" ")[0] != checksum_of(path)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True


@contextmanager
def making(path: Path, made_from: str, notify: Listener) -> Iterator[None]:
    """Let the block make a file, again where it has changed, which is said; write its checksum after."""
    if has_changed(path):
        notify(Warned(f"{path.name} has changed since it was written, so it is made again"))
    forget(path)
    yield
    write_checksum(path, made_from)


def forget(path: Path) -> None:
    """Delete the checksum of a file, so that it counts as missing."""
    _beside(path).unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


@lru_cache(256)
def _checksum(path: Path, size: int, changed: tuple[int, ...]) -> str:  # noqa: ARG001  # a file that has changed is read again
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}-{size}"
