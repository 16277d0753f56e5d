"""Rows of the cache that were made in the same way, such as all images of one size, each found by what it came from.

Rows are looked up by the digest of an image, so that their order, subsets and supersets do not matter. What is new is
written every 20 seconds or 32 MB, and when the work is interrupted: no more than that is lost.
"""

import contextlib
import json
import os
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.events import Listener, Noted, Warned
from labelscan.images.segment import BYTES_BESIDE_A_ROW, DIGEST_BYTES, SUFFIX, Segment, write_segment, write_whole

SAVE_SECONDS = 20.0
"""The most work that is lost when the process is killed."""
SEGMENT_BYTES = 32 * 2**20
"""What is kept in memory before it is written."""
LABEL = "shelf.json"
"""The file that says how the rows of a shelf were made."""


class NoRoom(Exception):  # noqa: N818  # a state of the cache, which is no error of a run
    """Nothing may be added; its text says why."""


class Shelf:
    """Rows by the digest of what each was made from; as a context it saves what was added, also after an error.

    Nothing that happens to its files ends a run: rows that cannot be read are missing, and where one cannot be
    written, no more are.

    Args:
        folder: its files; made with the first of them.
        label: how its rows were made, for people.
        make_room: is told how many bytes will be written, and raises NoRoom or OSError where they may not be.
        notify: is told when no more is added.
    """

    def __init__(
        self, folder: Path, label: Mapping[str, object], make_room: Callable[[int], None], notify: Listener
    ) -> None:
        self._folder, self._label, self._make_room, self._notify = folder, label, make_room, notify
        self._segments, digests = _segments_in(folder)
        self._starts = [0, *accumulate(segment.n_rows for segment in self._segments)]
        self._digests = np.concatenate([np.empty((0, DIGEST_BYTES), dtype=np.uint8), *digests])
        keys = np.ascontiguousarray(self._digests[:, :8]).view("<u8")[:, 0]
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
        key = np.uint64(int.from_bytes(digest[:8], "little"))
        first = int(self._keys.searchsorted(key))
        for position in range(first, len(self._keys)):
            if self._keys[position] != key:
                break
            place = int(self._order[position])
            if self._digests[place].tobytes() == digest and (row := self._read(place, digest)) is not None:
                return row
        return None

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
            make_own_folder(self._folder)
            self._make_room(self._new_bytes)
            if not (self._folder / LABEL).is_file():
                write_whole(self._folder / LABEL, [json.dumps(self._label, indent=2).encode()])
            _touch(write_segment(self._folder, digests, rows))
        except NoRoom as reason:
            self._adds = False
            self._notify(Noted(f"no more is added to the cache: {reason}"))
        except OSError as error:
            self._adds = False
            self._notify(Warned(f"no more is added to the cache: {error.strerror or error}"))
        self._new, self._new_bytes, self._saved = [], 0, time.monotonic()


def make_own_folder(path: Path) -> None:
    """Make a folder inside a cache, or raise OSError where another user could have put a link in its place."""
    path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise OSError(f"{path} is a link")


def _segments_in(folder: Path) -> tuple[list[Segment], list[NDArray[np.uint8]]]:
    """Return the whole segments of a shelf and their digests, oldest first; damaged ones are deleted."""
    segments, digests = [], []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if not folder.is_symlink() else []:
        try:
            segment = Segment.read(path)
            found = None if segment is None else segment.digests()
        except OSError:
            continue  # deleted just now, a link, or another user's
        if segment is None or found is None:
            _delete(path)
            continue
        segments.append(segment)
        digests.append(found)
    return segments, digests


def _touch(path: Path) -> None:
    """Note that a segment is used: its modification time says when it last was."""
    now = time.time_ns()  # of this machine, and not of a file server
    with contextlib.suppress(OSError):
        os.utime(path, ns=(now, now))


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
