"""Decoded images and features that all runs share: a second loss, seed or version of the labels makes only what is new.

A cache is a folder of shelves, one for each way in which rows are made, such as all images of one size. A row is found
by the digest of what it came from, so that order, subsets and supersets do not matter. What is new is written every 20
seconds or 32 MB, and when the work is interrupted: no more than that is lost. A cache can be deleted at any time:
nothing in it is needed to read a finished run. SQLite would be one file in place of many, but its locks fail on network
homes.
"""

import contextlib
import json
import os
import re
import shutil
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from uuid import uuid4

import numpy as np
import platformdirs
from numpy.typing import NDArray

from labelscan.config import CacheConfig, fingerprint
from labelscan.events import Listener, Noted, Warned, ignore
from labelscan.files.reading import with_home
from labelscan.images.segment import (
    BYTES_BESIDE_A_ROW,
    DIGEST_BYTES,
    PARTIAL,
    SUFFIX,
    Segment,
    write_segment,
    write_whole,
)

NONE = "none"
"""The folder of a cache that is not shared."""
FORMAT_VERSION = 1
"""The version of the files; shelves of another version are left to grow old."""
LEAST_FREE = 2**28
"""Bytes that a cache leaves free on its disk, beside what the run itself will write there."""
ABANDONED_SECONDS = 3600
"""The age of an unfinished file whose process must have been killed."""
SAVE_SECONDS = 20.0
"""The most work that is lost when the process is killed."""
SEGMENT_BYTES = 32 * 2**20
"""What is kept in memory before it is written."""
LABEL = "shelf.json"
"""The file that says how the rows of a shelf were made."""
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


