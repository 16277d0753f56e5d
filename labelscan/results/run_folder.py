"""A run that is being written: its leases, its state in run.json, its log and its timings."""

import contextlib
import dataclasses
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from labelscan.atomic import look_anew, write_json, writing
from labelscan.config import RUN_JSON_SETTINGS
from labelscan.data.stored_rows import SUFFIX as ROWS_SUFFIX
from labelscan.errors import LabelscanError, RunFolderError
from labelscan.events import Event, FoldDone, Listener, Noted, PartDone, StepAdvanced, StepDone, Waiting, ignore
from labelscan.leases import Leases
from labelscan.reading import fits
from labelscan.results.bucket import Bucket
from labelscan.results.joined_run import JoinedRun
from labelscan.results.machine import machine
from labelscan.results.run_files import (
    DIRECTORY,
    FORMAT_VERSION,
    LEASES,
    MACHINES,
    RUN_FILE,
    SHARDS,
    part_of,
)
from labelscan.results.run_record import CHOICES, EVIDENCE_OF, GENERATION, VERSIONS, read_record, shard_name, versions
from labelscan.results.same_run import ELSEWHERE, FOR_GATE, Identity
from labelscan.training.done_mark import DoneMark
from labelscan.training.shard_files import AUM, FOLD, LOG_FILE, PART

WRITER = "run"
"""The lease of the one process that writes run.json, the evidence and the results."""
KEPT = (MACHINES, EVIDENCE_OF, SHARDS, GENERATION)
"""The entries of run.json that whoever goes on with a run keeps."""
WAIT_SECONDS = 0.5
"""Between two looks at whether other processes still work on the run, or write it."""

State = Literal["running", "finished", "interrupted", "failed"]


