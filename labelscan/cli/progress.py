"""Progress of a run: bars with the time left on a terminal, a line now and then elsewhere."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from labelscan.cli.console import Bars, is_live, message, stderr, text
from labelscan.events import (
    CellDone,
    CellsPlanned,
    CellStarted,
    Chosen,
    EpochDone,
    Event,
    FoldDone,
    Noted,
    StepAdvanced,
    StepDone,
    StepStarted,
    TrainingPlanned,
    Warned,
)
from labelscan.wording.words import duration, percent

LEAST_SECONDS, MOST_SECONDS = 5.0, 60.0
"""Time between two plain lines; it grows in a run of hours, so that its log stays readable."""
TRAINING, CELLS = "training", "cells"
STEP_WORDS = {
    "read": "reading",
    "decode": "decoding images",
    "features": "computing features",
    "detection": "judging labels",
    "pictures": "making pictures",
}


@contextmanager
def shown(*, quiet: bool, verbose: bool) -> "Iterator[Progress]":
    """Yield a listener that writes to stderr; bars, where there are any, are gone when the block ends."""
    console = stderr()
    logging.getLogger("labelscan").setLevel(logging.ERROR if quiet else logging.WARNING)
    with Bars(console, live=not quiet and is_live(sys.stderr, os.environ)) as bars:
        yield Progress(
            lambda line, style: console.print(message(console, text((line, style)))), bars, quiet=quiet, verbose=verbose
        )


class Progress:
    """A listener of a run's events.

    Args:
        say: writes a line in a style.
        bars: those of a terminal; where they are not live, plain lines are written now and then.
        quiet: whether nothing at all is written.
        verbose: whether every epoch and the time of every step are.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        say: Callable[[str, str], None],
        bars: Bars,
        *,
        quiet: bool = False,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._bars, self._quiet, self._verbose, self._clock = say, bars, quiet, verbose, clock
        self._started = self._last_line = clock()
        self._total, self._unit = 0, ""
        self._first_move: tuple[float, int] | None = None
        self._training = _Training(TrainingPlanned(0, 0, 0))
        self._n_cells, self._cells_done, self._cell_seconds = 0, 0, 0.0  # of a benchmark, without those finished before
        self.reported: set[str] = set()
        """Warnings and notes that have been written."""

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if self._quiet:
            return
        match event:
            case StepStarted(step, total):
                self._begin(STEP_WORDS.get(step, step), total)
            case StepAdvanced(step, done):
                self._move(STEP_WORDS.get(step, step), done)
            case StepDone(step, seconds):
                self._end(STEP_WORDS.get(step, step), seconds)
            case TrainingPlanned():
                self._plan(event)
            case EpochDone():
                self._end_epoch(event)
            case FoldDone():
                self._end_fold(event)
            case Chosen():
                self._say(f"{event.what}: {event.choice}: {event.reason}", "dim")
            case Warned():
                self._report(event.message, f"warning: {event.message}", "yellow")
            case Noted():
                self._report(event.message, event.message, "dim")
            case CellsPlanned():
                self._plan_cells(event)
            case CellStarted():
                self._say(event.cell, "dim" if self._bars.live else "bold")
            case CellDone():
                self._end_cell(event)

    def _report(self, message: str, line: str, style: str) -> None:
        if message not in self.reported:
            self.reported.add(message)
            self._say(line, style)

    def _begin(self, step: str, total: int, unit: str = "") -> None:
        self._total, self._unit, self._first_move = total, unit, None
        self._bars.begin(step, total)

    def _move(self, step: str, done: int, note: str = "") -> None:
        if self._first_move is None:
            self._first_move = self._clock(), done
        self._bars.move(step, done, note)
        if self._n_cells and step == TRAINING:
            self._move_cells(done / self._total)
        if not self._bars.live and self._is_time():
            self._say(self._progress_line(step, done), "")

    def _progress_line(self, step: str, done: int) -> str:
        if not self._total:
            return f"{step}: {done:,} so far"
        # Speed is measured from the first move: before it, processes start and files are opened.
        began, done_before = self._first_move or (0.0, 0)
        left = ""
        if done_before < done < self._total:
            seconds = (self._clock() - began) / (done - done_before) * (self._total - done)
            left = f", about {duration(seconds)} left"
            if self._n_cells:
                left += self._left_in_all(done / self._total, self._clock() - began)
        unit = f" {self._unit}" if self._unit else ""
        return f"{step}: {done:,} of {self._total:,}{unit} ({percent(done / self._total, 0)}){left}"

    def _end(self, step: str, seconds: float) -> None:
        self._bars.end(step)
        if self._verbose or (not self._bars.live and seconds >= LEAST_SECONDS):
            self._say(f"{step}: done in {duration(seconds)}", "dim")

    def _plan(self, event: TrainingPlanned) -> None:
        self._training = _Training(event)
        what = _count(event.n_folds, "fold")
        if event.n_models > 1:
            what += f" of {event.n_models} models"
        if event.n_threshold_runs:
            what += f" and {_count(event.n_threshold_runs, 'threshold run')}"
        if self._training.is_done:
            self._say(f"{TRAINING}: all {what} already finished", "dim")
            return
        reused = f", {event.reused_folds} of them already finished" if event.reused_folds else ""
        has_epochs = event.n_epochs and event.n_models == 1  # else each model has its own number of them
        epochs = f" of {_count(event.n_epochs, 'epoch')}" if has_epochs else ""
        if self._verbose or not self._n_cells:
            self._say(f"{TRAINING}: {what}{epochs}{reused}", "dim")
        unit = "epochs" if has_epochs else "" if event.n_epochs else "folds"
        self._begin(TRAINING, self._training.total, unit)
        self._bars.move(TRAINING, 0, self._training.note)

    def _end_epoch(self, event: EpochDone) -> None:
        name = self._training.count(event)
        if self._verbose:
            self._say(
                f"{name}, epoch {event.epoch} of {event.n_epochs}: loss {event.loss:.3f}, "
                f"train accuracy {percent(event.train_accuracy)}, {duration(event.seconds)}",
                "dim",
            )
        if not self._training.is_done:
            self._move(TRAINING, self._training.done, self._training.note)

    def _end_fold(self, event: FoldDone) -> None:
        name, agree = self._training.count(event), event.held_out_agreement
        if not event.reused and (self._verbose or not (self._bars.live or self._n_cells)):
            end = "trained" if agree is None else f"{percent(agree)} of held-out labels agree with the model"
            settled = f", settled in {_count(event.settled_after, 'epoch')}" if event.settled_after else ""
            self._say(f"{name}: {end}{settled}, {duration(event.seconds)}", "dim")
        if self._training.is_done:
            self._bars.end(TRAINING)
        else:
            self._bars.move(TRAINING, self._training.done, self._training.note)

    def _plan_cells(self, event: CellsPlanned) -> None:
        self._n_cells = event.n_cells - event.finished_cells
        before = f", {event.finished_cells:,} of them already finished" if event.finished_cells else ""
        count = f"{event.n_cells:,}{before}" if self._n_cells else f"all {event.n_cells:,} already finished"
        self._say(f"{CELLS}: {count}", "dim")
        if self._n_cells:
            self._bars.begin(CELLS, self._n_cells)

    def _end_cell(self, event: CellDone) -> None:
        self._cells_done += 1
        self._cell_seconds += event.seconds
        if event.failure:
            self._say(f"{event.cell} failed: {event.failure}", "yellow")
        else:
            f1 = ", ".join(f"{value:.3f} by {detector}" for detector, value in event.f1.items())
            self._say(f"{event.cell}: F1 {f1}, {duration(event.seconds)}{self._left_in_all(0.0, 0.0)}", "dim")
        self._bars.end(TRAINING)  # where it failed in the middle
        self._move_cells(0.0)

    def _move_cells(self, share: float) -> None:
        self._bars.move(CELLS, self._cells_done + share, f"{self._cells_done}/{self._n_cells} cells")

    def _left_in_all(self, share: float, seconds: float) -> str:
        """Say about how long all other cells and the rest of this one take, of which a share is done after seconds."""
        done = self._cells_done + share
        if not 0 < done < self._n_cells:
            return ""
        left = (self._cell_seconds + seconds) / done * (self._n_cells - done)
        return f"; about {duration(left)} left in all"

    def _is_time(self) -> bool:
        now = self._clock()
        if now - self._last_line < min(MOST_SECONDS, max(LEAST_SECONDS, (now - self._started) / 60)):
            return False
        self._last_line = now
        return True


