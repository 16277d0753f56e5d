"""How far a run is, shard by shard, read from its folder alone; other processes may be working on it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from labelscan.atomic import read_json
from labelscan.data import storage
from labelscan.errors import RunFolderError
from labelscan.leases import HEART_SECONDS, Holder, Leases
from labelscan.reading import CANNOT_READ, parse_json
from labelscan.results.bucket import leases_at, what_tells
from labelscan.results.run_files import (
    FORMAT_VERSION,
    LEASES,
    RUN_FILE,
    SELF_CHECK,
    SHARDS,
    SLURM,
    STORE,
    read_versioned,
    refuse_benchmark,
)
from labelscan.results.run_folder import WRITER
from labelscan.results.run_record import read_record
from labelscan.training.done_mark import DoneMark
from labelscan.training.fold_job import last_epoch
from labelscan.training.input_parts import is_made
from labelscan.training.shard_files import AUM, FAILED_FILE, FOLD
from labelscan.urls import is_url

State = Literal["running", "silent", "failed", "waiting", "done"]
STATES: tuple[State, ...] = ("running", "silent", "failed", "waiting", "done")
"""``silent`` is held by a process of another host that did not stir while it was watched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardStatus:
    """What is known of one shard."""

    shard: str
    """The name of its folder; that of the self-check's own shards begins with ``self-check/``."""
    state: State
    host: str = ""
    """Where it is carried out, or was last."""
    process: int | None = None
    since: str = ""
    """When its holder took it, by the clock of that host."""
    epoch: int | None = None
    n_epochs: int | None = None
    seconds: float | None = None
    """How long it took; None until it is done."""
    why: str = ""
    """Why it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStatus:
    """What is known of a run."""

    run: Path | str
    """Its folder or address."""
    state: str
    """That of run.json: running, finished, interrupted or failed."""
    writer: Holder | None
    """The process that writes run.json and the results, if one does now."""
    is_writer_silent: bool
    """Whether it is one of another host that did not stir while it was watched."""
    shards: Sequence[ShardStatus]

    @property
    def is_to_be_merged(self) -> bool:
        """Return whether all shards are done, and nobody has judged the labels or does now."""
        is_written = self.writer is not None and not self.is_writer_silent
        return self.state != "finished" and not is_written and self.count("done") == len(self.shards)

    def count(self, state: State) -> int:
        """Return how many shards are in a state."""
        return sum(one.state == state for one in self.shards)


def status_of(run: Path | str) -> RunStatus:
    """Return how far a run is; where processes of other hosts work on it, they are watched for seconds.

    A self-check is trained by the writer alone, and shown where its leases are: in a folder.

    Args:
        run: its folder, or the address of the bucket that it is kept in.

    Raises:
        RunFolderError: there is no run, or another version of labelscan wrote it.
        StorageError: the bucket cannot be read.
    """
    if is_url(str(run)):
        with what_tells(run) as copy:
            return _status_of(copy, Leases(leases_at(str(run))), run)
    folder = Path(run)
    found = _status_of(folder, Leases(folder / LEASES), run)
    check = folder / SELF_CHECK
    if SHARDS not in read_record(check):
        return found
    again = _status_of(check, Leases(check / LEASES), check).shards
    its_own = [replace(one, shard=f"{SELF_CHECK}/{one.shard}") for one in again if one.shard.startswith((FOLD, AUM))]
    return replace(found, shards=[*found.shards, *its_own])


def _status_of(folder: Path, leases: Leases, run: Path | str) -> RunStatus:
    if not (folder / RUN_FILE).is_file():
        if (folder / SLURM).is_dir():
            hint = "look again when squeue shows that a job runs"
            raise RunFolderError("no worker has begun the run yet", where=str(run), hint=hint)
        raise RunFolderError("there is no run here", where=str(run), hint="give what labelscan detect had after -o")
    record = read_versioned(folder / RUN_FILE, FORMAT_VERSION)
    refuse_benchmark(record, run)
    names = record.get(SHARDS)
    if not isinstance(names, list):
        hint = "the same `labelscan detect` again adds them, and trains nothing that is finished"
        raise RunFolderError("run.json does not say which shards the run has", where=str(run), hint=hint)
    held = leases.held()
    silent = _silent(leases, held)
    is_finished = record.get("state") == "finished"
    shards = [_status(folder / str(name), held, silent, is_finished=is_finished) for name in names]
    return RunStatus(
        run=run,
        state=str(record.get("state")),
        writer=held.get(WRITER),
        is_writer_silent=WRITER in silent,
        shards=shards,
    )


def is_finished(place: str) -> bool:
    """Return whether the run at a path or address has been judged."""
    if not is_url(place):
        return read_record(Path(place)).get("state") == "finished"
    try:
        record = parse_json(storage.read(f"{place.rstrip('/')}/{RUN_FILE}").decode())
    except CANNOT_READ:
        return False
    return isinstance(record, dict) and record.get("state") == "finished"


def count_done(run: Path | str) -> tuple[int, int]:
    """Return how many shards of the run at a path or address are done, and how many it has; 0 before it has begun."""
    with what_tells(run) as folder:
        record = read_record(folder)
        names = record.get(SHARDS)
        paths = [folder / str(name) for name in names] if isinstance(names, list) else []
        is_finished = record.get("state") == "finished"
        return sum(_status(path, {}, set(), is_finished=is_finished).state == "done" for path in paths), len(paths)


def _silent(leases: Leases, held: Mapping[str, Holder]) -> set[str]:
    """Return the leases of processes elsewhere whose hearts stand still for longer than between two beats."""
    if all(one.is_here for one in held.values()):
        return set()
    time.sleep(2 * HEART_SECONDS)
    again = leases.held()
    return {name for name, one in held.items() if not one.is_here and again.get(name) == one}


def _status(path: Path, held: Mapping[str, Holder], silent: set[str], *, is_finished: bool) -> ShardStatus:
    name = path.name
    if path.parent.name == STORE and (is_finished or is_made(path)):  # parts and rows go when a run is finished
        return ShardStatus(shard=name, state="done")
    mark = DoneMark.read(path)
    if mark is not None:
        return ShardStatus(shard=name, state="done", host=mark.host, seconds=mark.seconds)
    epoch = last_epoch(path)
    epochs = (None, None) if epoch is None else (epoch.epoch, epoch.n_epochs)
    if name in held:
        return ShardStatus(
            shard=name,
            state="silent" if name in silent else "running",
            host=held[name].host,
            process=held[name].process,
            since=held[name].since,
            epoch=epochs[0],
            n_epochs=epochs[1],
        )
    failed = _why_it_failed(path)
    return ShardStatus(
        shard=name,
        state="waiting" if failed is None else "failed",
        host="" if failed is None else failed[0],
        epoch=epochs[0],
        n_epochs=epochs[1],
        why="" if failed is None else failed[1],
    )


def _why_it_failed(path: Path) -> tuple[str, str] | None:
    """Return on which host the last attempt at a shard failed, and why; None where it did not."""
    try:
        told = read_json(path / FAILED_FILE)
    except CANNOT_READ:
        return None
    return str(told.get("host")), str(told.get("why"))
