"""Processes that do a part of the work of another one: they end with it, and shut down gracefully as it does."""

import atexit
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import sleep

from labelscan.processes.interruption import SIGNALS, prepare_signals


@contextmanager
def deferred_to_workers() -> Iterator[None]:
    """Hold signals back while the block may start a process, until that has called ``prepare_worker``."""
    before = _mask("SIG_BLOCK")
    try:
        yield
    finally:
        _mask("SIG_SETMASK", before)  # the caller of a library may have blocked some of them


def prepare_worker(parent: int) -> None:
    """Let signals wait for ``check``, and end this process within seconds of ``parent``, or at once after its work."""
    prepare_signals(wait=True)
    _mask("SIG_UNBLOCK")
    atexit.register(os._exit, 0)  # torch would take seconds to unload, and the parent waits for that

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1.0)
        os._exit(1)  # whichever process resumes the run must be the only one that writes to it

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


def _mask(how: str, numbers: Iterable[int] = SIGNALS) -> Iterable[int]:
    """Change which signals are held back from this thread, and return which were."""
    can = hasattr(signal, "pthread_sigmask")  # not on Windows
    return signal.pthread_sigmask(getattr(signal, how), numbers) if can else ()
