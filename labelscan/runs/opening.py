"""A run opened by the one process that writes it, its driver: begun, or resumed with the settings and data it had."""

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from filelock import FileLock, Timeout

from labelscan.config import settings
from labelscan.errors import DiskError, LabelscanError, RunFolderError
from labelscan.files.atomic import writing
from labelscan.processes import interruption
from labelscan.runs.bucket import Bucket
from labelscan.runs.files import (
    DECISIONS_FILE,
    LOCK_FILE,
    RUN_FILE,
    clear,
    foreign_files,
    has_trained,
    refuse_links_out,
    sweep_run,
)
from labelscan.runs.folder import Begin, RunFolder
from labelscan.runs.record import Identity, RunRecord

ELSEWHERE = "choose another place with -o"
ELSEWHERE_OR_FRESH = f"keep this run and {ELSEWHERE}, or delete it and start over with --fresh"
PROBED_SECONDS = 1.0
"""How long a lock is waited for: ``is_locked`` in another process holds it for a moment."""
DETECTION = "detection"
"""The settings by which finished folds are judged again; no training depends on them."""


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
    begin: Begin = lambda _, record: record,
) -> Iterator[RunFolder]:
    """Lock the run at ``path`` and yield it, begun or to be resumed; a finished one that cannot be written is shown.

    Args:
        path: the run folder; made where it does not exist.
        identity: what an earlier run there must have been begun with, or else it is refused or starts over.
        resume: whether a missing run is an error.
        fresh: whether an earlier run is deleted.
        inputs: a folder of decoded images and features shared by several runs; None is one of its own.
        also_owns: patterns of what this command writes besides the files of every run.
        kept_in: the address of the bucket that the run is kept in, of which ``path`` is a copy; empty is none.
        begin: adds what run.json says from the first on, or refuses to go on before anything is written.

    Raises:
        RunFolderError: another process is writing it, it belongs to other settings or data, it is not a run, or a link
            leads out of it.
        DiskError: the disk is full or read-only.
    """
    check_place(path, also_owns)
    if not kept_in:
        _check_resumed(path, resume=resume)
    with _locked(path) as read_only:
        if read_only:
            run, refused = RunFolder(path, inputs, is_read_only=True), f"cannot be written ({read_only})"
            if fresh or not run.earlier or not run.was_finished or why_start_over(path, identity, also_owns=also_owns):
                raise RunFolderError("not-a-run-folder", refused, where=str(path), hint=ELSEWHERE) from read_only
            now = replace(run.earlier, settings=identity.settings)
            if changed := changes(run.earlier.section(DETECTION), now.section(DETECTION)):
                problem = f"{refused}, and has other settings: {'; '.join(changed)}"
                raise RunFolderError("not-a-run-folder", problem, where=str(path), hint=ELSEWHERE) from read_only
            yield run
            return
        bucket = Bucket(kept_in, path) if kept_in else None
        if bucket is not None:
            bucket.download()
            _check_resumed(path, resume=resume)
        started_over = ""
        if not fresh and (path / RUN_FILE).is_file():  # a damaged one is refused before anything is written
            started_over = why_start_over(path, identity, also_owns=also_owns)
            if started_over and resume:
                raise RunFolderError("other-run", started_over, where=str(path), hint=ELSEWHERE_OR_FRESH)
        sweep_run(path, also_owns)
        if fresh or started_over:
            clear(path, also_owns)
        run = RunFolder(path, inputs, bucket=bucket)
        run.started_over = started_over
        is_replaceable = identity.for_gate and may_be_replaced(path, run.earlier)
        run.may_change_data = is_replaceable or not has_trained(path, also_owns)
        run.begin(identity, begin)
        interruption.note_begun()
        try:
            run.upload()
            yield run
        except BaseException as error:
            with contextlib.suppress(OSError, LabelscanError):  # the error itself says more
                run.stop(error)
                run.upload()
            raise
        run.finish()
        run.upload()


def check_place(path: Path, also_owns: Sequence[str] = ()) -> None:
    """Raise RunFolderError unless a run may be begun or resumed at ``path``."""
    if path.exists() and not path.is_dir():
        raise RunFolderError("is-a-file", "this is a file, not a folder", where=str(path), hint=ELSEWHERE)
    if path.is_dir() and not (path / RUN_FILE).is_file() and (others := foreign_files(path, also_owns)):
        problem = f"the folder is not empty and not a run (it holds {others[0]!r})"
        raise RunFolderError("not-a-run-folder", problem, where=str(path), hint=ELSEWHERE)
    if path.is_dir():
        refuse_links_out(path, also_owns)


