"""Which processes are using a cache, and since when: files under a lock of the system, which goes with its process."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

SUFFIX = ".lock"
YOUNG_NS = 60 * 10**9
"""A file may exist for a moment before it is locked."""


@contextmanager
def using(folder: Path) -> Iterator[None]:
    """Be counted among the users in ``folder`` while the block runs.

    Raises:
        OSError: it cannot be written or locked.
    """
    path = folder / f"{time.time_ns()}-{uuid4().hex}{SUFFIX}"
    lock = FileLock(path, blocking=False)
    try:
        lock.acquire()
    except NotImplementedError as error:
        raise OSError("files there cannot be locked") from error
    try:
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def first_user(folder: Path) -> int | None:
    """Return when the first of the processes that are users now became one, in ns since 1970, or None.

    Files of processes that have ended are deleted.
    """
    held = []
    for path in folder.glob(f"*{SUFFIX}"):
        start = path.name.partition("-")[0]
        if path.is_symlink() or not start.isdecimal():
            continue  # not ours; opening a link could cut off the file behind it
        if _is_held(path):
            held.append(int(start))
        elif time.time_ns() - int(start) > YOUNG_NS:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    return min(held, default=None)


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path, blocking=False):
            return False
    except (OSError, NotImplementedError):  # Timeout, which is an OSError, or another user's, of which nothing is known
        return path.exists()