class Cache:
    """A folder of shelves, of up to ``limit`` bytes; None is no limit.

    Any number of processes may use it at once, without a lock: each adds files of its own, which appear whole and never
    change. A row that another process has deleted is made again.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder, self.limit = folder, limit
        self._opened_ns = time.time_ns()

    def shelf(
        self, kind: str, made_by: Mapping[str, object], *, run_bytes: int = 0, notify: Listener = ignore
    ) -> "Shelf":
        """Return the rows of a kind that were made in one way, as a context that saves what is added.

        Args:
            kind: such as ``features``.
            made_by: everything that a row depends on besides its image.
            run_bytes: what the run itself may still write to the disk, for which room is left.
            notify: receives a note or a warning when no more is added.
        """
        return Shelf(self, {"format_version": FORMAT_VERSION, "kind": kind, "made_by": made_by}, run_bytes, notify)

    def shelves(self) -> list[ShelfFacts]:
        """Return the facts of all shelves that hold anything, the one used last first."""
        found = []
        for folder in self._folders():
            n_examples = sum(len(segment.digests) for segment in _segments_in(folder))
            if files := _files_in(folder):
                facts = ShelfFacts(
                    kind=folder.name.partition("-")[0],
                    made_by=_read_label(folder),
                    n_examples=n_examples,
                    n_bytes=sum(n_bytes for _, n_bytes, _ in files),
                    last_used=max(used_ns for used_ns, _, _ in files) / 10**9,
                )
                found.append(facts)
        return sorted(found, key=lambda facts: -facts.last_used)

    def clear(self) -> int:
        """Delete all, and return how many bytes it took."""
        n_deleted = sum(n_bytes for _, n_bytes, path in self._files() if _delete(path))
        for folder in self._folders():
            with contextlib.suppress(OSError):  # not empty: it holds files that are not ours
                (folder / LABEL).unlink(missing_ok=True)
                folder.rmdir()
        return n_deleted

    def why_no_room(self, n_bytes: int, run_bytes: int) -> str:
        """Return why ``n_bytes`` more may not be added, or an empty text.

        What was not used for longest is deleted until they fit, but nothing used since this was opened, and nothing
        for what will never fit. The ``run_bytes`` of the run must fit on the disk too.
        """
        if self.limit is not None:
            files = sorted(self._files())
            total = n_bytes + sum(size for _, size, _ in files)
            for used_ns, size, path in files if n_bytes <= self.limit else []:
                if total <= self.limit or used_ns >= self._opened_ns:
                    break
                if _delete(path):
                    total -= size
            if total > self.limit:
                return "what is in use takes all of cache.gigabytes"
        is_full = shutil.disk_usage(self.folder).free - n_bytes < LEAST_FREE + run_bytes
        return "the disk is nearly full" if is_full else ""

    def _folders(self) -> list[Path]:
        found = sorted(self.folder.glob("*-*"))
        return [path for path in found if _SHELF.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]

    def _files(self) -> list[tuple[int, int, Path]]:
        return [file for folder in self._folders() for file in _files_in(folder)]


class Shelf:
    """Rows by the digest of what each was made from; as a context it saves what was added, also after an error.

    Nothing that happens to its files ends a run: rows that cannot be read are missing, and where one cannot be
    written, no more are.

    Args:
        cache: the folder of its files is made there with the first of them.
        label: how its rows are made; the name of that folder changes with it.
        run_bytes: what the run itself may still write to the disk.
        notify: receives a note or a warning when no more is added.
    """

    def __init__(self, cache: Cache, label: Mapping[str, object], run_bytes: int, notify: Listener) -> None:
        self._cache, self._label, self._run_bytes, self._notify = cache, label, run_bytes, notify
        self._folder = cache.folder / f"{label['kind']}-{fingerprint(label)}"
        self._segments = _segments_in(self._folder)
        self._starts = [0, *accumulate(len(segment.digests) for segment in self._segments)]
        no_digests = np.empty((0, DIGEST_BYTES), dtype=np.uint8)
        keys = np.concatenate([no_digests, *(one.digests for one in self._segments)]).view(f"S{DIGEST_BYTES}")[:, 0]
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._used: set[Path] = set()
        self._new: list[tuple[bytes, bytes]] = []
        self._new_bytes, self._saved, self._adds = 0, time.monotonic(), True

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(self, *error: object) -> None:
        self._save()

    def get(self, digest: bytes) -> NDArray[np.uint8] | None:
        """Return the bytes of a row, or None where there is none; several threads may ask at once."""
        first, last = (self._keys.searchsorted(digest, side) for side in ("left", "right"))
        rows = (self._read(place, digest) for place in self._order[first:last].tolist())
        return next((row for row in rows if row is not None), None)

    def add(self, digests: Sequence[bytes], rows: NDArray[np.generic]) -> None:
        """Add (M, ...) rows of the shape and type that all rows of this shelf have."""
        if not self._adds:
            return
        self._new += [(digest, row.tobytes()) for digest, row in zip(digests, rows, strict=True)]
        self._new_bytes += rows.nbytes + len(rows) * BYTES_BESIDE_A_ROW
        if self._new_bytes >= SEGMENT_BYTES or time.monotonic() - self._saved >= SAVE_SECONDS:
            self._save()

    def _read(self, place: int, digest: bytes) -> NDArray[np.uint8] | None:
        number = bisect_right(self._starts, place) - 1
        segment = self._segments[number]
        try:
            row = segment.row(place - self._starts[number], digest)
        except OSError:
            return None  # deleted since, or unreadable for now
        if row is None:
            _delete(segment.path)  # all of it: a damaged file is not to be trusted
        elif segment.path not in self._used:
            self._used.add(segment.path)
            _touch(segment.path)
        return row

    def _save(self) -> None:
        if not self._new:
            return
        digests, rows = zip(*self._new, strict=True)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._folder.is_symlink():  # another user may have put it in place of the folder
                raise OSError(f"{self._folder} is a link")
            if why := self._cache.why_no_room(self._new_bytes, self._run_bytes):
                self._adds = False
                self._notify(Noted(f"no more is added to the cache: {why}"))
            else:
                if not (self._folder / LABEL).is_file():
                    write_whole(self._folder / LABEL, [json.dumps(self._label, indent=2).encode()])
                _touch(write_segment(self._folder, digests, rows))
        except OSError as error:
            self._adds = False
            self._notify(Warned(f"no more is added to the cache: {error.strerror or error}"))
        self._new, self._new_bytes, self._saved = [], 0, time.monotonic()


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


def _segments_in(folder: Path) -> list[Segment]:
    """Return the whole segments of a shelf; damaged ones are deleted."""
    segments = []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if not folder.is_symlink() else []:
        with contextlib.suppress(OSError):  # deleted just now, a link, or another user's
            if (segment := Segment.read(path)) is None:
                _delete(path)
            else:
                segments.append(segment)
    return segments


def _touch(path: Path) -> None:
    """Note that a segment is used: its modification time says when it last was."""
    now = time.time_ns()  # of this machine, and not of a file server
    with contextlib.suppress(OSError):
        os.utime(path, ns=(now, now))


def _files_in(folder: Path) -> list[tuple[int, int, Path]]:
    """Return of each segment of a shelf when it was last used, in ns, its size in bytes and its path.

    What killed processes have left unfinished is deleted.
    """
    files = []
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):  # deleted just now
            status = path.lstat()
            if path.suffix == SUFFIX:
                files.append((status.st_mtime_ns, status.st_size, path))
            elif path.suffix == PARTIAL and time.time() - status.st_mtime > ABANDONED_SECONDS:
                _delete(path)
    return files


def _read_label(folder: Path) -> dict[str, object]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # damaged; only people read it
        return {**json.loads((folder / LABEL).read_bytes())["made_by"]}
    return {}


def _delete(path: Path) -> bool:
    with contextlib.suppress(OSError):
        path.unlink()
        return True
    return False
