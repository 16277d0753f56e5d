"""Images read block by block, by one thread a core or more: decoded, unless the cache knows their content."""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import features

from labelscan.arrays import Mask
from labelscan.errors import StorageError
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted, ignore
from labelscan.files.rows_file import rows_file
from labelscan.images import jpeg
from labelscan.images.cache import Cache, Shelf
from labelscan.images.decoding import ImageShape, pixels_of, quiet_pillow, reason, resize
from labelscan.images.sources import Image, ImageArray, ImageSource, check_image
from labelscan.images.store import FORMAT_VERSION, Store, digest_of
from labelscan.processes.cores import available_cores
from labelscan.processes.prefetch import Prefetch

BLOCK_BYTES = 1 << 20
MAX_BLOCK_ROWS = 256
SECONDS_BETWEEN_EVENTS = 0.1


@dataclass(slots=True)
class Block:
    """Some images that follow each other."""

    first: int
    pixels: NDArray[np.uint8]
    """(B, H, W, C); zeros where an image is unreadable or known."""
    made: Mask
    """(B,) whose pixels were made for it: decoded, or resized."""
    known: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """The bytes that the cache has for images, by row of the block."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageBlocks:
    """The images of a source as models see them.

    Args:
        source: N images.
        shape: what each is resized to.
        max_pixels: images of more are unreadable.
        workers: threads that read and decode; 0 is one a core, and more where images come over a network.
        most_rows: how many images a block has at most; 0 is as many as usual.
    """

    source: ImageSource
    shape: ImageShape
    max_pixels: int
    workers: int = 0
    most_rows: int = 0

    def __len__(self) -> int:
        return len(self.source)

    @property
    def are_there(self) -> bool:
        """Return whether all pixels are in memory in the shape that is wanted, so that nothing is to be made."""
        return isinstance(self.source, ImageArray) and self.source.images.shape[1:] == self.shape

    @property
    def made_by(self) -> dict[str, object]:
        """Return what the pixels depend on besides the contents of the images, and which of them can be read."""
        import torch

        return {
            "size": " x ".join(map(str, self.shape)),
            "decoder": FORMAT_VERSION,
            "pillow": PIL.__version__,
            "simplejpeg": jpeg.VERSION,
            "jpeg": str(features.version("jpg")),
            "torch": torch.__version__,
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "max_pixels": self.max_pixels,
        }

    def read(self, store: Store, shelf: Shelf) -> Generator[Block, None, None]:
        """Yield all images in their order, and note in ``store`` what is found; close it to stop the threads.

        Images whose content ``shelf`` knows are not decoded. Memory stays constant in N.
        """
        n_threads = self.workers or max(available_cores(), self.source.reads_at_once)
        rows = min(max(BLOCK_BYTES // math.prod(self.shape), 1), self.most_rows or MAX_BLOCK_ROWS)
        if self.source.reads_at_once:  # a block is read one image after another: each thread gets one
            rows = min(rows, math.ceil(len(self) / n_threads))
        with quiet_pillow(), _one_core_each(), Prefetch(n_threads, "decode") as threads:

            def read_from(first: int) -> Block:
                size = min(rows, len(self) - first)
                block = Block(first, np.zeros((size, *self.shape), dtype=np.uint8), np.zeros(size, dtype=np.bool_))
                for row in range(size):
                    if threads.stopped.is_set():
                        break
                    try:
                        self._read_image(store, shelf, block, row)
                    except (MemoryError, StorageError):  # no state of an image
                        raise
                    except Exception as error:  # whatever a source or Pillow raises is the state of this one image
                        store.unreadable[first + row] = reason(error)
                return block

            yield from threads.results(read_from, range(0, len(self), rows))

    def _read_image(self, store: Store, shelf: Shelf, block: Block, row: int) -> None:
        """Fill a row of the block; threads do so at once, each in rows of its own."""
        index = block.first + row
        # Status before content: a file changed in between is then noticed later.
        known_of_file = check_image(self.source, index, max_pixels=self.max_pixels)
        store.file_sizes[index], store.modified[index] = known_of_file.size, known_of_file.mark
        content = self.source.read(index)
        digest = digest_of(content)
        store.digests[index] = np.frombuffer(digest, dtype=np.uint8)
        if (known := shelf.get(digest)) is not None:
            block.known[row] = known
        elif not isinstance(content, bytes) and content.shape == self.shape:
            block.pixels[row] = content
        else:
            block.pixels[row] = _decode(content, self.shape, self.max_pixels)
            block.made[row] = True


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


@contextmanager
def _one_core_each() -> Iterator[None]:
    """Keep torch from threads of its own within each of those that decode, which it has where AVX2 is missing."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _decode(content: bytes | Image, shape: ImageShape, max_pixels: int) -> NDArray[np.uint8]:
    return pixels_of(content, shape, max_pixels=max_pixels) if isinstance(content, bytes) else resize(content, shape)


def _reported(blocks: Iterator[Block], n_images: int, notify: Listener) -> Iterator[Block]:
    reported, done = time.monotonic(), 0
    for block in blocks:
        yield block
        done += len(block.pixels)
        if time.monotonic() - reported >= SECONDS_BETWEEN_EVENTS or done == n_images:
            reported = time.monotonic()
            notify(StepAdvanced("decode", done))
