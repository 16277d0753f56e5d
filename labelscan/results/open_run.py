"""Runs opened: by the one process that writes them, or by one of many that carry out their shards."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import cast, get_args

from filelock import FileLock, Timeout

from labelscan import interruption
from labelscan.atomic import look_anew, writing
from labelscan.errors import Interrupted, LabelscanError, RunFolderError, UsageError
from labelscan.events import Listener, Noted, ignore, pause
from labelscan.leases import Leases
from labelscan.results.bucket import NO_BUCKET, Bucket
from labelscan.results.joined_run import StartedOverError
from labelscan.results.run_files import (
    FORMAT_VERSION,
    LEASES,
    RUN_FILE,
    SHARDS,
    STORE,
    clear,
    has_trained,
    read_versioned,
    refuse_links_out,
    strangers,
    sweep_run,
)
from labelscan.results.run_folder import WAIT_SECONDS, WRITER, RunFolder, State
from labelscan.results.run_record import CHOICES, EVIDENCE_OF, VERSIONS, other_versions, read_record
from labelscan.results.same_run import ELSEWHERE, ELSEWHERE_OR_FRESH, Identity, may_be_replaced, why_start_over

COPY_LOCK = "copy.lock"
"""The file that a process has locked while it works on the copy of a run in a bucket."""
BEGINNING_SECONDS = 1.0
"""How long a writer on this host is borne with: a worker that begins a run is its writer for a moment."""


@contextmanager
def open_run(
    path: Path,
    identity: Identity,
    *,
    resume: bool = False,
    fresh: bool = False,
    inputs: Path | None = None,
    also_owns: Sequence[str] = (),
    kept_in: str = "",
    begin: Callable[[RunFolder], Mapping[str, object]] = lambda _: {},
    notify: Listener = ignore,
) -> Iterator[RunFolder]:
    """Take the lease of the writer of the run at ``path`` and yield it, begun or to be resumed.

    Args:
        path: the run folder; made where it does not exist.
        identity: what an earlier run there must have been begun with, or else it is refused or starts over.
        resume: whether a missing run is an error.
        fresh: whether an earlier run is deleted.
        inputs: a folder of decoded images and features shared by several runs; None is one of its own.
        also_owns: patterns of what this command writes besides the files of every run.
        kept_in: the address of the bucket that the run is kept in, of which ``path`` is a copy; empty is none.
        begin: returns what else run.json says from the first on, or refuses to go on before anything is written.
        notify: is told where a process of another host must be waited for.

    Raises:
        RunFolderError: another process is writing it, it belongs to other settings or data, it is not a run, or a link
            leads out of it.
        DiskError: the disk is full or read-only.
    """
    with _copied(kept_in, path) as (path, bucket):
        _check_place(path, resume=resume, also_owns=also_owns)
        if (path / RUN_FILE).is_file() and not fresh:
            read_versioned(path / RUN_FILE, FORMAT_VERSION)  # a damaged one is refused before anything is written
        with _written_here(path, bucket, notify) as leases:
            sweep_run(path, also_owns)
            started_over = ""
            if not fresh and (path / RUN_FILE).is_file():
                started_over = why_start_over(path, identity, also_owns=also_owns)
                if started_over and resume:
                    raise RunFolderError(started_over, where=str(path), hint=ELSEWHERE_OR_FRESH)
            if fresh or started_over:
                before = RunFolder(path, leases, bucket=bucket, notify=notify)
                if before.earlier:
                    # Nobody joins a run without shards, and if this is cut off, what is left makes no claim.
                    before.renew({"state": "interrupted"}, without=(SHARDS, EVIDENCE_OF, VERSIONS, CHOICES))
                else:  # no process can join it
                    before.refuse_others()
                clear(path, also_owns)
            run = RunFolder(path, leases, inputs, bucket=bucket, notify=notify)
            run.started_over = started_over
            is_replaceable = identity.for_gate and may_be_replaced(path, run.earlier)
            run.may_change_data = is_replaceable or not has_trained(path, also_owns)
            run.begin(identity, **begin(run))
            interruption.note_begun()
            try:
                yield run
            except BaseException as error:
                with contextlib.suppress(OSError, LabelscanError):  # the error itself says more
                    run.stop(_state_after(error, run), is_refused=isinstance(error, UsageError))
                    run.put()
                raise
            run.end("finished")
            run.put()


def _state_after(error: BaseException, run: RunFolder) -> State:
    """Return what has become of a run that ended with an error: what was only refused is as it was."""
    before = run.earlier.get("state")
    if isinstance(error, UsageError) and before in get_args(State):
        return cast(State, before)
    return "interrupted" if isinstance(error, KeyboardInterrupt | Interrupted) else "failed"


@contextmanager
def join_run(
    path: Path,
    identity: Identity,
    *,
    begin: Callable[[RunFolder], Mapping[str, object]],
    kept_in: str = "",
    notify: Listener,
) -> Iterator[RunFolder]:
    """Yield a run of which this process carries out shards; it is begun where no process has begun it.

    Args:
        path: as in ``open_run``, and so is ``identity``.
        begin: returns what else run.json says, if this process begins the run.
        kept_in: as in ``open_run``.
        notify: is told where another process must be waited for.

    Raises:
        RunFolderError: it belongs to other settings or data, or was begun by another version of labelscan or torch.
        DiskError: the disk is full or read-only.
    """
    with _copied(kept_in, path) as (path, bucket):
        _check_place(path, resume=False, also_owns=())
        _make_folder(path)

        def check() -> None:
            try:
                other = why_start_over(path, identity) if (path / RUN_FILE).is_file() else ""
            except RunFolderError:
                if not (path / RUN_FILE).is_file():  # deleted just now, by who starts over
                    return
                raise
            if other:
                raise RunFolderError(other, where=str(path), hint=ELSEWHERE_OR_FRESH)

        def make() -> None:
            check()
            first = RunFolder(path, leases, bucket=bucket)
            first.begin(identity, **begin(first))
            first.put()

        def is_begun() -> bool:
            leases.refresh(WRITER)  # by its name, since then it is looked for each time
            return SHARDS in read_record(path)

        with leases_of(path, bucket) as leases:
            run = None
            while run is None or SHARDS not in run.earlier:  # else it was deleted just now
                check()
                leases.once(WRITER, is_made=is_begun, make=make, wait=lambda: pause(WAIT_SECONDS, notify))
                check()
                run = RunFolder(path, leases, is_joined=True, bucket=bucket)
            refuse_other_versions(run)
            leases.guard = run.joined.check
            is_over = False
            try:
                yield run
            except StartedOverError:
                is_over = True  # what is here is none of what is there
                raise
            finally:
                if not is_over:
                    run.put()


def refuse_other_versions(run: RunFolder) -> None:
    """Raise RunFolderError where the run was begun by other versions than these: no shard of one is the other's."""
    if others := other_versions(run.earlier):
        problem = f"the run was begun with {'; '.join(others)}"
        raise RunFolderError(problem, where=str(run.path), hint="install the same versions on all machines")


