"""The outputs of jobs in a run folder, and the one place that knows whether a job is done.

A job has a folder of its own name, with its log, a checkpoint while it runs, its output, and a DONE mark that is
written last. The mark has a checksum of the output, which is compared before the output is used.
"""

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from labelscan.errors import RunFolderError
from labelscan.events import FoldDone, PartDone
from labelscan.files.atomic import read_json, replacing, writing
from labelscan.files.checksums import checksum_of
from labelscan.files.reading import fits
from labelscan.jobs.blocks import BlockJob, BlockOutput
from labelscan.jobs.files import CHECKPOINT_FILE, DONE_FILE, OUTPUT_FILE, STORE
from labelscan.jobs.fold_job import FoldJob
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.run_job import Job, Result
from labelscan.jobs.state import FolderState
from labelscan.jobs.where import Where

OWN_CHECKSUM = "checksum_of_this"
"""The entry of a mark for the checksum of all others."""
DAMAGED = "what was stored has changed since"


@dataclass(frozen=True, kw_only=True, slots=True)
class DoneMark:
    """How a job ended, and what its output was made from."""

    made_from: str
    """That of the job."""
    made_where: str
    """The fingerprint of where it ran."""
    checksum: str
    """That of the output."""
    seconds: float
    held_out_accuracy: float | None = None
    learned_nothing: bool = False
    warnings: Sequence[str] = ()
    host: str = ""

    @classmethod
    def read(cls, folder: Path) -> "DoneMark | None":
        """Return the mark in the folder of a job, or None where there is none that can be read."""
        try:
            content = read_json(folder / DONE_FILE)
        except (OSError, ValueError):
            return None
        if content.pop(OWN_CHECKSUM, None) != _checksum_of(content) or not fits(content, cls):
            return None
        return cls(**{field.name: content[field.name] for field in fields(cls) if field.name in content})  # type: ignore[arg-type]  # checked just above


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of the jobs of one run."""

    folder: Path
    """The run folder."""

    def folder_of(self, job: Job) -> Path:
        """Return the folder of a job; those of blocks lie beside the inputs that they become."""
        return self.folder / STORE / job.name if isinstance(job, BlockJob) else self.folder / job.name

    def state_of(self, job: Job) -> FolderState:
        """Return the state of a job while it runs."""
        return FolderState(self.folder_of(job))

    def store(self, job: Job, where: Where, result: Result) -> FoldDone | PartDone:
        """Write what a job returned, and then that it is done."""
        folder = self.folder_of(job)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        result.output.write(folder)
        checksum = checksum_of(folder / OUTPUT_FILE)
        made = {"made_from": job.made_from, "made_where": where.fingerprint, "checksum": checksum}
        mark = {**made, **asdict(result.figures)}
        with replacing(folder / DONE_FILE) as file:
            json.dump({**mark, OWN_CHECKSUM: _checksum_of(mark)}, file)
        self.tidy(job)
        return _event(job, result.figures.held_out_accuracy, result.figures.seconds)

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

    def event(self, job: Job, mark: DoneMark) -> FoldDone | PartDone:
        """Return the event of a job that an earlier process has done."""
        return _event(job, mark.held_out_accuracy, mark.seconds, reused=True)

    def read_folds(self, jobs: Sequence[FoldJob]) -> Iterator[FoldOutput]:
        """Yield the outputs of folds that are done, one in memory at a time."""
        for job in jobs:
            self._check(job)
            yield FoldOutput.read(self.folder_of(job), repeat=job.id.repeat, fold=job.id.fold)

    def read_block(self, job: BlockJob) -> BlockOutput:
        """Return the output of a block that is done."""
        self._check(job)
        return BlockOutput.read(self.folder_of(job))

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

    def _check(self, job: Job) -> None:
        if not self.has_output(job):
            where, hint = str(self.folder_of(job)), "the same command runs this job again"
            raise RunFolderError("damaged", f"the output is damaged ({DAMAGED})", where=where, hint=hint)


def has_output(folder: Path) -> bool:
    """Return whether the folder of a job has the output that its mark is of, whatever that was made from."""
    mark = DoneMark.read(folder)
    with suppress(OSError):
        return mark is not None and mark.checksum == checksum_of(folder / OUTPUT_FILE)
    return False


def _checksum_of(mark: Mapping[str, object]) -> str:
    """Return the checksum of a mark: its warnings are part of the results."""
    return f"{zlib.crc32(json.dumps(mark).encode()):08x}"


def _event(job: Job, accuracy: float | None, seconds: float, *, reused: bool = False) -> FoldDone | PartDone:
    if isinstance(job, BlockJob):
        return PartDone(job.step, job.part, job.n_parts)
    of = job.id
    return FoldDone(of.repeat, of.fold, accuracy, seconds, reused, of.kind, of.opinion)
