"""A job run in whatever process calls this, with its output returned: the driver, and nobody else, stores it."""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from labelscan.data.stored_rows import SUFFIX as ROWS_SUFFIX
from labelscan.data.stored_rows import StoredRows
from labelscan.events import EpochDone, Event, Listener, Warned
from labelscan.jobs.blocks import BlockJob, BlockOutput, run_block
from labelscan.jobs.fold_job import RETRY, FoldJob
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.state import FolderState, JobState
from labelscan.jobs.where import Where
from labelscan.training.agreement import Agreement
from labelscan.training.batches import StoredInputs
from labelscan.training.checkpoint import Checkpoint
from labelscan.training.device import reproducible
from labelscan.training.gpu_memory import gpu_memory_returned

if TYPE_CHECKING:  # which imports this
    from labelscan.jobs.outputs import Outputs

LEAST_TO_TELL = 30
"""Held-out examples below which chance says little."""
Job: TypeAlias = FoldJob | BlockJob


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How a job went, in a few figures."""

    seconds: float
    """How long it took, in all processes that took part in it."""
    held_out_accuracy: float | None = None
    """None where nothing was held out."""
    learned_nothing: bool = False
    """Whether its model agrees with held-out labels no more than by chance."""
    warnings: tuple[str, ...] = ()
    host: str = ""
    """Where it was finished."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a job returns."""

    output: FoldOutput | BlockOutput
    figures: Figures


@dataclass(frozen=True, slots=True)
class Driver:
    """What an executor gets from the driver of a run, beside the jobs; all of it is used in the driver's process."""

    inputs: Mapping[str, Path]
    """The files of rows that folds read, by the names that jobs have for them."""
    where: Callable[[Job], Where]
    """Returns where a job runs."""
    outputs: "Outputs"
    """Those of the run."""
    store: Callable[[Job, Result], Event]
    """Stores the result of a job as it comes, and returns that it is done."""
    notify: Listener
    """Receives every epoch and warning, and ``Waiting``; whatever it raises stops all jobs."""

    def begin(self, job: Job) -> tuple[FolderState, int]:
        """Delete what another job has left of this one, and return its state and the size of its log."""
        state, where = self.state_of(job), self.where(job)
        self.outputs.unmark(job, where)
        _prepare(job, where, state, self.notify)
        return state, state.begin()

    def state_of(self, job: Job) -> FolderState:
        """Return where the checkpoint and the log of a job are, if it runs on this machine."""
        return self.outputs.state_of(job)

    def rows_of(self, job: Job) -> Path | None:
        """Return the file of rows that a job reads; None for a block of inputs."""
        return self.inputs[job.inputs] if isinstance(job, FoldJob) else None


def _prepare(job: Job, where: Where, state: JobState, notify: Listener) -> None:
    """Delete what another job has left in the state of a job, before it is run; what it can be resumed from stays."""
    if isinstance(job, BlockJob):
        return
    kept = [_checkpoint(job, where, state, attempt) for attempt in ("", RETRY)]
    if any(one.exists() for one in kept):
        return
    is_damaged = kept[0].is_damaged()
    state.clear()
    if is_damaged:
        notify(Warned(f"{job.place}: its checkpoint is damaged, so it is trained from the beginning"))


def run_job(job: Job, where: Where, inputs: Path | None, state: JobState, notify: Listener) -> Result:
    """Run or resume a job, and return its output.

    Args:
        job: what to do.
        where: the device and what may be used there.
        inputs: the file of the rows that a fold reads; None for a block of inputs, which brings its images.
        state: where its checkpoint and log are.
        notify: receives each epoch and warning, and ``Waiting`` many times a second; it stops the job by raising.
    """
    if isinstance(job, BlockJob):
        started = time.monotonic()
        output = run_block(job, where, notify)
        return Result(output, Figures(seconds=round(time.monotonic() - started, 3), host=platform.node()))
    assert inputs is not None
    return _run_fold(job, where, inputs, state, notify)


def _run_fold(job: FoldJob, where: Where, inputs: Path, state: JobState, notify: Listener) -> Result:
    def checkpoints(attempt: str) -> Checkpoint:
        return _checkpoint(job, where, state, attempt)

    started = time.monotonic() - max(checkpoints(attempt).seconds() for attempt in ("", RETRY))

    def record(event: Event) -> None:
        if isinstance(event, EpochDone | Warned):
            state.record(event)
        notify(event)

    with reproducible(job.seed, threads=where.threads), gpu_memory_returned(), where.device.current():
        output = job.learner.learn(job, _read_inputs(inputs, where), where, checkpoints, record)
    given, predicted = job.given_labels[job.held_out_index], output.pred_probs.argmax(axis=1)
    agreement = Agreement.of(predicted, given, job.n_classes) if len(given) else None
    warnings = [event.message for event in state.events() if isinstance(event, Warned)]
    figures = Figures(
        seconds=round(time.monotonic() - started, 3),
        held_out_accuracy=None if agreement is None else agreement.share,
        learned_nothing=agreement is not None and len(given) >= LEAST_TO_TELL and agreement.learned_nothing,
        warnings=tuple(dict.fromkeys(warnings)),
        host=platform.node(),
    )
    return Result(output, figures)


def _checkpoint(job: FoldJob, where: Where, state: JobState, attempt: str) -> Checkpoint:
    return Checkpoint(state, job.made_from + where.fingerprint + attempt)


def _read_inputs(path: Path, where: Where) -> StoredInputs | StoredRows:
    """Return the rows of all examples as learners take them."""
    return StoredRows(path) if path.suffix == ROWS_SUFFIX else StoredInputs(path, where.cache_bytes)
