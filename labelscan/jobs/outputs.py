"""The outputs of jobs in a run folder, and the one place that knows whether a job is done.

A job has a folder of its own name, with its log, a checkpoint while it runs, its output, and a DONE mark that is
written last. The mark has a checksum of the output, which is compared before the output is used.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import RunFolderError
from labelscan.events import FoldDone, Listener, PartDone, Warned
from labelscan.files.atomic import write_npz
from labelscan.files.checksums import checksum_of
from labelscan.files.npz import read_arrays
from labelscan.files.reading import CANNOT_READ, why
from labelscan.jobs.blocks import BlockJob, BlockOutput
from labelscan.jobs.done_mark import DoneMark, Figures
from labelscan.jobs.files import CHECKPOINT_FILE, DONE_FILE, OUTPUT_FILE, STORE
from labelscan.jobs.fold_job import FoldJob
from labelscan.jobs.fold_output import PROBABILITIES, FoldOutput
from labelscan.jobs.run_job import Job, Result, checkpoints_of
from labelscan.jobs.state import FolderState
from labelscan.jobs.where import Where


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of the jobs of one run."""

    folder: Path
    """The run folder."""

    def folder_of(self, job: Job) -> Path:
        """Return the folder of a job; those of blocks lie beside the inputs that they become."""
        return self.folder / STORE / job.name if isinstance(job, BlockJob) else self.folder / job.name

    def state_of(self, job: Job) -> FolderState:
        """Return where the checkpoint and the log of a job are, if it runs on this machine."""
        return FolderState(self.folder_of(job))

    def store(self, job: Job, where: Where, result: Result) -> FoldDone | PartDone:
        """Write what a job returned, and then that it is done."""
        folder = self.folder_of(job)
        write_output(folder, result.output)
        checksum = checksum_of(folder / OUTPUT_FILE)
        figures, made_where = asdict(result.figures), where.fingerprint
        DoneMark(**figures, made_from=job.made_from, made_where=made_where, checksum=checksum).write(folder)
        self.tidy(job)
        return event_of(job, result.figures)

    def mark(self, job: Job, where: Where | None) -> DoneMark | None:
        """Return the mark of a job that was made from the same, anywhere where ``where`` is None; else None.

        Its output need not be there: it is deleted once the evidence of the run is whole.
        """
        mark = DoneMark.read(self.folder_of(job))
        if mark is None or mark.made_from != job.made_from:
            return None
        return mark if where is None or mark.made_where == where.fingerprint else None

    def is_done(self, job: Job, where: Where | None) -> bool:
        """Return whether a job is done, so that its output can be read."""
        return self.mark(job, where) is not None and self.has_output(job)

    def has_output(self, job: Job) -> bool:
        """Return whether the output of a finished job is there and has not changed since."""
        return has_output(self.folder_of(job))

    def is_damaged(self, job: Job) -> bool:
        """Return whether there is an output of a finished job that has changed since it was stored."""
        folder = self.folder_of(job)
        return (folder / OUTPUT_FILE).is_file() and (folder / DONE_FILE).is_file() and not self.has_output(job)

    def was_done(self, job: Job) -> bool:
        """Return whether a job of this name was done, made from the same or from something else."""
        return DoneMark.read(self.folder_of(job)) is not None

    def read_folds(self, jobs: Sequence[FoldJob]) -> Iterator[FoldOutput]:
        """Yield the outputs of folds that are done, one in memory at a time."""
        for job in jobs:
            yield FoldOutput(repeat=job.id.repeat, fold=job.id.fold, **self._arrays_of(job))

    def read_block(self, job: BlockJob) -> BlockOutput:
        """Return the output of a block that is done."""
        return BlockOutput(**self._arrays_of(job))

    def tidy(self, job: Job) -> None:
        """Delete what a finished job no longer needs."""
        (self.folder_of(job) / CHECKPOINT_FILE).unlink(missing_ok=True)

    def drop(self, job: Job) -> None:
        """Delete the output of a fold, which the evidence holds now; its mark and its log stay."""
        with suppress(OSError):  # some systems keep a file that is still mapped
            (self.folder_of(job) / OUTPUT_FILE).unlink(missing_ok=True)

    def unmark(self, job: Job, where: Where) -> None:
        """Delete the mark of a job that is run again; that of another process that has just done the same stays."""
        if not self.is_done(job, where):
            (self.folder_of(job) / DONE_FILE).unlink(missing_ok=True)

    def forget(self, job: Job) -> None:
        """Delete all of a job, its mark first: what is cut off after this counts as not done."""
        (self.folder_of(job) / DONE_FILE).unlink(missing_ok=True)
        shutil.rmtree(self.folder_of(job), ignore_errors=True)

    def _arrays_of(self, job: Job) -> dict[str, Any]:
        folder = self.folder_of(job)
        try:
            if not has_output(folder):
                raise ValueError("what was stored has changed since")
            return read_output(folder)
        except CANNOT_READ as error:
            problem, hint = f"the output is damaged ({why(error)})", "the same command runs this job again"
            raise RunFolderError("damaged", problem, where=str(folder), hint=hint) from error