def _check_place(path: Path, *, resume: bool, also_owns: Sequence[str]) -> None:
    """Raise RunFolderError unless a run may be begun or resumed at ``path``."""
    has_run = (path / RUN_FILE).is_file()
    if resume and not has_run:
        raise RunFolderError(
            "there is no run to resume",
            where=str(path),
            hint="leave --resume or --merge out, or give the run folder with -o",
        )
    if path.exists() and not path.is_dir():
        raise RunFolderError("this is a file, not a folder", where=str(path), hint=ELSEWHERE)
    if path.is_dir() and not has_run and (others := strangers(path, also_owns)):
        problem = f"the folder is not empty and not a run (it holds {others[0]!r})"
        raise RunFolderError(problem, where=str(path), hint=ELSEWHERE)
    if path.is_dir():
        refuse_links_out(path, also_owns)


def _make_folder(path: Path) -> None:
    try:
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot be made ({error})", where=str(path), hint=ELSEWHERE) from error


@contextmanager
def _written_here(path: Path, bucket: Bucket | None, notify: Listener) -> Iterator[Leases]:
    """Make the folder, and keep all other processes from writing what only one may."""
    _make_folder(path)
    with leases_of(path, bucket) as leases:
        try:
            _take_writer(leases, path, notify)
        except OSError as error:
            where, hint = (str(path), ELSEWHERE) if bucket is None else (bucket.url, NO_BUCKET)
            raise RunFolderError(f"cannot be written ({error})", where=where, hint=hint) from error
        yield leases


@contextmanager
def _copied(kept_in: str, path: Path) -> Iterator[tuple[Path, Bucket | None]]:
    """Yield the folder of a run, and the bucket that it is a copy of, of which all small files are here now.

    Where another process of this machine works on the copy at ``path``, it is another one beside it.
    """
    if not kept_in:
        yield path, None
        return
    for number in count(1):
        copy = path.with_name(f"{path.name}-{number}") if number > 1 else path
        _make_folder(copy / LEASES)
        lock = FileLock(copy / LEASES / COPY_LOCK, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            continue
        try:
            bucket = Bucket(kept_in, copy)
            bucket.fetch()
            yield copy, bucket
        finally:
            lock.release()
        return


def leases_of(path: Path, bucket: Bucket | None = None) -> Leases:
    """Return the leases of a run, by whose names its shards are found where others have made them."""

    def look_at(name: str) -> None:
        if name:
            look_anew(path, path / name, path / STORE, path / STORE / name)

    def fetch(name: str) -> None:
        assert bucket is not None
        bucket.fetch(*([f"{name}/", f"{STORE}/{name}/"] if name else []), always=bool(name))

    return Leases(path / LEASES, look_at) if bucket is None else Leases(bucket.leases, fetch)


def _take_writer(leases: Leases, path: Path, notify: Listener) -> None:
    """Take the lease of the writer, from a process that has died if need be.

    Raises:
        RunFolderError: another process is writing the run.
    """
    first, is_told, patient_until = None, False, time.monotonic() + BEGINNING_SECONDS
    while not leases.take(WRITER):
        holder = leases.holder(WRITER)
        if holder is not None and holder.is_running and time.monotonic() < patient_until:
            pause(BEGINNING_SECONDS / 10, notify)
            continue
        if holder is not None and (holder.is_running or (first is not None and holder.beat != first.beat)):
            problem = f"another process is writing this run: {holder}"
            raise RunFolderError(problem, where=str(path), hint=f"wait for it, or {ELSEWHERE}")
        first = first or holder
        if not is_told and (holder is not None or time.monotonic() > patient_until):
            is_told = True
            who = holder or "a process whose lease cannot be read"
            notify(Noted(f"waiting to see whether it still works on {path}: {who}"))
        pause(WAIT_SECONDS, notify)
