"""Where each artefact of a run lives, what is still valid when it is taken up again, and the lock on it."""

import contextlib
import dataclasses
import json
import platform
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from labelscan import __version__
from labelscan.atomic import read_json, write_json
from labelscan.config import RUN_JSON_SETTINGS
from labelscan.config import settings as all_settings
from labelscan.errors import Interrupted, RunFolderError
from labelscan.events import Event, FoldDone, StepAdvanced, Waiting

FORMAT_VERSION = 1
"""Of run.json and of everything else in the folder; a folder of another version is not taken up."""
DEFAULT_PARENT = Path("labelscan-runs")
RUN_FILE = "run.json"
LOCK_FILE = ".lock"
LOG_FILE = "log.jsonl"
DIRECTORY = "directory"
"""The key of run.json for the folder that relative paths in a run start from."""
PACKAGES = ("torch", "torchvision", "numpy", "pandas", "scikit-learn", "cleanlab")
DECISIONS_FILE = "decisions.csv"
"""What a reviewer decided; a person's work, which no command of a run touches."""
SELF_CHECK = "self-check"
"""The folder of the second run, with planted errors, of a run that checks itself."""
OWN_FILES = {
    "issues.csv": "what the leading detector flags, most doubtful first",
    "scores.csv": "every example: what other detectors flag, and those without a score, with the reason",
    "summary.json": "counts, estimated wrong labels, noise matrix, health of each class, confused pairs, warnings",
    "report.html": "the page to review suspects on, after `labelscan report`",
    "report.md": "the same in Markdown without pictures, where it was asked for",
    "label-studio.json": "suspects as tasks for Label Studio, where they were asked for",
    "label-studio.interface.xml": "its labelling interface, for the setup of a project",
    RUN_FILE: "resolved settings (`--config` takes it), versions, fingerprint of the data, timings",
    "examples.csv": "what was read: id, path, given label, group, split, status",
    "folds.csv": "which fold held out which example",
    "evidence.npz": "out-of-fold probabilities; apart from them, what training said of its own examples",
    LOG_FILE: "what happened, one event a line",
}
"""What a run writes, with what is in it, and ``--fresh`` deletes."""
OWN_FOLDERS = {
    "fold-*-*": "one folder a repeat and fold: its probabilities and measurements; an unfinished one begins anew",
    "aum-*": "the trainings with an extra class, with `--detector aum` only",
    SELF_CHECK: "the second run, with planted errors, of a run with `--self-check`",
    "store": "decoded images and features; when the run is finished, only the list of their digests",
}
"""Likewise folders, as patterns."""

State = Literal["running", "finished", "interrupted", "failed"]