class _Training:
    """How far training has come, in epochs, or in folds where a model has no epochs.

    Folds may run side by side. All count the same: an epoch of a model that has fewer than another counts more.
    """

    def __init__(self, plan: TrainingPlanned) -> None:
        self._n_folds, self._n_epochs = plan.n_folds + plan.n_threshold_runs, plan.n_epochs or 1
        self._noun = "trainings" if plan.n_threshold_runs else "folds"
        self.total = self._n_folds * self._n_epochs if plan.reused_folds < self._n_folds else 0
        self._epochs: dict[str, int] = {}
        self._finished: set[str] = set()
        self._agreements: list[float] = []

    def count(self, event: EpochDone | FoldDone) -> str:
        """Count one event and return the name of what it trains, as in ``fold 0-1``."""
        fold = f"fold {event.repeat}-{event.fold}" if event.kind == "fold" else f"{event.kind} {event.fold}"
        fold += f" of {event.opinion}" if event.opinion else ""
        if isinstance(event, EpochDone):
            self._epochs[fold] = event.epoch * self._n_epochs // event.n_epochs
        else:
            self._finished.add(fold)
            if event.held_out_agreement is not None:
                self._agreements.append(event.held_out_agreement)
            self._epochs[fold] = self._n_epochs
        return fold

    @property
    def done(self) -> int:
        """How many of ``total`` are done."""
        return sum(self._epochs.values())

    @property
    def is_done(self) -> bool:
        return self.total == 0 or len(self._finished) >= self._n_folds

    @property
    def note(self) -> str:
        """What stands behind the bar, in 80 columns.

        Agreement is that of finished folds alone: that of a fold that has only started would alarm for nothing.
        """
        mean = sum(self._agreements) / len(self._agreements) if self._agreements else 0.0
        agreement = f", {percent(mean, 0)} agree" if self._agreements else ""
        return f"{len(self._finished)}/{self._n_folds} {self._noun}{agreement}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
