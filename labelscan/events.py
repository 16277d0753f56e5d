"""What a run reports while it works.

Steps hand events to a listener, which makes of them what it wants: a progress bar, a line of text, a line of log.jsonl.
Nothing below the command line prints.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TypeAlias

from labelscan.errors import TimeOver
from labelscan.processes import interruption


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; each kind is a class below."""


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A step begins, such as ``decode``; ``total`` is its number of examples, 0 where that is unknown."""

    step: str
    total: int = 0


@dataclass(frozen=True, slots=True)
class StepAdvanced(Event):
    """``done`` examples of the step are finished."""

    step: str
    done: int


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """A step ended, after ``seconds`` of wall time."""

    step: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PartDone(Event):
    """One part of a step, counted from 0, is finished, by this process or by another."""

    step: str
    part: int
    n_parts: int


@dataclass(frozen=True, slots=True)
class TrainingPlanned(Event):
    """Folds of all models, epochs of each, and how many folds an earlier run has finished.

    ``n_epochs`` is that of the model with the most; 0 where none has any. The detector ``aum`` trains
    ``n_threshold_runs`` more; ``reused_folds`` includes them.
    """

    n_folds: int
    n_epochs: int
    reused_folds: int
    n_threshold_runs: int = 0
    n_models: int = 1


@dataclass(frozen=True, slots=True)
class EpochDone(Event):
    """One epoch of one fold: mean loss and accuracy on the given labels of its training examples.

    ``kind`` is ``fold``, or ``aum`` for a threshold run, whose number is then in ``fold``. ``opinion`` is the model,
    where the run has several.
    """

    repeat: int
    fold: int
    epoch: int
    n_epochs: int
    loss: float
    train_accuracy: float
    seconds: float
    kind: str = "fold"
    opinion: str = ""


@dataclass(frozen=True, slots=True)
class FoldDone(Event):
    """One fold is trained and its held-out examples are predicted; agreement is with their given labels.

    It is None where nothing was held out, as in threshold runs; for ``kind`` and ``opinion`` see ``EpochDone``. After
    ``settled_after`` epochs the training ended since it had settled; that is 0 where it did not.
    """

    repeat: int
    fold: int
    held_out_agreement: float | None
    seconds: float
    reused: bool = False
    kind: str = "fold"
    opinion: str = ""
    settled_after: int = 0


@dataclass(frozen=True, slots=True)
class CellsPlanned(Event):
    """Cells of a benchmark, and how many of them an earlier one has finished."""

    n_cells: int
    finished_cells: int


@dataclass(frozen=True, slots=True)
class CellStarted(Event):
    """A cell begins: one loss on the labels of one noise and seed."""

    cell: str


@dataclass(frozen=True, slots=True)
class CellDone(Event):
    """A cell is finished, with ``f1`` by detector, or could not be: ``failure`` says why.

    ``seconds`` are those that have passed, unlike the fold seconds of a scoreboard: folds train side by side.
    """

    cell: str
    f1: Mapping[str, float]
    seconds: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """Nothing new, but time has passed, so that a listener can shut the work down gracefully by raising Interrupted."""


@dataclass(frozen=True, slots=True)
class Chosen(Event):
    """The choice that an automatic setting led to, and its reason."""

    what: str
    choice: str
    reason: str


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """A fact about the data or the run that is no cause for concern."""

    message: str


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """A problem that does not stop the run."""

    message: str


Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


def pause(seconds: float, notify: Listener) -> None:
    """Let time pass, and send ``Waiting``."""
    sleep(seconds)
    notify(Waiting())


def interruptible(notify: Listener, max_seconds: float | None) -> Listener:
    """Return a listener that passes events on, and raises Interrupted after a signal and TimeOver after a time."""
    deadline = math.inf if max_seconds is None else monotonic() + max_seconds

    def listen(event: Event) -> None:
        notify(event)
        interruption.check()
        if monotonic() > deadline:
            raise TimeOver("time-over", f"the time of {max_seconds:g} s is over", hint=interruption.RESUMES)

    return listen
