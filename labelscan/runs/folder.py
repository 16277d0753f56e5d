"""A run that is being written: its state in run.json, its log and its timings."""

import contextlib
import dataclasses
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from labelscan.config import RUN_JSON_SETTINGS
from labelscan.data.stored_rows import SUFFIX as ROWS_SUFFIX
from labelscan.errors import UsageError
from labelscan.events import Event, FoldDone, Listener, PartDone, StepAdvanced, StepDone, Waiting
from labelscan.files.atomic import partial_of, write_json, writing
from labelscan.files.checksums import checksum_of, forget
from labelscan.files.reading import fits
from labelscan.jobs.files import LOCK_SUFFIX, LOG_FILE, PART, STORE
from labelscan.runs.bucket import Bucket
from labelscan.runs.files import CHECKSUMS, DIRECTORY, FORMAT_VERSION, JOBS, MACHINES, RUN_FILE, part_of
from labelscan.runs.machine import machine
from labelscan.runs.record import CHOICES, EVIDENCE_OF, VERSIONS, read_record, versions
from labelscan.runs.same_run import FOR_GATE, Identity

if TYPE_CHECKING:
    from labelscan.jobs.outputs import Outputs

DRIVER = "driver"
"""The entry of run.json for the process that writes the run."""
KEPT = (MACHINES, EVIDENCE_OF, JOBS, CHECKSUMS)
"""The entries of run.json that whoever resumes a run keeps."""

State = Literal["running", "finished", "interrupted", "failed"]


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

    def images(self, number: int) -> Path:
        """Return the file of images decoded to one size, of as many as the models want; the first is number 0."""
        return self.inputs / _numbered("images", number, ".npy")

    def features(self, number: int) -> Path:
        """Return the file of feature rows: those of a table, number 0, or of one of the frozen backbones."""
        return self.inputs / _numbered("features", number, ".npy")

    @property
    def rows(self) -> Path:
        """Return the file of texts, or of the columns of a table as they are."""
        return self.inputs / f"rows{ROWS_SUFFIX}"

    @property
    def outputs(self) -> "Outputs":
        """Return the outputs of the jobs of the run."""
        from labelscan.jobs.outputs import Outputs  # for which torch is loaded

        return Outputs(self.path)


