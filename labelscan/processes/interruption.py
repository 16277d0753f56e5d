"""Graceful shutdown: a signal lets the running step finish and what is done be written, before the run ends.

Ctrl-C, a lost connection and what schedulers send are all treated alike. Outside of ``shutting_down_gracefully``
nothing would be lost, so there a signal ends the program at once.
"""

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import sleep
from types import FrameType
from typing import Any

from labelscan.errors import Interrupted

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""Ctrl-C; a job that is cancelled; a terminal that is gone; what a scheduler can be asked to send before a limit."""
RESUMES = "the same command resumes from here"
WATCH_SECONDS = 1.0

_received: list[int] = []
"""Signals that came while work was to shut down gracefully, until it has ended."""
_latest: list[int] = [signal.SIGINT]
_has_begun: list[bool] = [False]
"""Whether a run has begun since the program did."""
_say: list[Callable[[str], None]] = [lambda _: None]
_waits: list[bool] = []
"""Whether signals wait for ``check``, a value for each context that has been entered; the last one counts."""


def stop_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # what a handler is called with
    """Handle a signal as Python handles Ctrl-C; ``reason`` then says which it was."""
    _latest[0] = number
    raise KeyboardInterrupt


def received_last() -> int:
    """Return the number of the signal that came last, if one did."""
    return _latest[0]


def reason() -> str:
    """Return by what the program was stopped, if it was."""
    return "stopped by the user" if _latest[0] == signal.SIGINT else f"stopped by {signal.Signals(_latest[0]).name}"


def note_begun() -> None:
    """Take down that the run of this command has begun: to start over again would delete what it has made."""
    _has_begun[0] = True


def has_begun() -> bool:
    """Return whether a run has begun since ``prepare_signals``."""
    return _has_begun[0]


def prepare_signals(say: Callable[[str], None] = lambda _: None) -> None:
    """Let each of ``SIGNALS`` stop this program at once, except those that its caller ignores, as nohup does.

    Where one must wait for work to shut down gracefully, ``say`` receives a message at once.
    """
    _say[0], _latest[0], _has_begun[0] = say, signal.SIGINT, False
    for number, handler in _handlers().items():
        if handler != signal.SIG_IGN:
            signal.signal(number, stop_at_once)


def ignore_signals() -> None:
    """Let signals do nothing more: what was to be done is over, and its exit code is known."""
    for number, handler in _handlers().items():
        if handler is stop_at_once:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def keeping_handlers() -> Iterator[None]:
    """Give signals back, when the block ends, to whoever handled them before: some libraries take them over."""
    before = _handlers()
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # else it was not set by Python
                signal.signal(number, handler)


def prepare_worker(parent: int) -> None:
    """Let signals to this process wait for ``check``, and end it within seconds of the process ``parent``.

    When it ends of itself, it does so at once.
    """
    _waits.append(True)
    for number, handler in _handlers().items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _receive)
    _mask("SIG_UNBLOCK")
    atexit.register(os._exit, 0)  # torch would take seconds to unload, and the parent waits for that

    def watch() -> None:
        while os.getppid() == parent:
            sleep(WATCH_SECONDS)
        os._exit(1)  # whichever process resumes the run must be the only one that writes to it

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


@contextmanager
def deferred_to_workers() -> Iterator[None]:
    """Hold signals back while the block may start a process, until that has called ``prepare_worker``."""
    before = _mask("SIG_BLOCK")
    try:
        yield
    finally:
        _mask("SIG_SETMASK", before)  # the caller of a library may have blocked some of them


@contextmanager
def shutting_down_gracefully() -> Iterator[None]:
    """Let the first signal in the block wait for ``check``; a second Ctrl-C stops the block at once.

    Only signals that would stop the program are taken over, in a library Ctrl-C alone.

    Raises:
        Interrupted: a signal came, and the work has shut down gracefully; KeyboardInterrupt where it was Ctrl-C.
    """
    taken = {number: one for number, one in _handlers().items() if one in (stop_at_once, signal.default_int_handler)}
    _waits.append(True)  # before a signal may ask for it
    try:
        try:
            for number in taken:
                signal.signal(number, _receive)
            yield
        finally:
            for number, handler in taken.items():
                signal.signal(number, handler)
        check()  # when no other can come: one that was received and not looked at would be lost
    except Interrupted as stopped:
        if signal.SIGINT in _received:
            raise KeyboardInterrupt from stopped
        raise
    finally:
        _waits.pop()
        if taken:
            _received.clear()


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Let signals stop the block at once, which has no steps between which it could end: nothing of it is kept."""
    check()
    _waits.append(False)
    try:
        yield
    finally:
        _waits.pop()


def check() -> None:
    """Raise Interrupted if a signal has come."""
    if _received:
        raise Interrupted("interrupted", reason(), hint=RESUMES)


def _receive(number: int, frame: FrameType | None) -> None:
    _latest[0] = number
    _received.append(number)
    if len(_received) == 1 and _waits[-1]:
        _say[0]("the step is finished first, and what is done is kept; Ctrl-C again stops at once")
    # A connection that is lost may send its signal twice, so only a second Ctrl-C is impatience.
    if _received.count(signal.SIGINT) > 1 or not _waits[-1]:
        stop_at_once(number, frame)


def _mask(how: str, numbers: Iterable[int] = SIGNALS) -> Iterable[int]:
    """Change which signals are held back from this thread, and return which were."""
    can = hasattr(signal, "pthread_sigmask")  # not on Windows
    return signal.pthread_sigmask(getattr(signal, how), numbers) if can else ()


def _handlers() -> dict[int, Any]:
    """Return what handles each of ``SIGNALS``; none outside of the main thread, which alone can change it."""
    is_main = threading.current_thread() is threading.main_thread()
    return {number: signal.getsignal(number) for number in SIGNALS} if is_main else {}