def why_start_over(folder: Path, identity: Identity, *, also_owns: Sequence[str] = ()) -> str:
    """Return why the run in ``folder`` must start over, empty where it was begun as this one and can be resumed.

    A run that has trained nothing starts over whatever differs, and one for a gate where only the data does.

    Raises:
        RunFolderError: something differs, and starting over would lose what somebody may want to keep.
    """
    before = RunRecord.read(folder)
    if before.command != identity.results_depend_on.get("command"):
        raise RunFolderError("other-run", "this is a run of another command", where=str(folder), hint=ELSEWHERE)
    problem, hint, may_start_over = "", ELSEWHERE_OR_FRESH, not has_trained(folder, also_owns)
    if changed := changes(before.results_depend_on, identity.results_depend_on, show=readable):
        problem = f"this run has other settings: {'; '.join(sorted(changed))}"
        hint = f"take those of this run by --config {folder / RUN_FILE}; or {ELSEWHERE_OR_FRESH}"
    elif before.data.fingerprint != identity.data.fingerprint:
        size_before, size = (asdict(replace(data, fingerprint="")) for data in (before.data, identity.data))
        what = "; ".join(changes(size_before, size)) or "other ids, labels or contents"
        problem = f"the data has changed since this run: {what}"
        may_start_over |= identity.for_gate and may_be_replaced(folder, before)
    if problem and not may_start_over:
        raise RunFolderError("other-run", problem, where=str(folder), hint=hint)
    return problem


def may_be_replaced(folder: Path, record: RunRecord | None) -> bool:
    """Return whether a run was made for a gate alone, and nobody has reviewed it since."""
    return record is not None and record.for_gate and not (folder / DECISIONS_FILE).exists()


def changes(
    before: Mapping[str, object],
    now: Mapping[str, object],
    show: Callable[[str, object], object] = lambda _, value: value,
) -> list[str]:
    """Return in words what differs between an object in run.json and the same now."""
    now = json.loads(json.dumps(dict(now)))  # run.json has no tuples
    return [
        f"{key} was {show(key, before.get(key))} and is {show(key, now.get(key))}"
        for key in dict.fromkeys([*now, *before])
        if now.get(key) != before.get(key)
    ]


def readable(key: str, value: object) -> str:
    """Return a setting as a message shows it: some numbers stand for what the model wants."""
    declared = settings().get(key)
    return "automatic" if declared and declared.is_automatic and value in (0, -1) else repr(value)


def is_locked(path: Path) -> bool | None:
    """Return whether a process is writing the run at ``path``; None where that cannot be known."""
    lock = path / LOCK_FILE
    if not lock.is_file():
        return False
    try:
        with FileLock(lock, blocking=False):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return None


def _check_resumed(path: Path, *, resume: bool) -> None:
    if resume and not (path / RUN_FILE).is_file():
        hint = "leave --resume out, or give the run folder with -o"
        raise RunFolderError("no-run", "there is no run to resume", where=str(path), hint=hint)


@contextmanager
def _locked(path: Path) -> Iterator[OSError | DiskError | None]:
    """Make the folder, and keep all other processes from writing the run; the lock ends with this process.

    Yield None, or why the run there cannot be written: then it is not locked either.
    """
    lock = FileLock(path / LOCK_FILE, timeout=PROBED_SECONDS)
    read_only: OSError | DiskError | None = None
    try:
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        with writing(path / LOCK_FILE):
            lock.acquire()
        if (path / RUN_FILE).is_file() and not os.access(path, os.W_OK):  # the lock alone can be written
            lock.release()
            read_only = PermissionError(os.strerror(errno.EACCES))
    except Timeout as error:
        record = RunRecord.find(path)
        driver = record and record.driver
        who = f": process {driver.process} on {driver.host}, since {driver.since}" if driver else ""
        problem = f"another process is writing this run{who}"
        raise RunFolderError("run-locked", problem, where=str(path), hint=f"wait for it, or {ELSEWHERE}") from error
    except NotImplementedError as error:
        raise RunFolderError("no-locks", "files there cannot be locked", where=str(path), hint=ELSEWHERE) from error
    except (OSError, DiskError) as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and (path / RUN_FILE).is_file():
            read_only = error
        elif isinstance(error, DiskError):
            raise
        else:
            raise RunFolderError(
                "folder-not-made", f"cannot be made ({error})", where=str(path), hint=ELSEWHERE
            ) from error
    try:
        yield read_only
    finally:
        lock.release()
