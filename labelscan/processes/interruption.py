"""Graceful shutdown: a signal lets the running step finish and what is done be written, before the run ends.

Ctrl-C, a lost connection and what schedulers send are all treated alike. Outside of ``shutting_down_gracefully``
nothing would be lost, so there a signal ends the program at once.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from labelscan.errors import Interrupted

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""Ctrl-C; a job that is cancelled; a terminal that is gone; what a scheduler can be asked to send before a limit."""
RESUMES = "the same command resumes from here"


@dataclass(slots=True)
class _State:
    """What this process knows of its signals: one for all, since nothing can be passed to a handler."""

    say: Callable[[str], None] = lambda _: None
    """Receives a message at once where a signal must wait."""
    latest: int = signal.SIGINT
    """The signal that came last; Ctrl-C where none did."""
    received: list[int] = field(default_factory=list)
    """Signals that came while work was to shut down gracefully, until it has ended."""
    waits: list[bool] = field(default_factory=list)
    """Whether signals wait for ``check``, a value for each context that has been entered; the last one counts."""
    has_begun: bool = False
    """Whether a run has begun since ``prepare_signals``."""


_state = _State()


def stop_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # what a handler is called with
    """Handle a signal as Python handles Ctrl-C; ``reason`` then says which it was."""
    _state.latest = number
    raise KeyboardInterrupt


def received_last() -> int:
    """Return the number of the signal that came last, if one did."""
    return _state.latest


def reason() -> str:
    """Return by what the program was stopped, if it was."""
    number = _state.latest
    return "stopped by the user" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"


def note_begun() -> None:
    """Take down that the run of this command has begun: to start over again would delete what it has made."""
    _state.has_begun = True


def has_begun() -> bool:
    """Return whether the run of this command has begun."""
    return _state.has_begun


def prepare_signals(say: Callable[[str], None] = lambda _: None, *, wait: bool = False) -> None:
    """Let each of ``SIGNALS`` stop this program at once or, with ``wait``, wait for ``check`` until the program ends.

    Where one must wait for work to shut down gracefully, ``say`` receives a message at once.
    """
    _state.say, _state.latest, _state.has_begun = say, signal.SIGINT, False
    if wait:
        _state.waits.append(True)
    for number, handler in _handlers().items():
        if handler != signal.SIG_IGN:  # else the caller of the program ignores it, as nohup does
            signal.signal(number, _receive if wait else stop_at_once)


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


@contextmanager
def shutting_down_gracefully() -> Iterator[None]:
    """Let the first signal in the block wait for ``check``; a second Ctrl-C stops the block at once.

    Only signals that would stop the program are taken over, in a library Ctrl-C alone.

    Raises:
        Interrupted: a signal came, and the work has shut down gracefully; KeyboardInterrupt where it was Ctrl-C.
    """
    taken = {number: one for number, one in _handlers().items() if one in (stop_at_once, signal.default_int_handler)}
    _state.waits.append(True)  # before a signal may ask for it
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
        if signal.SIGINT in _state.received:
            raise KeyboardInterrupt from stopped
        raise
    finally:
        _state.waits.pop()
        if taken:
            _state.received.clear()


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Let signals stop the block at once, which has no steps between which it could end: nothing of it is kept."""
    check()
    _state.waits.append(False)
    try:
        yield
    finally:
        _state.waits.pop()


def check() -> None:
    """Raise Interrupted if a signal has come."""
    if _state.received:
        raise Interrupted("interrupted", reason(), hint=RESUMES)


def _receive(number: int, frame: FrameType | None) -> None:
    _state.latest = number
    _state.received.append(number)
    if len(_state.received) == 1 and _state.waits[-1]:
        _state.say("the step is finished first, and what is done is kept; Ctrl-C again stops at once")
    # A connection that is lost may send its signal twice, so only a second Ctrl-C is impatience.
    if _state.received.count(signal.SIGINT) > 1 or not _state.waits[-1]:
        stop_at_once(number, frame)


def _handlers() -> dict[int, Any]:
    """Return what handles each of ``SIGNALS``; none outside of the main thread, which alone can change it."""
    is_main = threading.current_thread() is threading.main_thread()
    return {number: signal.getsignal(number) for number in SIGNALS} if is_main else {}