class RunFolder:
    """One run that is being written, from ``open_run``; ``FinishedRun`` reads what it leaves."""

    def __init__(
        self,
        path: Path,
        leases: Leases,
        inputs: Path | None = None,
        *,
        is_joined: bool = False,
        bucket: Bucket | None = None,
        notify: Listener = ignore,
    ) -> None:
        self.path = path
        self._bucket = bucket
        self._notify = notify
        self.leases = leases
        self.is_joined = is_joined
        """Whether this process only carries out shards, and another one writes everything else."""
        self.inputs = inputs or path / "store"
        """The folder of decoded images and features; several runs on the same images may share one."""
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
        self.warned: set[str] = set()
        """Warnings that need not be repeated."""
        self._content = dict(self.earlier)
        self._is_renewed = False
        """Whether this process has put another generation into the place of the one that it found."""
        self._started = time.monotonic()
        self._seconds_before = self.timings.get("total", 0.0)

    @property
    def earlier_choices(self) -> Mapping[str, Any]:
        """Return what the automatic settings became when the run was begun, empty where that is just now."""
        return part_of(self.earlier, CHOICES)

    @property
    def shards(self) -> list[str]:
        """Return the names of all shards, as they were known when the run was begun."""
        names = self.earlier.get(SHARDS)
        return [shard_name(str(name)) for name in names] if isinstance(names, list) else []

    @property
    def is_trained(self) -> bool:
        """Return whether all trainings were finished and their evidence is there, whatever is done with it now."""
        trained = [name for name in self.shards if name.startswith((FOLD, AUM))]
        return bool(self.earlier.get(EVIDENCE_OF)) and all(DoneMark.read(self.path / name) for name in trained)

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

    def shard(self, repeat: int, fold: int, number: int) -> Path:
        """Return the folder of one fold of a model; the first is number 0."""
        return self.path / _numbered(f"fold-{repeat}-{fold}", number, "", between="-opinion-")

    def logging(self, notify: Listener) -> Listener:
        """Return a listener that adds events to log.jsonl and passes them on."""

        def log_and_notify(event: Event) -> None:
            if not self.leases.holds(WRITER):
                raise self._taken_over()
            self.has_trained |= isinstance(event, FoldDone) and not event.reused
            if not isinstance(event, StepAdvanced | Waiting):  # these come many times a second
                line = {"time": _now(), "event": type(event).__name__, **dataclasses.asdict(event)}
                log = self.path / LOG_FILE
                with writing(log), log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
            notify(event)

        return log_and_notify

    def keeping(self, notify: Listener) -> Listener:
        """Return a listener that passes events on, and puts what is new into the bucket of the run, if it has one."""

        def put_and_notify(event: Event) -> None:
            notify(event)
            self.put(always=isinstance(event, FoldDone | PartDone | StepDone))

        return notify if self._bucket is None else put_and_notify

    def put(self, *, always: bool = True) -> None:
        """Put what is new into the bucket of the run, if it has one."""
        if self._bucket is not None:
            self._bucket.put(always=always)

    def fetch(self, *paths: Path) -> None:
        """Fetch files, and all files whose paths begin with these, from the bucket of the run, if it has one."""
        if self._bucket is not None:
            self._bucket.fetch(*(path.relative_to(self.path).as_posix() for path in paths))

    def record(self, **entries: object) -> None:
        """Add entries to run.json, and write it.

        Raises:
            RunFolderError: another process writes it now.
        """
        if not self.leases.confirm(WRITER):
            raise self._taken_over()
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

    @property
    def joined(self) -> JoinedRun:
        """Return the run as this process has joined it."""
        address = "" if self._bucket is None else self._bucket.url
        generation, was_finished = str(self.earlier.get(GENERATION, "")), self.earlier.get("state") == "finished"
        return JoinedRun(path=self.path, address=address, generation=generation, was_finished=was_finished)

    def drop_inputs(self) -> None:
        """Delete decoded images and features: only training needs them, and they are the bulk of a run."""
        if self._shares_inputs:  # they belong to the run that made them
            return
        for folder in self.inputs.glob(f"*{PART}*"):  # of a process that was killed while it put parts together
            shutil.rmtree(folder, ignore_errors=True)
        for path in (*self.inputs.glob("images*.npy"), *self.inputs.glob("features*.npy"), self.rows):
            with contextlib.suppress(OSError):  # some systems keep a file that another process has still mapped
                path.unlink(missing_ok=True)

    def _taken_over(self) -> RunFolderError:
        problem = "another process writes this run now: this one stood still for too long"
        return RunFolderError(problem, where=str(self.path), hint=f"wait for it, or {ELSEWHERE}")

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
            GENERATION: uuid4().hex,
            **{kept: self.earlier[kept] for kept in KEPT if kept in self.earlier},
            **entries,
        }
        self.record()

    def renew(self, entries: Mapping[str, object], *, without: Sequence[str] = ()) -> None:
        """Add entries to run.json, or leave some out, and make it that of another generation: nobody else works on it.

        Processes that hold no lease hear of it when they take one.

        Raises:
            RunFolderError: some hold leases; run.json is as it was then.
        """
        self.refuse_others()
        before = dict(self._content)
        try:
            self._content = {name: value for name, value in before.items() if name not in without}
            self.record(**entries, **{GENERATION: uuid4().hex})
            self.put()
            self.refuse_others()  # who has taken one since, and has read what was there before
        except BaseException:
            self._content = before
            with contextlib.suppress(OSError, LabelscanError):  # the first error says more
                self._put_back()
            raise
        self._is_renewed = True

    def _put_back(self) -> None:
        if self.leases.confirm(WRITER):
            write_json(self.path / RUN_FILE, self._content)
            self.put()

    def refuse_others(self) -> None:
        """Raise RunFolderError where other processes hold leases of the run."""
        if self._bucket is None:
            look_anew(self.path / LEASES)
        before = self.leases.others()
        is_told = False
        while others := self.leases.others():
            for name, holder in others.items():
                if holder.is_running or holder != before.get(name):  # it is known to live, or its heart has beaten
                    problem = f"other processes work on this run: {name} is carried out by {holder}"
                    raise RunFolderError(problem, where=str(self.path), hint=f"stop them first, or {ELSEWHERE}")
            if not is_told:
                name, holder = next(iter(others.items()))
                self._notify(Noted(f"waiting to see whether it still works on {name}: {holder}"))
                is_told = True
            time.sleep(WAIT_SECONDS)

    def stop(self, state: State, *, is_refused: bool) -> None:
        """Write run.json where an error ends this process; what it has not trained is still what others have made.

        A run that it ``is_refused`` stays as it is.
        """
        if self.earlier and not self.has_trained:
            made_with = {name: self.earlier[name] for name in (VERSIONS, CHOICES) if name in self.earlier}
            if self._is_renewed and not self.leases.others():
                with contextlib.suppress(RunFolderError):  # whoever has just begun works with what is new
                    self.renew(made_with)
            elif not self._is_renewed:
                self._content |= made_with
                if is_refused and self._content.get(EVIDENCE_OF) == self.earlier.get(EVIDENCE_OF):
                    self._content = dict(self.earlier)
                    self.record()
                    return
        self.end(state)

    def end(self, state: State) -> None:
        """Write run.json as the run is when this process leaves it."""
        settings = json.loads(json.dumps(self._content[RUN_JSON_SETTINGS]))
        before = tuple(self.earlier.get(key) for key in ("state", RUN_JSON_SETTINGS, "decisions"))
        now = (state, settings, self._content.get("decisions"))
        is_shown_again = state == "finished" and before == now and not self.has_trained
        self.record(state=state, ended=self.earlier.get("ended") if is_shown_again else _now())


def _numbered(name: str, number: int, suffix: str, between: str = "-") -> str:
    """Return ``name``, and from the second of its kind on its number too."""
    return f"{name}{between}{number + 1}{suffix}" if number else f"{name}{suffix}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
