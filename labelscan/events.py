"""What a run tells its caller while it works.

Steps say what happens by handing an event to a listener; who listens decides what becomes of it (a progress
bar, a line of text, a line of log.jsonl). Nothing below the command line prints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias

from labelscan.errors import Interrupted


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step of the line begins, as ``step='decode'`` with the number of examples it will go through."""

    step: str
    total: int = 0


@dataclass(frozen=True, slots=True)
class StepAdvanced:
    """``done`` examples of the step are through."""

    step: str
    done: int


@dataclass(frozen=True, slots=True)
class StepDone:
    """The step ended; ``seconds`` is its wall time."""

    step: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainingPlanned:
    """How many folds there are, how many epochs each trains, and how many an earlier run has finished.

    ``n_threshold_runs`` are trained besides, where the detector is ``aum``; ``reused_folds`` counts them in.
    """

    n_folds: int
    n_epochs: int
    reused_folds: int
    n_threshold_runs: int = 0


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One epoch of one fold: the mean loss and the accuracy on the given labels, over its training examples.

    ``kind`` is ``fold``, or ``aum`` for a training with an extra class, ``fold`` then being the number of that.
    """

    repeat: int
    fold: int
    epoch: int
    n_epochs: int
    loss: float
    train_accuracy: float
    seconds: float
    kind: str = "fold"


@dataclass(frozen=True, slots=True)
class FoldDone:
    """One fold is trained and its held-out examples are predicted; accuracy is on their given labels.

    It is None where nothing was held out, as for the ``kind`` called ``aum``.
    """

    repeat: int
    fold: int
    held_out_accuracy: float | None
    seconds: float
    reused: bool = False
    kind: str = "fold"


@dataclass(frozen=True, slots=True)
class CellsPlanned:
    """How many cells a benchmark has, and how many an earlier one has finished."""

    n_cells: int
    finished_cells: int


@dataclass(frozen=True, slots=True)
class CellStarted:
    """A cell is trained: one loss on the labels of one noise and seed."""

    cell: str


@dataclass(frozen=True, slots=True)
class CellDone:
    """A cell is trained and judged, ``f1`` being by detector, or could not be finished, and why."""

    cell: str
    f1: Mapping[str, float]
    seconds: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing new, but time has passed: a listener with a deadline can act."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an automatic setting was resolved to, and why."""

    what: str
    choice: str
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something about the data or the run that is good to know and nothing to worry about."""

    message: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the user should know but that does not stop the run."""

    message: str


Event: TypeAlias = (
    StepStarted
    | StepAdvanced
    | StepDone
    | TrainingPlanned
    | EpochDone
    | FoldDone
    | CellsPlanned
    | CellStarted
    | CellDone
    | Waiting
    | Chosen
    | Noted
    | Warned
)
Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


def with_deadline(notify: Listener, max_seconds: float | None) -> Listener:
    """Return a listener that passes events on, and raises Interrupted once ``max_seconds`` are over."""
    if max_seconds is None:
        return notify
    deadline = monotonic() + max_seconds

    def listen(event: Event) -> None:
        notify(event)
        if monotonic() > deadline:
            raise Interrupted(f"the time of {max_seconds:g} s is over", hint="the same command goes on from here")

    return listen
