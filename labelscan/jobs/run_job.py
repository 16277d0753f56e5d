"""A job run in whatever process calls this, with its output returned: the driver, and nobody else, stores it."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from labelscan.data.stored_rows import SUFFIX as ROWS_SUFFIX
from labelscan.data.stored_rows import StoredRows
from labelscan.errors import Interrupted, LabelscanError, RunError
from labelscan.events import EpochDone, Event, Listener, Warned
from labelscan.jobs.blocks import BlockJob, BlockOutput, run_block
from labelscan.jobs.done_mark import Figures
from labelscan.jobs.fold_job import Checkpoints, FoldJob
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.where import Where
from labelscan.processes import interruption
from labelscan.training.agreement import Agreement
from labelscan.training.batches import StoredInputs
from labelscan.training.checkpoint import Checkpoint, CheckpointSlot
from labelscan.training.device import reproducible
from labelscan.training.gpu_memory import gpu_memory_returned, is_short_of_memory

LEAST_TO_TELL = 30
"""Held-out examples below which chance says little."""
RETRY = " at half the learning rate"
"""The attempt at a training that follows one that diverged."""
Job: TypeAlias = FoldJob | BlockJob


class JobState(CheckpointSlot, Protocol):
    """What a job leaves while it runs, so that another process can resume it. Picklable."""

    def record(self, event: EpochDone | Warned) -> None:
        """Add an event to the log."""

    def events(self) -> Sequence[Event]:
        """Return the events in the log, those of earlier processes too."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a job returns."""

    output: FoldOutput | BlockOutput
    figures: Figures


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


def failure(error: BaseException, place: str) -> LabelscanError:
    """Return the error that the job at ``place`` ended with, as a person needs it: where, and what can be done."""
    if isinstance(error, LabelscanError):
        return error
    if isinstance(error, KeyboardInterrupt):  # of a process that was to stop at once
        return Interrupted("interrupted", interruption.reason())
    return RunError(
        "job-failed",
        f"it ended with {type(error).__name__}: {error}",
        where=place,
        hint="use less memory: --batch-size, --image-size, or --set executor.processes=1"
        if is_short_of_memory(error)
        else "run again with --debug for the traceback",
    )


def checkpoints_of(job: FoldJob, where: Where, state: JobState) -> Checkpoints:
    """Return the checkpoints of both attempts at the training of a fold."""
    made_from = job.made_from + where.fingerprint
    return Checkpoint(state, made_from), Checkpoint(state, made_from + RETRY)


def _run_fold(job: FoldJob, where: Where, path: Path, state: JobState, notify: Listener) -> Result:
    checkpoints = checkpoints_of(job, where, state)
    started = time.monotonic() - max(one.seconds() for one in checkpoints)

    def record(event: Event) -> None:
        if isinstance(event, EpochDone | Warned):
            state.record(event)
        notify(event)

    with reproducible(job.seed, threads=where.threads), gpu_memory_returned(), where.device.current():
        inputs = StoredRows(path) if path.suffix == ROWS_SUFFIX else StoredInputs(path, where.cache_bytes)
        output = job.learner.learn(job, inputs, where, checkpoints, record)
    given, predicted = job.given_labels[job.held_out_index], output.pred_probs.argmax(axis=1)
    agreement = Agreement.of(predicted, given, job.n_classes) if len(given) else None
    warnings = [event.message for event in state.events() if isinstance(event, Warned)]
    figures = Figures(
        seconds=round(time.monotonic() - started, 3),
        held_out_agreement=None if agreement is None else agreement.share,
        learned_nothing=agreement is not None and len(given) >= LEAST_TO_TELL and agreement.learned_nothing,
        settled_after=output.settled_after,
        warnings=tuple(dict.fromkeys(warnings)),
        host=platform.node(),
    )
    return Result(output, figures)
