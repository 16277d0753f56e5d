"""Files of the driver on machines that do not see them: each keeps one copy by content, among its temporary files.

All runs of a user share the copies. What none of them has used for a day is deleted before the next copy is made.
"""

import os
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import RunError
from labelscan.files.atomic import one_at_a_time, replacing_bytes
from labelscan.files.checksums import checksum_of

CHUNK_BYTES = 64 * 2**20
"""How much of a file is one object: engines move objects between machines, and to disk where memory is short."""
POLL_SECONDS = 0.2
KEPT_SECONDS = 86_400
"""How long a copy stays on a machine that no run has used since."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of the driver, as jobs on other machines get it."""

    path: Path
    """On the machine of the driver; a machine that sees the same file there maps it."""
    checksum: str
    chunks: tuple[Any, ...]
    """References to its bytes."""


def send(path: Path, put: Callable[[NDArray[np.uint8]], object]) -> SentFile:
    """Return a file as it is sent; ``put`` takes a piece of its bytes, and returns a reference to them."""
    chunks = []
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            chunks.append(put(np.frombuffer(chunk, dtype=np.uint8)))
    return SentFile(path, checksum_of(path), tuple(chunks))


def file_here(sent: SentFile, get: Callable[[Any], NDArray[np.uint8]]) -> Path:
    """Return a sent file on this machine: the driver's own, or the copy, for which ``get`` fetches each piece once.

    Raises:
        RunError: the folder of copies belongs to somebody else.
    """
    with suppress(OSError):
        if checksum_of(sent.path) == sent.checksum:
            return sent.path
    folder = folder_of_copies()
    path = folder / f"{sent.checksum}{sent.path.suffix}"
    with one_at_a_time(path.with_suffix(".lock"), lambda: time.sleep(POLL_SECONDS)):
        if not path.is_file() or checksum_of(path) != sent.checksum:
            for other in folder.iterdir():
                with suppress(OSError):
                    if time.time() - other.stat().st_mtime > KEPT_SECONDS:
                        other.unlink()
            with replacing_bytes(path) as file:
                for chunk in sent.chunks:
                    file.write(get(chunk).data)
        path.touch()
    return path


def folder_of_copies() -> Path:
    """Return the folder of this user's copies, which is made if it is not there, or raise RunError."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = Path(tempfile.gettempdir(), f"labelscan-inputs-{user}")
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o022
    if hasattr(os, "getuid") and not is_own:
        raise RunError(
            "unsafe-folder", "others can write to this folder", where=str(path), hint="set TMPDIR on this node"
        )
    return path
