"""Decoded images and features that all runs share: a second loss, seed or version of the labels makes only what is new.

A cache is a folder of shelves, one for each way in which rows are made, and can be deleted at any time: nothing in it
is needed to read a finished run. SQLite would be one file in place of many, but its locks fail on network homes.
"""

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import platformdirs

from labelscan.config import CacheConfig, fingerprint
from labelscan.events import Listener, Warned, ignore
from labelscan.files.reading import with_home
from labelscan.images.segment import PARTIAL, SUFFIX, Segment, write_whole
from labelscan.images.shelf import LABEL, NoRoom, Shelf

NONE = "none"
"""The folder of a cache that is not shared."""
FORMAT_VERSION = 1
"""The version of the files; shelves of another version are left to grow old."""
LEAST_FREE = 2**28
"""Bytes that a cache leaves free on its disk, beside what the run itself will write there."""
ABANDONED_SECONDS = 3600
"""The age of an unfinished file whose process must have been killed."""
_SHELF = re.compile(r"[a-z]+-[0-9a-f]{32}")
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# Made by labelscan; backups may leave this folder out.\n"
"""What https://bford.info/cachedir/ asks for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShelfFacts:
    """What there is to know of a shelf."""

    kind: str
    made_by: Mapping[str, object]
    n_examples: int
    """Rows; two runs that were made at once may have added the same."""
    n_bytes: int
    last_used: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _File:
    """A segment, by what the system knows of it."""

    path: Path
    n_bytes: int
    used_ns: int


class Cache:
    """A folder of shelves, of up to ``limit`` bytes; None is no limit.

    Any number of processes may use it at once, without a lock: each adds files of its own, which appear whole and never
    change. A row that another process has deleted is made again.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder, self.limit = folder, limit
        self._opened_ns = time.time_ns()

    @contextmanager
    def shelf(
        self, kind: str, made_by: Mapping[str, object], *, run_bytes: int = 0, notify: Listener = ignore
    ) -> Iterator[Shelf]:
        """Yield the rows of a kind that were made in one way; what the block adds is saved.

        Args:
            kind: such as ``features``.
            made_by: everything that a row depends on besides its image.
            run_bytes: what the run itself may still write to the disk, for which room is left.
            notify: is told when no more is added.
        """
        label = {"format_version": FORMAT_VERSION, "kind": kind, "made_by": made_by}

        def make_room(n_bytes: int) -> None:
            self._make_room(n_bytes)
            if shutil.disk_usage(self.folder).free - n_bytes < LEAST_FREE + run_bytes:
                raise NoRoom("the disk is nearly full")

        with Shelf(self.folder / f"{kind}-{fingerprint(label)}", label, make_room, notify) as shelf:
            yield shelf

    def shelves(self) -> list[ShelfFacts]:
        """Return the facts of all shelves that hold anything, the one used last first."""
        found = []
        for folder in self._folders():
            files, label = _files_in(folder), _read_label(folder)
            if not files:
                continue
            facts = ShelfFacts(
                kind=folder.name.partition("-")[0],
                made_by=label,
                n_examples=sum(_count_rows(file.path) for file in files),
                n_bytes=sum(file.n_bytes for file in files),
                last_used=max(file.used_ns for file in files) / 10**9,
            )
            found.append(facts)
        return sorted(found, key=lambda facts: -facts.last_used)

    def clear(self) -> int:
        """Delete all, and return how many bytes it took."""
        deleted = [file for file in self._files() if _delete(file.path)]
        for folder in self._folders():
            with contextlib.suppress(OSError):  # not empty: it holds files of others
                (folder / LABEL).unlink(missing_ok=True)
                folder.rmdir()
        return sum(file.n_bytes for file in deleted)

    def _make_room(self, n_bytes: int) -> None:
        """Delete what was not used for longest until ``n_bytes`` more fit, but nothing used since this was opened."""
        if self.limit is None:
            return
        files = sorted(self._files(), key=lambda file: file.used_ns)
        total = sum(file.n_bytes for file in files)
        for file in files if n_bytes <= self.limit else []:
            if total + n_bytes <= self.limit or file.used_ns >= self._opened_ns:
                break
            if _delete(file.path):
                total -= file.n_bytes
        if total + n_bytes > self.limit:
            raise NoRoom("what is in use takes all of cache.gigabytes")

    def _folders(self) -> list[Path]:
        found = sorted(self.folder.glob("*-*"))
        return [path for path in found if _SHELF.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]

    def _files(self) -> list[_File]:
        return [file for folder in self._folders() for file in _files_in(folder)]


@contextmanager
def open_cache(config: CacheConfig, private: Path, notify: Listener = ignore) -> Iterator[Cache]:
    """Yield the cache that the settings name.

    Where they name none, or it cannot be used, it is one of the run's own in the folder ``private``, which is deleted
    when the block ends without an error: an interrupted run goes on from there.
    """
    cache, folder = Cache(private), folder_of(config)
    if folder is not None:
        try:
            _make(folder)
            cache = Cache(folder, config.limit)
        except OSError as error:
            notify(Warned(f"the cache {folder} is left out: it cannot be written ({error.strerror or error})"))
    yield cache
    shutil.rmtree(private, ignore_errors=True)


def folder_of(config: CacheConfig) -> Path | None:
    """Return the folder that the settings name, or None for none, and for users without a home, as in containers."""
    if config.folder == NONE:
        return None
    if config.folder:
        return with_home(config.folder)
    try:
        usual = platformdirs.user_cache_path("labelscan", appauthor=False)
    except RuntimeError:  # as newer versions say that there is no home; older ones keep the ~
        return None
    return usual if usual.is_absolute() else None


def _make(folder: Path) -> None:
    """Make the folder of a cache, or raise OSError where nothing can be written there."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "CACHEDIR.TAG", [_TAG])  # not into a folder that may hold other things
    probe = folder / f"{uuid4().hex}{PARTIAL}"
    probe.touch(exist_ok=False)
    probe.unlink()


def _files_in(folder: Path) -> list[_File]:
    """Return the segments in the folder of a shelf; what killed processes have left unfinished is deleted."""
    files = []
    for path in folder.glob("*"):
        try:
            status = path.lstat()
        except OSError:
            continue  # deleted just now
        if path.suffix == SUFFIX:
            files.append(_File(path, status.st_size, status.st_mtime_ns))
        elif path.suffix == PARTIAL and time.time() - status.st_mtime > ABANDONED_SECONDS:
            _delete(path)
    return files


def _read_label(folder: Path) -> dict[str, object]:
    try:
        made_by = json.loads((folder / LABEL).read_bytes())["made_by"]
        return {**made_by}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # damaged; only people read it


def _count_rows(path: Path) -> int:
    try:
        segment = Segment.read(path)
    except OSError:
        segment = None
    return 0 if segment is None else segment.n_rows


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
