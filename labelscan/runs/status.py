"""How far a run is, job by job, read from its folder alone; its driver may be working on it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from labelscan.errors import RunFolderError
from labelscan.files.urls import is_url
from labelscan.jobs.done_mark import DoneMark
from labelscan.jobs.files import AUM, FOLD, LOG_FILE, PART, STORE
from labelscan.jobs.state import FolderState
from labelscan.runs.bucket import status_files
from labelscan.runs.files import RUN_FILE, SELF_CHECK, SLURM
from labelscan.runs.opening import is_locked
from labelscan.runs.record import Driver, RunRecord, State

JobState = Literal["running", "waiting", "done"]
RunState: TypeAlias = State | Literal["killed", "not merged"]
NOT_MERGED: RunState = "not merged"
STATES: tuple[JobState, ...] = ("running", "waiting", "done")


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStatus:
    """What is known of one job."""

    job: str
    """The name of its folder; that of a job of the self-check begins with ``self-check/``."""
    state: JobState
    host: str = ""
    """Where it was done."""
    epoch: int | None = None
    n_epochs: int | None = None
    age_seconds: float | None = None
    """How old the last line of its log is; None where it has none, or is done."""
    seconds: float | None = None
    """How long it took; None until it is done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStatus:
    """What is known of a run."""

    run: Path | str
    """Its folder or address."""
    state: RunState
    """As the table of ``RunFolder`` has it."""
    driver: Driver | None
    age_seconds: float | None
    """How old the last line of the log of the driver is."""
    error: str
    """What the run ended with, if it did not finish."""
    jobs: Sequence[JobStatus]

    @property
    def is_to_be_merged(self) -> bool:
        """Return whether all jobs are done, and nobody has judged the labels or does now."""
        return self.state not in ("finished", "running", NOT_MERGED) and self.count("done") == len(self.jobs)

    def count(self, state: JobState) -> int:
        """Return how many jobs are in a state."""
        return sum(one.state == state for one in self.jobs)


def status_of(run: Path | str) -> RunStatus:
    """Return how far the run in a folder, or in the bucket at an address, is.

    Raises:
        RunFolderError: there is no run, or another version of labelscan wrote it.
        StorageError: the bucket cannot be read.
    """
    with status_files(run) as folder:
        found, check = _status_of(folder, run), folder / SELF_CHECK
        second = RunRecord.find(check)
        again = _status_of(check, check).jobs if second and second.jobs is not None else ()
        its_own = [replace(one, job=f"{SELF_CHECK}/{one.job}") for one in again if one.job.startswith((FOLD, AUM))]
        return replace(found, jobs=[*found.jobs, *its_own])


def _status_of(folder: Path, run: Path | str) -> RunStatus:
    if not (folder / RUN_FILE).is_file():
        return _status_of_jobs(folder, run)
    record = RunRecord.read(folder)
    record.refuse_benchmark(run)
    if record.jobs is None:
        hint = "the same `labelscan detect` again adds them, and trains nothing that is finished"
        raise RunFolderError("damaged", "run.json does not say which jobs the run has", where=str(run), hint=hint)
    is_remote = is_url(str(run))
    is_killed = record.state == "running" and not is_remote and is_locked(folder) is False
    state: RunState = "killed" if is_killed else record.state
    return RunStatus(
        run=run,
        state=state,
        driver=record.driver,
        age_seconds=None if is_remote else _age(folder / LOG_FILE),
        error=record.error or "" if state == "failed" else "",
        jobs=[_job_status(folder, name, state, with_age=not is_remote) for name in record.jobs],
    )


def _status_of_jobs(folder: Path, run: Path | str) -> RunStatus:
    """Return how far the jobs are that ``--only`` or Slurm have begun, before any driver has."""
    paths = [*folder.glob(f"{FOLD}-*"), *folder.glob(f"{AUM}-*"), *(folder / STORE).glob(f"*{PART}*")]
    if not paths:
        problem, hint = "there is no run here", "give what labelscan detect had after -o"
        if (folder / SLURM).is_dir():
            problem, hint = "no task has begun yet", "see squeue, and the files in the folder slurm"
        raise RunFolderError("no-run", problem, where=str(run), hint=hint)
    jobs = [_job_status(folder, path.name, "running", with_age=True) for path in sorted(paths)]
    return RunStatus(run=run, state=NOT_MERGED, driver=None, age_seconds=None, error="", jobs=jobs)


def is_finished(place: str) -> bool:
    """Return whether the run at a path or address has been judged."""
    with status_files(place) as folder:
        record = RunRecord.find(folder)
        return record is not None and record.state == "finished"


def count_done(folder: Path, names: Sequence[str]) -> int:
    """Return how many of the jobs named are done in a run folder."""
    return sum(_job_status(folder, name, "running", with_age=False).state == "done" for name in names)


def _job_status(folder: Path, name: str, run_state: str, *, with_age: bool) -> JobStatus:
    is_of_inputs = not name.startswith((FOLD, AUM))
    path = folder / STORE / name if is_of_inputs else folder / name
    if mark := DoneMark.read(path):
        return JobStatus(job=name, state="done", host=mark.host, seconds=mark.seconds)
    whole = (folder / STORE / name.partition(PART)[0]).with_suffix(".npz")  # the inputs that a block is put into
    if is_of_inputs and (run_state == "finished" or whole.is_file()):  # rows go when a run is finished
        return JobStatus(job=name, state="done")
    epoch = FolderState(path).last_epoch()
    begun = epoch is not None or (path / LOG_FILE).is_file()
    return JobStatus(
        job=name,
        state="running" if begun and run_state == "running" else "waiting",
        epoch=None if epoch is None else epoch.epoch,
        n_epochs=None if epoch is None else epoch.n_epochs,
        age_seconds=_age(path / LOG_FILE) if with_age else None,
    )


def _age(path: Path) -> float | None:
    try:
        return round(max(0.0, time.time() - path.stat().st_mtime), 1)
    except OSError:
        return None
