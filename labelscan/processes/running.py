"""Processes, told apart across hosts and containers: which one this is, and whether another still runs."""

import contextlib
import hashlib
import os
import platform
import sys
from pathlib import Path

BOOT, PROCESSES = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
"""Where Linux says when it was started, and in which container a process has its number."""


def host_key() -> str:
    """Return 8 digits for this host, or this container of it, since it was started: elsewhere a number is another's.

    The name alone does not tell them apart: containers, and machines made from one image, may share it and a disk.
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
    return _status(process)[:1] not in (["Z"], ["X"])  # has ended, and its parent has not asked how


def _status(process: int) -> list[str]:
    """Return what Linux says of a process, from its state on; empty where it has ended, or the system does not say."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return status.rpartition(")")[2].split()