class RunFolder:
    """One run that is being written, from ``open_run``; ``FinishedRun`` reads what it leaves.

    Args:
        path: its folder.
        inputs: a folder of inputs that several runs share; None is one of its own.
        bucket: that the run is kept in.
        is_read_only: whether the folder cannot be written, so that a finished run is only shown.
    """

    def __init__(
        self, path: Path, inputs: Path | None = None, *, bucket: Bucket | None = None, is_read_only: bool = False
    ) -> None:
        self.path = path
        self.paths = RunPaths.of(path, inputs)
        self.is_read_only = is_read_only
        self._bucket = bucket
        self._shares_inputs = inputs is not None
        self.earlier = read_record(path)
        """What run.json said before this process began or resumed the run."""
        timings = self.earlier.get("timings")
        self.timings: dict[str, float] = {}
        if isinstance(timings, dict) and fits(timings, dict[str, float]):
            self.timings |= timings
        """Seconds by step; steps that are not repeated keep the time of the earlier process."""
        self.has_trained = False
        """Whether this process has trained anything."""
        self.started_over = ""
        """Why an earlier run in the folder was deleted, where it was not asked for."""
        self.may_change_data = False
        """Whether an earlier run in the folder may go on with other contents of its images."""
        self._content = dict(self.earlier)
        self._started = time.monotonic()
        self._seconds_before = self.timings.get("total", 0.0)

    @property
    def earlier_choices(self) -> Mapping[str, Any]:
        """Return what the automatic settings became when the run was begun, empty where that is just now."""
        return part_of(self.earlier, CHOICES)

    @property
    def jobs(self) -> list[str]:
        """Return the names of all jobs."""
        names = self._content.get(JOBS)
        return list(map(str, names)) if isinstance(names, list) else []

    def logging(self, notify: Listener) -> Listener:
        """Return a listener that adds events to log.jsonl and passes them on."""

        def log_and_notify(event: Event) -> None:
            self.has_trained |= isinstance(event, FoldDone) and not event.reused
            if not self.is_read_only and not isinstance(
                event, StepAdvanced | Waiting
            ):  # these come many times a second
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

    def record(self, **entries: object) -> None:
        """Add entries to run.json, and write it."""
        if self.is_read_only:
            return
        self._content.update(entries)
        if self.has_trained or self.earlier.get("state") != "finished":  # a run that is only shown keeps its time
            self.timings["total"] = self._seconds_before + time.monotonic() - self._started
        self._content["timings"] = {name: round(seconds, 3) for name, seconds in self.timings.items()}
        write_json(self.path / RUN_FILE, self._content)

    def record_machine(self, **hardware: object) -> None:
        """Add this machine to those that have worked on the run, with what is known of it besides."""
        this, before = {**machine(), **hardware}, self.earlier.get(MACHINES)
        others = [one for one in before if one != this] if isinstance(before, list) else []
        self.record(**{MACHINES: [*others, this]})

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the wall time of the block to the timings, to what the step took before it was interrupted."""
        is_new = self.earlier.get("state") == "finished"  # a finished run that takes the step again
        started = time.monotonic() - (0.0 if is_new else self.timings.get(step, 0.0))
        try:
            yield
        finally:
            self.timings[step] = time.monotonic() - started

    def record_checksum(self, name: str) -> None:
        """Add to run.json the checksum of a file of the run that has just been written."""
        self._content[CHECKSUMS] = {**part_of(self._content, CHECKSUMS), name: checksum_of(self.path / name)}

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Yield the path at which to write what becomes the file ``name`` of the run, with its checksum in run.json.

        Before the file is replaced, run.json has the checksums of both: a kill leaves one of them.
        """
        with partial_of(self.path / name) as partial:
            yield partial
            checksums = part_of(self._content, CHECKSUMS)
            self.record(**{CHECKSUMS: {**checksums, name: f"{checksums.get(name, '')} {checksum_of(partial)}"}})
        self.record_checksum(name)

    def drop_inputs(self) -> None:
        """Delete decoded images and features: only training needs them, and they are the bulk of a run."""
        if self._shares_inputs or self.is_read_only:  # they belong to the run that made them
            return
        inputs = self.paths.inputs
        for folder in inputs.glob(f"*{PART}*"):  # blocks, of which the rows have been put together
            shutil.rmtree(folder, ignore_errors=True)
        for path in (*inputs.glob("images*.npy"), *inputs.glob("features*.npy"), self.paths.rows):
            path.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)
            forget(path)
            with contextlib.suppress(OSError):  # some systems keep a file that another process has still mapped
                path.unlink(missing_ok=True)

    def begin(self, identity: Identity, **entries: object) -> None:
        """Write run.json as this process goes on with the run, or begins it."""
        self._content = {
            "format_version": FORMAT_VERSION,
            "state": "running",
            "started": self.earlier.get("started", _now()),
            DIRECTORY: str(Path().absolute()),
            RUN_JSON_SETTINGS: identity.settings,
            "results_depend_on": identity.results_depend_on,
            "data": identity.data,
            FOR_GATE: identity.for_gate and (not self.earlier or self.earlier.get(FOR_GATE) is True),
            VERSIONS: versions(),
            DRIVER: {"host": platform.node(), "process": os.getpid(), "since": _now()},
            **{kept: self.earlier[kept] for kept in KEPT if kept in self.earlier},
            **entries,
        }
        self.record()

    def stop(self, state: State, error: BaseException) -> None:
        """Write run.json where an error ends this process: what it has not trained is still what others have made.

        A run that was only refused stays as it is.
        """
        if self.earlier and not self.has_trained:
            self._content |= {name: self.earlier[name] for name in (VERSIONS, CHOICES) if name in self.earlier}
            is_unchanged = self._content.get(EVIDENCE_OF) == self.earlier.get(EVIDENCE_OF)
            if isinstance(error, UsageError) and is_unchanged:
                self._content = dict(self.earlier)
                self.record()
                return
        elif isinstance(error, UsageError) and not self.has_trained:  # it has never begun
            (self.path / RUN_FILE).unlink(missing_ok=True)
            return
        self._content["error"] = str(error)
        self.end(state)

    def end(self, state: State) -> None:
        """Write run.json as the run is when this process leaves it."""
        settings = json.loads(json.dumps(self._content[RUN_JSON_SETTINGS]))
        before = tuple(self.earlier.get(key) for key in ("state", RUN_JSON_SETTINGS, "decisions"))
        now = (state, settings, self._content.get("decisions"))
        is_shown_again = state == "finished" and before == now and not self.has_trained
        self.record(state=state, ended=self.earlier.get("ended") if is_shown_again else _now())


def _numbered(name: str, number: int, suffix: str) -> str:
    """Return ``name``, and from the second of its kind on its number too."""
    return f"{name}-{number + 1}{suffix}" if number else f"{name}{suffix}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