@dataclass(frozen=True, slots=True)
class Driver:
    """What an executor gets from the driver of a run, beside the jobs; all of it is used in the driver's process."""

    inputs: Mapping[str, Path]
    """The files of rows that folds read, by the names that jobs have for them."""
    where: Callable[[Job], Where]
    """Returns where a job runs."""
    outputs: Outputs
    """Those of the run."""
    notify: Listener
    """Receives every epoch and warning, and ``Waiting``; whatever it raises stops all jobs."""

    def begin(self, job: Job) -> tuple[FolderState, int]:
        """Delete what another job has left of this one, and return its state and the size of its log.

        What it can be resumed from stays.
        """
        state, where = self.outputs.state_of(job), self.where(job)
        self.outputs.unmark(job, where)
        if isinstance(job, FoldJob):
            first, retry = checkpoints_of(job, where, state)
            if not first.exists() and not retry.exists():
                is_damaged = first.is_damaged()
                state.clear()
                if is_damaged:
                    self.notify(Warned(f"{job.place}: its checkpoint is damaged, so it is trained from the beginning"))
        return state, state.begin()

    def store(self, job: Job, result: Result) -> FoldDone | PartDone:
        """Store the result of a job as it comes, and return that it is done."""
        return self.outputs.store(job, self.where(job), result)

    def follow(self, job: Job, offset: int) -> int:
        """Pass on what has come to the log of a job that runs since ``offset``, in bytes, and return the new offset."""
        events, offset = self.outputs.state_of(job).events_from(offset)
        for event in events:
            self.notify(event)
        return offset

    def rows_of(self, job: Job) -> Path | None:
        """Return the file of rows that a job reads; None for a block of inputs."""
        return self.inputs[job.inputs] if isinstance(job, FoldJob) else None


def has_output(folder: Path) -> bool:
    """Return whether the folder of a job has the output that its mark is of, whatever that was made from."""
    mark = DoneMark.read(folder)
    with suppress(OSError):
        return mark is not None and mark.checksum == checksum_of(folder / OUTPUT_FILE)
    return False


def write_output(folder: Path, output: FoldOutput | BlockOutput) -> None:
    """Write the arrays of an output into the folder of its job."""
    arrays = {one.name: getattr(output, one.name) for one in fields(output)}
    write_npz(folder / OUTPUT_FILE, {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)})


def read_output(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays that ``write_output`` wrote; those that may be large are mapped into memory, read-only."""
    return read_arrays(folder / OUTPUT_FILE, mapped=(*PROBABILITIES, "rows"))


def event_of(job: Job, figures: Figures, *, reused: bool = False) -> FoldDone | PartDone:
    """Return the event that a job is done; ``reused`` if an earlier process has done it."""
    if isinstance(job, BlockJob):
        return PartDone(job.step, job.part, job.n_parts)
    of = job.id
    how = figures.held_out_agreement, figures.seconds, reused
    return FoldDone(of.repeat, of.fold, *how, of.kind, of.opinion, figures.settled_after)
