"""Images decoded once a run into one uint8 array on disk, which need not fit in memory.

Decoding a JPEG takes longer than a small model's training step on it; done once instead of once an epoch and
fold, it nearly vanishes. Rows never shift: an unreadable image keeps its row (zeros) and its reason.
"""

import hashlib
import math
import os
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Mask
from labelscan.atomic import partial_of, write_npz, writing
from labelscan.config import StoreConfig
from labelscan.data.cores import available_cores
from labelscan.data.dataset import Image, ImageSource
from labelscan.data.decoding import (
    ImageShape,
    check_file,
    decode,
    from_array,
    open_image,
    quiet_pillow,
    reason,
    resize,
)
from labelscan.errors import RunError
from labelscan.events import Listener, StepAdvanced, StepDone, StepStarted, ignore

FORMAT_VERSION = 1
"""The version of the side file and of the decoding rules; a store of another version is built again."""
DIGEST_BYTES = 16
BLOCK_BYTES = 1 << 20
MAX_BLOCK_ROWS = 256
SECONDS_BETWEEN_EVENTS = 0.1

_ARRAYS = ("digests", "file_sizes", "modified", "paths_digest")
"""Attributes of a store that its side file holds as they are."""

Block: TypeAlias = tuple[int, NDArray[np.uint8]]
"""The first of some rows, and their (B, H, W, C) pixels."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """N decoded images in the npy file ``path``, with what is known of each in an npz file beside it."""

    path: Path
    shape: ImageShape
    digests: NDArray[np.uint8]
    """(N, 16) of the file's bytes, or of an array's shape and pixels; zeros where there was nothing to read."""
    unreadable: dict[int, str]
    """Row to reason, in the order of the rows; their pixels are zeros."""
    file_sizes: NDArray[np.int64]
    """(N,) in bytes; -1 where there is no file."""
    modified: NDArray[np.int64]
    """(N,) modification time in ns; -1 where there is no file."""
    paths_digest: NDArray[np.uint8]
    """(16,) of all paths in their order."""

    def __len__(self) -> int:
        """Return the number of images, including the unreadable ones."""
        return len(self.digests)

    def images(self) -> NDArray[np.uint8]:
        """Return (N, H, W, C), mapped from disk: only what is touched takes memory."""
        images: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return images

    def write(self) -> None:
        """Write the side file, which marks the store as finished."""
        write_npz(
            _side_file(self.path),
            {
                "format_version": np.array(FORMAT_VERSION),
                "shape": np.array(self.shape),
                "unreadable_rows": np.array(list(self.unreadable), dtype=np.int64),
                "unreadable_reasons": np.array(list(self.unreadable.values()), dtype=np.str_),
                **{name: getattr(self, name) for name in _ARRAYS},
            },
        )

    @classmethod
    def empty(cls, path: Path, shape: ImageShape, source: ImageSource) -> "Store":
        """Return a store in which nothing is known yet of the images of ``source``; its arrays are to be filled."""
        return cls(
            path=path,
            shape=shape,
            digests=np.zeros((len(source), DIGEST_BYTES), dtype=np.uint8),
            unreadable={},
            file_sizes=np.full(len(source), -1, dtype=np.int64),
            modified=np.full(len(source), -1, dtype=np.int64),
            paths_digest=_digest_paths(source),
        )

    @classmethod
    def read(cls, path: Path, *, pixels: bool = True) -> "Store | None":
        """Return the finished store at ``path``, or None. Without ``pixels`` its images may be gone."""
        try:
            # Opened here: np.load does not close a file that it cannot read.
            with _side_file(path).open("rb") as file, np.load(file, allow_pickle=False) as side:
                content = {name: side[name] for name in side.files}
            if int(content["format_version"]) != FORMAT_VERSION:
                return None
            rows, reasons = (content[f"unreadable_{name}"].tolist() for name in ("rows", "reasons"))
            store = cls(
                path=path,
                shape=ImageShape(*content["shape"].tolist()),
                unreadable=dict(zip(rows, reasons, strict=True)),
                **{name: content[name] for name in _ARRAYS},
            )
            return store if not pixels or store.images().shape == (len(store), *store.shape) else None
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
            return None  # missing, or damaged by another program: it is built again

    def changed(self, source: ImageSource) -> Index:
        """Return the rows whose image is not the one that was stored; all rows if their number differs.

        A file of the same path, size and modification time is taken to be the same; others are read.
        """
        if len(source) != len(self):
            return np.arange(len(source), dtype=np.int64)
        moved = not np.array_equal(self.paths_digest, _digest_paths(source))
        # What could not be read before may be readable now, without a trace in its status.
        nothing: Mask = (self.digests == 0).all(axis=1)
        rows = [
            row
            for row in range(len(self))
            if moved or nothing[row] or self.file_sizes[row] < 0 or not self._same_status(source, row)
        ]
        return np.array([row for row in rows if _read_digest(source, row) != self.digests[row].tobytes()], np.int64)

    def _same_status(self, source: ImageSource, row: int) -> bool:
        file = source.file(row)
        try:
            status = file.stat() if file is not None else None
        except OSError:
            return False
        return status is not None and (status.st_size, status.st_mtime_ns) == (self.file_sizes[row], self.modified[row])


def build_store(
    source: ImageSource,
    shape: ImageShape,
    path: Path,
    *,
    config: StoreConfig,
    max_pixels: int,
    notify: Listener = ignore,
) -> Store:
    """Decode every image of ``source`` into the npy file ``path`` and return the finished store.

    Memory stays constant in N. Only one process may build at a path, which the lock of the run folder ensures. Images
    of more than ``max_pixels`` are unreadable. An exception raised by ``notify`` stops the work and leaves no file.

    Raises:
        RunError: the store cannot be written, as when the disk is full.
    """
    started = time.monotonic()
    n_images = len(source)
    notify(StepStarted("decode", n_images))
    _clear(path)
    store = Store.empty(path, shape, source)
    with (
        quiet_pillow(),
        closing(_decoded(source, store, max_pixels, config.workers)) as blocks,
        partial_of(path) as partial,
        partial.open("wb") as file,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (n_images, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for first, pixels in _reported(blocks, n_images, notify):
            _write(file, start + first * pixels[0].nbytes, pixels.data)
        os.fsync(file.fileno())
    store = replace(store, unreadable=dict(sorted(store.unreadable.items())))
    store.write()
    notify(StepDone("decode", time.monotonic() - started))
    return store


def _decoded(source: ImageSource, store: Store, max_pixels: int, workers: int) -> Generator[Block, None, None]:
    """Yield all rows in blocks, in the order in which threads finish them; close it to stop them.

    The threads also note in ``store`` what they find, each in rows of its own.
    """
    workers = workers or available_cores()
    rows = min(max(BLOCK_BYTES // math.prod(store.shape), 1), MAX_BLOCK_ROWS)
    firsts = iter(range(0, len(source), rows))
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    def decode_from(first: int) -> Block:
        block = range(first, min(first + rows, len(source)))
        pixels = np.zeros((len(block), *store.shape), dtype=np.uint8)
        for position, row in enumerate(block):
            if stop.is_set():
                break
            try:
                pixels[position] = _read_image(source, row, store, max_pixels)
            except MemoryError:
                raise
            except Exception as error:  # whatever a reader's source or Pillow raises is the state of this one image
                store.unreadable[row] = reason(error)
        return first, pixels

    def submit(n_blocks: int) -> set[Future[Block]]:
        return {pool.submit(decode_from, first) for first in islice(firsts, n_blocks)}

    try:
        waiting = submit(2 * workers)  # bounded: what is decoded but not yet written takes memory
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            waiting |= submit(len(finished))
            while finished:
                yield finished.pop().result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _read_image(source: ImageSource, row: int, store: Store, max_pixels: int) -> NDArray[np.uint8]:
    # Status before content: a file changed in between is then noticed later.
    store.file_sizes[row], store.modified[row] = check_file(source.file(row), max_pixels=max_pixels)
    content = source.read(row)
    store.digests[row] = np.frombuffer(_digest(content), dtype=np.uint8)
    if isinstance(content, bytes):
        with open_image(content, max_pixels=max_pixels) as image:
            return resize(decode(image, fit=store.shape), store.shape)
    return content if content.shape == store.shape else resize(from_array(content), store.shape)


def _digest(content: bytes | Image) -> bytes:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    if isinstance(content, bytes):
        digest.update(content)
    else:
        digest.update(repr(content.shape).encode())
        digest.update(np.ascontiguousarray(content).data)
    return digest.digest()


def _read_digest(source: ImageSource, row: int) -> bytes:
    try:
        return _digest(source.read(row))
    except Exception:  # as in _decoded: whatever is raised, there is nothing to read
        return bytes(DIGEST_BYTES)


def _digest_paths(source: ImageSource) -> NDArray[np.uint8]:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for row in range(len(source)):
        digest.update(source.path(row).encode("utf-8", "surrogateescape") + b"\0")
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _reported(blocks: Iterator[Block], n_images: int, notify: Listener) -> Iterator[Block]:
    reported, done = time.monotonic(), 0
    for block in blocks:
        yield block
        done += len(block[1])
        if time.monotonic() - reported >= SECONDS_BETWEEN_EVENTS or done == n_images:
            reported = time.monotonic()
            notify(StepAdvanced("decode", done))


def _write(file: BinaryIO, position: int, content: bytes | memoryview) -> None:
    try:
        with writing(Path(file.name)):
            file.seek(position)
            file.write(content)
            file.flush()
    except OSError as error:
        raise RunError(f"the decoded images cannot be written ({error.strerror})", where=file.name) from error


def _clear(path: Path) -> None:
    """Remove the remains of an earlier build: a side file must never outlive its images."""
    _side_file(path).unlink(missing_ok=True)
    for left_over in path.parent.glob(f".{path.name}.*.partial"):  # of a process that was killed
        left_over.unlink(missing_ok=True)


def _side_file(path: Path) -> Path:
    return path.with_suffix(".npz")
