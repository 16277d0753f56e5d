"""Features of a frozen pretrained backbone, computed once, so that cross-validation only trains heads.

They come from the images in one stream, without a store of pixels, and a run spends nearly all its time on them. So
they go through the cache: an interrupted run resumes within them, and a second loss, seed or version of the labels
decodes and computes only images that are new.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from labelscan.arrays import Index
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted
from labelscan.files.rows_file import RowsFile, rows_file
from labelscan.images.blocks import Block, ImageBlocks
from labelscan.images.cache import Cache, Shelf
from labelscan.images.decoding import ImageShape
from labelscan.images.store import Store
from labelscan.processes.cores import available_cores
from labelscan.processes.prefetch import Prefetch
from labelscan.training.batches import Normalisation
from labelscan.training.device import Device, all_gpus, make_network, reproducible
from labelscan.training.engines import Engine, EngineChoice, make_engine
from labelscan.training.gpu_memory import gpu_memory_returned
from labelscan.training.models import Backbone

THREADS_A_GPU = 2
"""One makes a batch ready and puts features away while the GPU computes those of the other."""
Batch: TypeAlias = tuple[Index, NDArray[np.uint8]]
"""(M,) rows and (B, H, W, C) pixels, of which those after the first M are filling."""


def embed(
    images: ImageBlocks,
    backbone: Backbone,
    path: Path,
    *,
    cache: Cache,
    mirror: bool,
    device: Device,
    choice: EngineChoice,
    notify: Listener,
) -> Store:
    """Write the (N, D) float32 features of all images to the npy file ``path`` and return the finished store.

    Those of unreadable images are zeros. With ``mirror`` they are the mean over an image and its mirror image. On the
    CPU every core takes batches of its own with one thread each: that wastes less than splitting each convolution among
    the cores, above all where other programs use them too. The threads that decode share the cores with these and are
    a few images ahead, so that no core is idle whichever step takes longer. Where ``device`` stands for all GPUs, each
    has the network and takes batches in turn. Memory stays constant in N.
    """
    started = time.monotonic()
    notify(StepStarted("features", len(images)))
    store = Store.begin(path, images.shape, images.source, maker=maker_of(choice, device))
    with reproducible(0, threads=1), gpu_memory_returned():
        height, width, channels = images.shape
        extractors = []
        for gpu in all_gpus(device):
            network = make_network(backbone.make_features, gpu, seed=0).eval()
            engine = make_engine(network, (channels, height, width), gpu, choice, cache=cache, notify=notify)
            extractors.append(_Extractor(engine, backbone.scale, images.shape, gpu, mirror=mirror))
        made_by = {  # what features depend on besides the contents of the images
            "backbone": getattr(backbone, "name", type(backbone).__name__),  # which those of other packages may lack
            "scale": backbone.scale,
            "mirrored": mirror,
            **engine.facts,
            **images.made_by,
        }
        n_threads = available_cores() if device.kind == "cpu" else THREADS_A_GPU * len(extractors)
        with (
            cache.shelf("features", made_by, notify=notify) as shelf,
            rows_file(path, len(images)) as file,
            closing(images.read(store, shelf)) as blocks,
            Prefetch(n_threads, "features") as threads,
        ):
            rows = _Rows(file, store, shelf, notify)
            batches = _batches(rows.unknown(blocks), engine.batch_size)
            turns = zip(cycle(extractors), batches)  # of which the first has no end
            for index, features in threads.results(lambda turn: turn[0].features(turn[1]), turns):
                rows.add(index, features)
        del extractors, turns, engine, network  # so that their memory on GPUs is free for the processes that train
    store = store.finish()
    if rows.n_reused:
        notify(Noted(f"{rows.n_reused:,} of {len(images):,} features are reused"))
    notify(StepDone("features", time.monotonic() - started))
    return store


def maker_of(choice: EngineChoice, device: Device) -> str:
    """Return what computes features: all folds of a run read those of one maker."""
    return f"{choice}, {device.kind}"


class _Rows:
    """The rows of features that are being written, and how many there are of them."""

    def __init__(self, file: RowsFile, store: Store, shelf: Shelf, notify: Listener) -> None:
        self._file, self._store, self._shelf, self._notify = file, store, shelf, notify
        self._done = self.n_reused = 0

    def unknown(self, blocks: Iterable[Block]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield row and pixels of each image whose features are to be computed; write those that are known."""
        for block in blocks:
            rows = range(block.first, block.first + len(block.pixels))
            unknown = [
                row for row in rows if row not in self._store.unreadable and row - block.first not in block.known
            ]
            for row, features in block.known.items():
                self._file.put(block.first + row, features.view("<f4")[None])
            self.n_reused += len(block.known)
            self._advance(len(rows) - len(unknown))
            yield from ((row, block.pixels[row - block.first]) for row in unknown)

    def add(self, index: Index, features: NDArray[np.float32]) -> None:
        """Write features that were computed, and keep them in the cache."""
        for row, values in zip(index.tolist(), features, strict=True):
            self._file.put(row, values[None])
        self._shelf.add([self._store.digests[row].tobytes() for row in index], features)
        self._advance(len(index))

    def _advance(self, n: int) -> None:
        self._done += n
        self._notify(StepAdvanced("features", self._done))


def _batches(images: Iterable[tuple[int, NDArray[np.uint8]]], size: int) -> Iterator[Batch]:
    """Yield the rows and pixels of ``size`` images at a time.

    The last pixels are filled up by copies of the last image: in a shorter batch other kernels are used, which give
    other last digits. So the features of an image do not depend on which others are computed with it.
    """
    left = iter(images)
    while few := list(islice(left, size)):
        index, pixels = zip(*few, strict=True)
        yield np.array(index, dtype=np.int64), np.stack([*pixels, *pixels[-1:] * (size - len(few))])


class _Extractor:
    """An engine with what it sees of images: normalised, and mirrored too where features are the mean of both."""

    def __init__(
        self,
        engine: Engine,
        scale: tuple[tuple[float, ...], tuple[float, ...]],
        shape: ImageShape,
        device: Device,
        *,
        mirror: bool,
    ) -> None:
        self._engine, self._device, self._mirror = engine, device, mirror
        mean, deviation = (torch.tensor(values) for values in scale)
        self._normalise = Normalisation(mean, deviation, shape, device)

    def features(self, batch: Batch) -> tuple[Index, NDArray[np.float32]]:
        """Return the (M,) rows of a batch and their (M, D) features; several threads may ask at once."""
        index, pixels = batch
        with self._device.current():
            stored = torch.from_numpy(pixels).to(self._device.place)
            views = [self._engine(self._normalise(stored))]
            if self._mirror:
                views.append(self._engine(self._normalise(stored.flip(2))))
        mean: NDArray[np.float32] = np.mean(views, axis=0, dtype="<f4")
        return index, mean[: len(index)]