class RunFolder:
    """One run on disk. Made by ``open_run``."""

    def __init__(self, path: Path, inputs: Path | None = None) -> None:
        self.path = path
        self.inputs = inputs or path / "store"
        """The folder of what models are fed; several runs on the same images may share one."""
        self._shares_inputs = inputs is not None
        self.earlier = _read_record(path)
        """What run.json said before this process took the run up."""
        self.timings = _timings(self.earlier)
        """Seconds by step; of what is not done again, those of the earlier process."""
        self.has_trained = False
        """Whether anything was trained now, and not found finished."""
        self._content: dict[str, object] = {}
        self._started = time.monotonic()
        self._seconds_before = self.timings.get("total", 0.0)

    @property
    def store(self) -> Path:
        """Return the decoded images."""
        return self.inputs / "images.npy"

    @property
    def features(self) -> Path:
        """Return the feature rows that models are trained on: a table's, or those of a frozen backbone."""
        return self.inputs / "features.npy"

    def shard(self, repeat: int, fold: int) -> Path:
        """Return the folder of one fold."""
        return self.path / f"fold-{repeat}-{fold}"

    def log(self, event: Event) -> None:
        """Add an event to log.jsonl; what comes many times a second is left out."""
        if isinstance(event, StepAdvanced | Waiting):
            return
        if isinstance(event, FoldDone) and not event.reused:
            self.has_trained = True
        line = {"time": _now(), "event": type(event).__name__, **dataclasses.asdict(event)}
        with (self.path / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def record(self, **entries: object) -> None:
        """Put entries into run.json."""
        self._content.update(entries)
        if self.has_trained or self.earlier.get("state") != "finished":  # a run that is only shown keeps its time
            self.timings["total"] = self._seconds_before + time.monotonic() - self._started
        self._content["timings"] = {name: round(seconds, 3) for name, seconds in self.timings.items()}
        write_json(self.path / RUN_FILE, self._content)

    def drop_inputs(self) -> None:
        """Delete decoded images and features: only training needs them, and they are the bulk of a run.

        Those that it shares are left to whoever made them.
        """
        if self._shares_inputs:
            return
        for path in (self.store, self.features):
            with contextlib.suppress(OSError):  # some systems keep a file that another process has still mapped
                path.unlink(missing_ok=True)

    def _begin(self, settings: Mapping[str, object], matters: Mapping[str, object], data: Mapping[str, object]) -> None:
        self._content = {
            "format_version": FORMAT_VERSION,
            "state": "running",
            "started": self.earlier.get("started", _now()),
            DIRECTORY: str(Path().absolute()),
            RUN_JSON_SETTINGS: settings,
            "results_depend_on": matters,
            "data": data,
            "versions": {"labelscan": __version__, "python": platform.python_version()}
            | {name: version(name) for name in PACKAGES},
        }
        self.record()

    def _end(self, state: State) -> None:
        settings = json.loads(json.dumps(self._content[RUN_JSON_SETTINGS]))
        before = (self.earlier.get("state"), self.earlier.get(RUN_JSON_SETTINGS))
        is_shown_again = state == "finished" and before == (state, settings) and not self.has_trained
        self.record(state=state, ended=self.earlier.get("ended") if is_shown_again else _now())


@contextmanager
def open_run(
    path: Path,
    *,
    settings: Mapping[str, object],
    results_depend_on: Mapping[str, object],
    data: Mapping[str, object],
    resume: bool = False,
    fresh: bool = False,
    inputs: Path | None = None,
    also_owns: Sequence[str] = (),
) -> Iterator[RunFolder]:
    """Lock the run at ``path`` and yield it, ready to be taken up or begun.

    Args:
        path: the run folder; made where it does not exist.
        settings: all, for run.json.
        results_depend_on: ``section.name`` to value of those that decide the results.
        data: fingerprint and counts of the data.
        resume: whether it is an error that there is nothing to take up.
        fresh: whether what an earlier run left is deleted.
        inputs: the folder of decoded images and features that several runs share; None is one of its own.
        also_owns: files and folders that this command writes besides those of every run.

    Raises:
        RunFolderError: another process is writing it, it belongs to other settings or data, or it is no run.
    """
    if resume and not (path / RUN_FILE).is_file():
        raise RunFolderError(
            "there is no run to resume", where=str(path), hint="leave --resume out, or give the run folder with -o"
        )
    if path.exists() and not path.is_dir():
        raise RunFolderError("this is a file, not a folder", where=str(path), hint="choose another place with -o")
    if path.is_dir() and not (path / RUN_FILE).is_file():
        strangers = [entry.name for entry in path.iterdir() if entry.name != LOCK_FILE]
        if strangers and not _only_ours(path, strangers, also_owns):
            raise RunFolderError(
                f"the folder is not empty and is no run (it holds {sorted(strangers)[0]!r})",
                where=str(path),
                hint="choose another place with -o",
            )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"cannot be made ({error})", where=str(path), hint="choose another place with -o"
        ) from error
    lock = FileLock(path / LOCK_FILE, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise RunFolderError(
            "another process is writing this run", where=str(path), hint="wait for it, or choose another place with -o"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise RunFolderError(
            f"cannot be locked ({error})", where=str(path), hint="choose another place with -o"
        ) from error
    try:
        if fresh:
            _clear(path, also_owns)
        elif (path / RUN_FILE).is_file():
            _check_same(path, results_depend_on, data)
        run = RunFolder(path, inputs)
        run._begin(settings, results_depend_on, data)
        try:
            yield run
        except BaseException as error:
            with contextlib.suppress(OSError):  # as of a full disk: the error itself says more
                run._end("interrupted" if isinstance(error, KeyboardInterrupt | Interrupted) else "failed")
            raise
        run._end("finished")
    finally:
        lock.release()


def recorded_fingerprint(path: Path) -> object:
    """Return the fingerprint of the data that the run at ``path`` was begun with, or None where there is no run."""
    data = _read_record(path).get("data")
    return data.get("fingerprint") if isinstance(data, dict) else None


def _check_same(path: Path, results_depend_on: Mapping[str, object], data: Mapping[str, object]) -> None:
    try:
        before = read_json(path / RUN_FILE)
        version_before = before["format_version"]
        settings_before, data_before = before["results_depend_on"], before["data"]
        assert isinstance(settings_before, dict)
        assert isinstance(data_before, dict)
    except (OSError, ValueError, KeyError, AssertionError) as error:
        raise RunFolderError(
            f"{RUN_FILE} cannot be read ({error})", where=str(path), hint="start over with --fresh"
        ) from error
    if version_before != FORMAT_VERSION:
        raise RunFolderError(
            f"made by another version of labelscan (format {version_before}, this one is {FORMAT_VERSION})",
            where=str(path),
            hint="start over with --fresh, or choose another place with -o",
        )
    now = json.loads(json.dumps(dict(results_depend_on)))
    if settings_before.get("command") != now.get("command"):
        raise RunFolderError("this is a run of another command", where=str(path), hint="choose another place with -o")
    changed = [
        f"{key} was {readable(key, settings_before.get(key))} and is {readable(key, now.get(key))}"
        for key in sorted({*now, *settings_before})
        if now.get(key) != settings_before.get(key)
    ]
    if changed:
        raise RunFolderError(
            f"this run has other settings: {'; '.join(changed)}",
            where=str(path),
            hint="choose another place with -o, or start over with --fresh",
        )
    if data_before.get("fingerprint") != data.get("fingerprint"):
        differs = [
            f"{key} was {data_before.get(key)} and is {value}"
            for key, value in data.items()
            if key != "fingerprint" and data_before.get(key) != value
        ]
        raise RunFolderError(
            f"the data has changed since this run: {'; '.join(differs) or 'other ids, labels or contents'}",
            where=str(path),
            hint="choose another place with -o, or start over with --fresh",
        )


def _timings(record: dict[str, object]) -> dict[str, float]:
    timings = record.get("timings")
    return {name: float(seconds) for name, seconds in timings.items()} if isinstance(timings, dict) else {}


def is_own_file(path: Path) -> bool:
    """Return whether a path leads to a file that a run has written, or will write, into its folder."""
    path = path.resolve()
    return path.name in OWN_FILES and (path.parent / RUN_FILE).is_file()


def readable(key: str, value: object) -> str:
    """Return a setting as a message shows it: some numbers stand for what the model wants."""
    declared = all_settings().get(key)
    return "automatic" if declared and declared.is_automatic and value in (0, -1) else repr(value)


def _read_record(path: Path) -> dict[str, object]:
    try:
        return read_json(path / RUN_FILE)
    except (OSError, ValueError):
        return {}


def _only_ours(path: Path, names: list[str], also_owns: Sequence[str]) -> bool:
    """Return whether a folder without run.json holds only what a run killed at its very start may leave."""
    ours = {entry.name for pattern in (*OWN_FILES, *OWN_FOLDERS, *also_owns) for entry in path.glob(pattern)}
    return all(name in ours or name.endswith(".partial") for name in names)


def _clear(path: Path, also_owns: Sequence[str]) -> None:
    """Delete what runs write, and nothing else."""
    for pattern in (*OWN_FILES, *OWN_FOLDERS, *also_owns):
        for entry in path.glob(pattern):
            if not entry.is_dir():
                entry.unlink(missing_ok=True)
            elif not entry.is_symlink():
                shutil.rmtree(entry)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
