"""What models see of images, made once a run into one array on disk, which need not fit in memory.

Decoding a JPEG takes longer than a small model's training step on it; done once instead of once an epoch and
fold, it nearly vanishes. ``build_rows`` makes a store of pixels; of images that only frozen backbones see ``embed``
makes one of features, 30 times as small. Rows never shift: an unreadable image keeps its row (zeros) and its reason.
"""

import hashlib
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Mask
from labelscan.errors import StorageError
from labelscan.files.atomic import sweep, write_npz
from labelscan.files.npz import read_arrays
from labelscan.files.reading import CANNOT_READ
from labelscan.files.storage import READS_AT_ONCE
from labelscan.images.decoding import ImageShape
from labelscan.images.remote import read_each
from labelscan.images.segment import DIGEST_BYTES
from labelscan.images.sources import Image, ImageSource, UnreadableImage
from labelscan.processes.prefetch import Prefetch

FORMAT_VERSION = 2
"""The version of the side file and of the decoding rules; images of another version are decoded again."""

OF_EACH = ("digests", "file_sizes", "modified")
"""Attributes of a store with a value for each image."""
STATUS_BLOCK = 256
"""Files of which a thread asks one after another; a file system that many machines share answers each late."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """A row for each of N images in the npy file ``path``, with what is known of each in an npz file beside it."""

    path: Path
    shape: ImageShape
    """What the images were resized to."""
    digests: NDArray[np.uint8]
    """(N, 16) of the file's bytes, or of an array's shape and pixels; zeros where there was nothing to read."""
    unreadable: dict[int, str]
    """Row to reason, in the order of the rows; their rows are zeros."""
    file_sizes: NDArray[np.int64]
    """(N,) in bytes; -1 where it is not known, as without a file."""
    modified: NDArray[np.int64]
    """(N,) modification time in ns, or the mark of what is remote; -1 where there is neither."""
    paths_digest: NDArray[np.uint8]
    """(16,) of all paths in their order."""
    maker: str = ""
    """What computed features; pixels have none."""

    def __len__(self) -> int:
        """Return the number of images, including the unreadable ones."""
        return len(self.digests)

    def rows(self) -> NDArray[np.generic]:
        """Return (N, H, W, C) pixels or (N, D) features, mapped from disk: only what is touched takes memory."""
        rows: NDArray[np.generic] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return rows

    def finish(self) -> "Store":
        """Write the side file, which marks the store as finished, and return the store as it will be read."""
        store = replace(self, unreadable=dict(sorted(self.unreadable.items())))
        versions = {"format_version": np.array(FORMAT_VERSION), "shape": np.array(self.shape)}
        write_npz(_side_file(self.path), {**versions, **store.facts(), "paths_digest": self.paths_digest})
        return store

    def facts(self) -> dict[str, NDArray[Any]]:
        """Return what is known of each image, and of what computed its features, by name."""
        return {
            "maker": np.array(self.maker),
            "unreadable_rows": np.array(list(self.unreadable), dtype=np.int64),
            "unreadable_reasons": np.array(list(self.unreadable.values()), dtype=np.str_),
            **{name: getattr(self, name) for name in OF_EACH},
        }

    @classmethod
    def begin(cls, path: Path, shape: ImageShape, source: ImageSource, *, maker: str = "") -> "Store":
        """Return a store in which nothing is known yet of the images of ``source``; its arrays are to be filled.

        The remains of an earlier one are removed: a side file must never outlive its rows.
        """
        cls.forget(path)
        sweep(path.parent)
        return cls(
            path=path,
            shape=shape,
            digests=np.zeros((len(source), DIGEST_BYTES), dtype=np.uint8),
            unreadable={},
            file_sizes=np.full(len(source), -1, dtype=np.int64),
            modified=np.full(len(source), -1, dtype=np.int64),
            paths_digest=_digest_paths(source),
            maker=maker,
        )

    @classmethod
    def read(cls, path: Path, *, rows: bool = True) -> "Store | None":
        """Return the finished store at ``path``, or None. Without ``rows`` these may be gone."""
        try:
            content = read_arrays(_side_file(path))
            if int(content["format_version"]) != FORMAT_VERSION:
                return None
            unreadable, reasons = (content[f"unreadable_{name}"].tolist() for name in ("rows", "reasons"))
            store = cls(
                path=path,
                shape=ImageShape(*content["shape"].tolist()),
                maker=str(content["maker"]),
                unreadable=dict(zip(unreadable, reasons, strict=True)),
                **{name: content[name] for name in (*OF_EACH, "paths_digest")},
            )
            return store if not rows or len(store.rows()) == len(store) else None
        except (*CANNOT_READ, EOFError, KeyError, TypeError):  # the second of NumPy, for an empty file
            return None  # missing, or damaged by another program: it is built again

    @staticmethod
    def forget(path: Path) -> None:
        """Delete what is known of the images of the store at ``path``, so that it is made again."""
        _side_file(path).unlink(missing_ok=True)

    def changed(self, source: ImageSource, *, only_known: bool = False) -> Index:
        """Return the rows whose image is not the one that was stored; all rows if their number differs.

        A file of the same path, size and modification time is taken to be the same; others are read, or with
        ``only_known`` those alone of which that was known.
        """
        if len(source) != len(self):
            return np.arange(len(source), dtype=np.int64)
        # What could not be read before may be readable now, without a trace in its status.
        nothing: Mask = (self.digests == 0).all(axis=1)
        has_paths = np.array_equal(self.paths_digest, _digest_paths(source))
        known = np.flatnonzero(~nothing & (self.file_sizes >= 0) & has_paths)
        same = np.zeros(len(self), dtype=bool)
        same[known] = self._have_same_status(source, known)
        rows = (known[~same[known]] if only_known else np.flatnonzero(~same)).tolist()
        read = zip(rows, read_each(source, lambda row: _read_digest(source, row), rows), strict=True)
        return np.array([row for row, digest in read if digest != self.digests[row].tobytes()], np.int64)

    def _have_same_status(self, source: ImageSource, rows: Index) -> list[bool]:
        """Return of some images whether their size and time are what they were."""
        blocks = np.split(rows, range(STATUS_BLOCK, len(rows), STATUS_BLOCK))
        with Prefetch(READS_AT_ONCE, "status") as threads:
            answers = threads.results(lambda block: [self._has_same_status(source, row) for row in block], blocks)
            return list(chain.from_iterable(answers))

    def _has_same_status(self, source: ImageSource, row: int) -> bool:
        try:
            known = source.status(row)
        except (OSError, UnreadableImage):
            return False
        return known.mark >= 0 and (known.size, known.mark) == (self.file_sizes[row], self.modified[row])


def digest_of(content: bytes | Image) -> bytes:
    """Return 16 bytes that change with those of a file, or with the shape or pixels of an array."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    if isinstance(content, bytes):
        digest.update(content)
    else:
        digest.update(repr(content.shape).encode())
        digest.update(np.ascontiguousarray(content).data)
    return digest.digest()


def _read_digest(source: ImageSource, row: int) -> bytes:
    try:
        return digest_of(source.read(row))
    except StorageError:
        raise
    except Exception:  # as in ImageBlocks: whatever is raised, there is nothing to read
        return bytes(DIGEST_BYTES)


def _digest_paths(source: ImageSource) -> NDArray[np.uint8]:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for row in range(len(source)):
        digest.update(source.path(row).encode("utf-8", "surrogateescape") + b"\0")
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _side_file(path: Path) -> Path:
    return path.with_suffix(".npz")
