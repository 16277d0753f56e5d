"""A run that is being written: its state in run.json, its log and its timings."""

import contextlib
import dataclasses
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import features
from threadpoolctl import threadpool_info

from labelscan.data.stored_rows import FILE_NAME as ROWS_FILE
from labelscan.errors import Interrupted, UsageError
from labelscan.events import Event, FoldDone, Listener, PartDone, StepAdvanced, StepDone, Waiting
from labelscan.files.atomic import partial_of, writing
from labelscan.files.checksums import checksum_of, forget
from labelscan.jobs.files import LOCK_SUFFIX, LOG_FILE, PART, STORE
from labelscan.runs.bucket import Bucket
from labelscan.runs.files import RUN_FILE
from labelscan.runs.record import Choices, Driver, Identity, RunRecord, State, versions

if TYPE_CHECKING:
    from labelscan.jobs.outputs import Outputs

Begin = Callable[["RunFolder", RunRecord], RunRecord]
"""What adds to the record of a run that begins or is resumed."""
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class RunPaths:
    """Where the files of a run lie."""

    path: Path
    inputs: Path
    """The folder of decoded images and features; several runs on the same images may share one."""

    @classmethod
    def of(cls, path: Path, inputs: Path | None = None) -> "RunPaths":
        """Return the paths of the run in a folder, with inputs of its own unless others are named."""
        return cls(path, inputs or path / STORE)

    @property
    def outputs(self) -> "Outputs":
        """Return the outputs of the jobs of the run."""
        from labelscan.jobs.outputs import Outputs  # for which torch is loaded

        return Outputs(self.path)


