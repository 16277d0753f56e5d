"""The pixels of a data set brought into a store: decoded, or taken from the cache."""

import math
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted, ignore
from labelscan.files.rows_file import rows_file
from labelscan.images.blocks import Block, ImageBlocks
from labelscan.images.cache import Cache
from labelscan.images.store import Store

SECONDS_BETWEEN_EVENTS = 0.1


def build_rows(images: ImageBlocks, path: Path, *, cache: Cache, notify: Listener = ignore) -> Store:
    """Write the pixels of all images into the npy file ``path`` and return the finished store.

    Images that are in the cache, or in memory in the right shape, are not decoded. One process at a time builds at a
    path, which its caller ensures. An exception raised by ``notify`` stops the work, and leaves in the cache what was
    decoded.

    Raises:
        RunError: the store cannot be written, as when the disk is full.
    """
    started, n_images, n_reused = time.monotonic(), len(images), 0
    notify(StepStarted("decode", n_images))
    store = Store.begin(path, images.shape, images.source)
    n_bytes = n_images * math.prod(images.shape)
    with (
        cache.shelf("images", images.made_by, run_bytes=n_bytes, notify=notify) as shelf,
        rows_file(path, n_images) as rows,
        closing(images.read(store, shelf)) as blocks,
    ):
        for block in _reported(blocks, n_images, notify):
            for row, pixels in block.known.items():
                block.pixels[row] = pixels.reshape(images.shape)
            rows.put(block.first, block.pixels)
            made = np.flatnonzero(block.made)
            shelf.add([store.digests[block.first + row].tobytes() for row in made], block.pixels[made])
            n_reused += len(block.known)
    store = store.finish()
    if n_reused:
        notify(Noted(f"{n_reused:,} of {n_images:,} decoded images are reused"))
    notify(StepDone("decode", time.monotonic() - started))
    return store


def _reported(blocks: Iterator[Block], n_images: int, notify: Listener) -> Iterator[Block]:
    reported, done = time.monotonic(), 0
    for block in blocks:
        yield block
        done += len(block.pixels)
        if time.monotonic() - reported >= SECONDS_BETWEEN_EVENTS or done == n_images:
            reported = time.monotonic()
            notify(StepAdvanced("decode", done))
