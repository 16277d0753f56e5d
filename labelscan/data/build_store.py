"""The images of a data set brought into a store: decoded by one thread a core, or taken from the cache."""

import math
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.config import StoreConfig
from labelscan.data.cache import Cache
from labelscan.data.cores import available_cores
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
from labelscan.data.inputs import Image, ImageSource
from labelscan.data.rows_file import rows_file
from labelscan.data.shelf import Shelf
from labelscan.data.store import Store, clear_store, decoder, digest_of
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted, ignore

BLOCK_BYTES = 1 << 20
MAX_BLOCK_ROWS = 256
SECONDS_BETWEEN_EVENTS = 0.1


@dataclass(slots=True)
class Block:
    """Some images that follow each other."""

    first: int
    pixels: NDArray[np.uint8]
    """(B, H, W, C); zeros where an image is unreadable."""
    decoded: Mask
    """(B,) which of them were decoded for it, and not found in the cache or in memory."""
    n_reused: int = 0


def build_store(
    source: ImageSource,
    shape: ImageShape,
    path: Path,
    *,
    cache: Cache,
    config: StoreConfig,
    max_pixels: int,
    notify: Listener = ignore,
) -> Store:
    """Write every image of ``source`` into the npy file ``path`` and return the finished store.

    Images that are in the cache, or in memory in the right shape, are not decoded. Memory stays constant in N. Only one
    process may build at a path, which the lock of the run folder ensures. Images of more than ``max_pixels`` are
    unreadable. An exception raised by ``notify`` stops the work, and leaves in the cache what was decoded.

    Raises:
        RunError: the store cannot be written, as when the disk is full.
    """
    started, n_images = time.monotonic(), len(source)
    notify(StepStarted("decode", n_images))
    clear_store(path)
    store = Store.empty(path, shape, source)
    made_by = {**decoder(shape), "max_pixels": max_pixels}
    n_bytes, n_reused = n_images * math.prod(shape), 0
    with cache.shelf("images", made_by, run_bytes=n_bytes, notify=notify) as shelf:
        blocks = _blocks(source, store, shelf, max_pixels, config.workers)
        with quiet_pillow(), closing(blocks), rows_file(path, n_images) as rows:
            for block in _reported(blocks, n_images, notify):
                rows.put(block.first, block.pixels)
                new = np.flatnonzero(block.decoded)
                shelf.add([store.digests[block.first + row].tobytes() for row in new], block.pixels[new])
                n_reused += block.n_reused
    store = replace(store, unreadable=dict(sorted(store.unreadable.items())))
    store.write()
    if n_reused:
        notify(Noted(f"{n_reused:,} of {n_images:,} decoded images are reused"))
    notify(StepDone("decode", time.monotonic() - started))
    return store


def _blocks(
    source: ImageSource, store: Store, shelf: Shelf, max_pixels: int, workers: int
) -> Generator[Block, None, None]:
    """Yield all rows in blocks, in the order in which threads finish them; close it to stop them.

    The threads also note in ``store`` what they find, each in rows of its own.
    """
    workers = workers or available_cores()
    size = min(max(BLOCK_BYTES // math.prod(store.shape), 1), MAX_BLOCK_ROWS)
    firsts = iter(range(0, len(source), size))
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    def read_from(first: int) -> Block:
        n_rows = min(size, len(source) - first)
        block = Block(first, np.zeros((n_rows, *store.shape), dtype=np.uint8), np.zeros(n_rows, dtype=np.bool_))
        for row in range(n_rows):
            if stop.is_set():
                break
            try:
                _read_image(source, store, shelf, max_pixels, block, row)
            except MemoryError:
                raise
            except Exception as error:  # whatever a reader's source or Pillow raises is the state of this one image
                store.unreadable[first + row] = reason(error)
        return block

    def submit(n_blocks: int) -> set[Future[Block]]:
        return {pool.submit(read_from, first) for first in islice(firsts, n_blocks)}

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


def _read_image(source: ImageSource, store: Store, shelf: Shelf, max_pixels: int, block: Block, row: int) -> None:
    """Fill a row of the block with an image that is decoded now, or was earlier."""
    index = block.first + row
    # Status before content: a file changed in between is then noticed later.
    store.file_sizes[index], store.modified[index] = check_file(source.file(index), max_pixels=max_pixels)
    content = source.read(index)
    digest = digest_of(content)
    store.digests[index] = np.frombuffer(digest, dtype=np.uint8)
    if not isinstance(content, bytes) and content.shape == store.shape:
        block.pixels[row] = content
    elif (known := shelf.get(digest)) is not None and known.size == block.pixels[row].size:
        block.pixels[row] = known.reshape(store.shape)
        block.n_reused += 1
    else:
        block.pixels[row] = _decode(content, store.shape, max_pixels)
        block.decoded[row] = True


def _decode(content: bytes | Image, shape: ImageShape, max_pixels: int) -> NDArray[np.uint8]:
    if isinstance(content, bytes):
        with open_image(content, max_pixels=max_pixels) as image:
            return resize(decode(image, fit=shape), shape)
    return resize(from_array(content), shape)


def _reported(blocks: Iterator[Block], n_images: int, notify: Listener) -> Iterator[Block]:
    reported, done = time.monotonic(), 0
    for block in blocks:
        yield block
        done += len(block.pixels)
        if time.monotonic() - reported >= SECONDS_BETWEEN_EVENTS or done == n_images:
            reported = time.monotonic()
            notify(StepAdvanced("decode", done))