class RunFolder:
    """One run that is being written, from ``open_run``; ``FinishedRun`` reads what it leaves.

    It alone changes the state of a run, and while it does, its process holds the lock:

    ===========  ==========================================================  ======================================
    state        who leaves a run so                                         what may follow
    ===========  ==========================================================  ======================================
    none         nobody: there is no run.json, nor any job                   not merged, running
    not merged   ``--only``, or a task of Slurm: jobs without run.json       running
    running      ``begin``, until this process leaves the run                finished, interrupted, failed, killed
    finished     ``finish``                                                  running
    interrupted  ``stop``, by a signal or the end of ``--max-time``          running
    failed       ``stop``, by any other error                                running
    killed       nobody: run.json says running, and the lock is free         running
    ===========  ==========================================================  ======================================

    Where a process was refused before it changed anything, ``stop`` leaves the run in the state that it had. To start
    over deletes the run: what follows is running. Jobs of ``--only`` change no state but none.
    """

    def __init__(
        self, path: Path, inputs: Path | None = None, *, bucket: Bucket | None = None, is_read_only: bool = False
    ) -> None:
        self.path = path
        self.paths = RunPaths.of(path, inputs)
        self.is_read_only = is_read_only
        self._bucket = bucket
        self._shares_inputs = inputs is not None
        self.earlier = RunRecord.find(path)
        """What run.json said before this process began or resumed the run; None of a new one."""
        self.timings = dict(self.earlier.timings) if self.earlier else {}
        """Seconds by step; steps that are not repeated keep the time of the earlier process."""
        self.has_trained = False
        """Whether this process has trained anything."""
        self.started_over = ""
        """Why an earlier run in the folder was deleted, where it was not asked for."""
        self.may_change_data = False
        """Whether an earlier run in the folder may go on with other contents of its images."""
        self._record = self.earlier
        self._started = time.monotonic()
        self._seconds_before = self.timings.get("total", 0.0)

    @property
    def record(self) -> RunRecord:
        """Return what run.json says now."""
        assert self._record is not None, "the run has not begun"
        return self._record

    @property
    def earlier_choices(self) -> Choices | None:
        """Return what the automatic settings became when the run was begun, None where that is just now."""
        return None if self.earlier is None else self.earlier.choices

    @property
    def was_finished(self) -> bool:
        """Return whether an earlier process has finished the run."""
        return self.earlier is not None and self.earlier.state == "finished"

    def logging(self, notify: Listener) -> Listener:
        """Return a listener that adds events to log.jsonl and passes them on."""

        def log_and_notify(event: Event) -> None:
            self.has_trained |= isinstance(event, FoldDone) and not event.reused
            is_frequent = isinstance(event, StepAdvanced | Waiting)  # these come many times a second
            if not self.is_read_only and not is_frequent:
                line = {"time": _now(), "event": type(event).__name__, **dataclasses.asdict(event)}
                log = self.path / LOG_FILE
                with writing(log), log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
            notify(event)

        return log_and_notify

    def uploading(self, notify: Listener) -> Listener:
        """Return a listener that passes events on, and uploads what is new where the run is kept in a bucket."""

        def upload_and_notify(event: Event) -> None:
            notify(event)
            if isinstance(event, FoldDone | PartDone | StepDone):
                self.upload()

        return notify if self._bucket is None else upload_and_notify

    def upload(self) -> None:
        """Upload what is new, where the run is kept in a bucket."""
        if self._bucket is not None:
            self._bucket.upload()

    def rewrite(self, record: RunRecord) -> None:
        """Write run.json with what is now known of the run, whose state stays."""
        assert self._record is None or record.state == self._record.state, "begin, finish and stop change the state"
        self._write(record)

    def record_machine(self, **hardware: object) -> None:
        """Add this machine to those that have worked on the run, with what is known of it besides."""
        this = {**_machine(), **hardware}
        others = [one for one in self.earlier.machines if one != this] if self.earlier else []
        self.rewrite(replace(self.record, machines=(*others, this)))

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the wall time of the block to the timings, to what the step took before it was interrupted."""
        # A finished run takes the step again.
        started = time.monotonic() - (0.0 if self.was_finished else self.timings.get(step, 0.0))
        try:
            yield
        finally:
            self.timings[step] = time.monotonic() - started

    def record_checksum(self, name: str) -> None:
        """Add to run.json the checksum of a file of the run that has just been written."""
        self._record = self._with_checksum(name, checksum_of(self.path / name))

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Yield the path at which to write what becomes the file ``name`` of the run, with its checksum in run.json.

        Before the file is replaced, run.json has the checksums of both: a kill leaves one of them.
        """
        with partial_of(self.path / name) as partial:
            yield partial
            self.rewrite(self._with_checksum(name, f"{self.record.checksums.get(name, '')} {checksum_of(partial)}"))
        self.record_checksum(name)

    def drop_inputs(self) -> None:
        """Delete decoded images and features: only training needs them, and they are the bulk of a run."""
        if self._shares_inputs or self.is_read_only:  # they belong to the run that made them
            return
        inputs = self.paths.inputs
        for folder in inputs.glob(f"*{PART}*"):  # blocks, of which the rows have been put together
            shutil.rmtree(folder, ignore_errors=True)
        for path in (*inputs.glob("images*.npy"), *inputs.glob("features*.npy"), inputs / ROWS_FILE):
            path.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)
            forget(path)
            with contextlib.suppress(OSError):  # some systems keep a file that another process has still mapped
                path.unlink(missing_ok=True)

    def begin(self, identity: Identity, begin: Begin) -> None:
        """Write run.json as this process goes on with the run, or begins it; ``begin`` adds to it."""
        before = self.earlier
        record = RunRecord(
            state="running",
            started=before.started if before else _now(),
            directory=str(Path().absolute()),
            settings=json.loads(json.dumps(dict(identity.settings))),  # no tuples, as it is read again
            results_depend_on=identity.results_depend_on,
            data=identity.data,
            for_gate=identity.for_gate and (before is None or before.for_gate),
            versions=versions(),
            driver=Driver(host=platform.node(), process=os.getpid(), since=_now()),
        )
        if before:
            record = replace(record, machines=before.machines, jobs=before.jobs, checksums=before.checksums)
            record = replace(record, evidence_of=before.evidence_of)
        self._write(begin(self, record))

    def finish(self) -> None:
        """Write run.json as the run is when all is done; one that is only shown again keeps its time."""
        before, record, ended = self.earlier, self.record, None
        if before and self.was_finished and not self.has_trained:
            is_same = (before.settings, before.decisions) == (record.settings, record.decisions)
            ended = before.ended if is_same else None
        self._write(replace(record, state="finished", ended=ended or _now()))

    def stop(self, error: BaseException) -> None:
        """Write run.json where an error ends this process: what it has not trained is still what others have made.

        What was refused before it changed anything leaves the run as it was.
        """
        before, record = self.earlier, self.record
        if not self.has_trained:
            if isinstance(error, UsageError) and (before is None or before.evidence_of == record.evidence_of):
                if before is None:  # it has never begun
                    (self.path / RUN_FILE).unlink(missing_ok=True)
                else:
                    self._write(before)
                return
            if before:
                record = replace(record, versions=before.versions, choices=before.choices or record.choices)
        state: State = "interrupted" if isinstance(error, KeyboardInterrupt | Interrupted) else "failed"
        self._write(replace(record, state=state, error=str(error), ended=_now()))

    def _write(self, record: RunRecord) -> None:
        if self.is_read_only:
            return
        if self.has_trained or not self.was_finished:  # a run that is only shown keeps its time
            self.timings["total"] = self._seconds_before + time.monotonic() - self._started
        self._record = replace(record, timings={name: round(seconds, 3) for name, seconds in self.timings.items()})
        self._record.write(self.path)

    def _with_checksum(self, name: str, checksum: str) -> RunRecord:
        return replace(self.record, checksums={**self.record.checksums, name: checksum})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _machine() -> dict[str, object]:
    """Return all on which last digits may depend but for the training: what computes, and with which libraries."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        processor = next(models, "")
    except OSError:
        processor = platform.processor()
    build = np.show_config(mode="dicts")
    blas = build.get("Build Dependencies", {}).get("blas", {})
    found = build.get("SIMD Extensions", {}).get("found", [])
    version = str(blas.get("version"))
    # OpenBLAS says for which kind of processor it has chosen its kernels.
    chosen = (one.get("architecture") for one in threadpool_info() if one.get("version") == version)
    kernels = next((f" for {name}" for name in chosen if name), "")
    turbo = features.version("libjpeg_turbo")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cpu": found[-1] if found else "baseline",
        "blas": f"{blas.get('name')} {version}{kernels}",
        "libjpeg": f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}",
    }
