"""Features of a frozen pretrained backbone, computed once, so that cross-validation only trains heads.

A run spends nearly all its time on them, so they go through the cache: an interrupted run resumes within them, and a
second loss, seed or version of the labels computes only those of images that are new.
"""

import hashlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from labelscan.arrays import Index
from labelscan.data.cache import Cache
from labelscan.data.cores import available_cores
from labelscan.data.rows_file import RowsFile, rows_file
from labelscan.data.shelf import Shelf
from labelscan.data.store import Store, decoder
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted, Waiting
from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.models import Backbone
from labelscan.training.prediction import outputs_of

CPU_BATCH = 16
GPU_BATCH = 128
ROWS_BETWEEN_EVENTS = 256
"""Rows of a cache that are read between two of them: it may be on a slow file server."""


def embed(
    store: Store,
    backbone: Backbone,
    path: Path,
    *,
    cache: Cache,
    mapped_bytes: int,
    mirror: bool,
    device: Device,
    notify: Listener,
) -> None:
    """Write the (N, D) float32 features of all images to the .npy file ``path``; those of unreadable ones are zeros.

    With ``mirror`` they are the mean over the image and its mirror. On the CPU every core takes batches of its own
    with one thread each: that wastes less than splitting each convolution among the cores, above all where other
    programs use them too. ``mapped_bytes`` are for ``StoredInputs``.
    """
    started = time.monotonic()
    notify(StepStarted("features", len(store)))
    with reproducible(0, threads=1):
        network = make_network(backbone.make_features, device, seed=0).eval()
        made_by = _made_by(network, backbone, store, device, mirror=mirror)
        with cache.shelf("features", made_by, notify=notify) as shelf, rows_file(path, len(store)) as rows:
            missing = _reuse(store, shelf, rows, notify)
            done = len(store) - len(store.unreadable) - len(missing)
            if done:
                notify(Noted(f"{done:,} of {len(store):,} features are reused"))
            if len(missing):
                inputs = StoredInputs(store.path, mapped_bytes)
                mean, deviation = (torch.tensor(values) for values in backbone.scale)
                batches = Batches(inputs, missing[:0], device, Augmentation(flip=mirror), scale=(mean, deviation))
                for index, block in _features(network, batches, missing):
                    for row, values in zip(index.tolist(), block, strict=True):
                        rows.put(row, values[None])
                    shelf.add([store.digests[row].tobytes() for row in index], block)
                    done += len(index)
                    notify(StepAdvanced("features", done))
    notify(StepDone("features", time.monotonic() - started))


def _made_by(
    network: nn.Module, backbone: Backbone, store: Store, device: Device, *, mirror: bool
) -> dict[str, object]:
    """Return what features depend on besides the contents of the images."""
    digest = hashlib.blake2b(repr((network, backbone.scale)).encode(), digest_size=8)
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    packages = sorted({type(module).__module__.partition(".")[0] for module in network.modules()} - {"labelscan"})
    return {
        "backbone": getattr(backbone, "name", type(backbone).__name__),  # which those of other packages may lack
        "mirrored": mirror,
        "precision": device.dtype_name,
        "device": f"{device.kind} {device.processor}",
        "network": digest.hexdigest(),
        **decoder(store.shape),
        **{name: str(getattr(sys.modules.get(name), "__version__", "")) for name in packages},
    }


def _reuse(store: Store, shelf: Shelf, rows: RowsFile, notify: Listener) -> Index:
    """Write the features that are known already, and return the rows of readable images that are left."""
    missing = []
    for row in range(len(store)):
        if row % ROWS_BETWEEN_EVENTS == 0:
            notify(Waiting())
        if row in store.unreadable:
            continue
        known = shelf.get(store.digests[row].tobytes())
        if known is None:
            missing.append(row)
        else:
            rows.put(row, known.view("<f4")[None])
    return np.array(missing, dtype=np.int64)


def _features(network: nn.Module, batches: Batches, index: Index) -> Iterator[tuple[Index, NDArray[np.float32]]]:
    """Yield rows of ``index`` and their features, a batch at a time.

    All batches are of the same size, filled up by the last image: in a shorter one other kernels are used, which give
    other last digits. Then the features of an image do not depend on which others are computed with it.
    """

    @torch.inference_mode()
    def features(views: Iterator[Tensor]) -> NDArray[np.float32]:
        with batches.device.autocast():
            outputs = [outputs_of(network, view).float() for view in views]
        return np.ascontiguousarray(torch.stack(outputs).mean(dim=0).flatten(1).cpu().numpy(), dtype="<f4")

    on_cpu = batches.device.kind == "cpu"
    workers = available_cores() if on_cpu else 1
    size = batches.view_size(CPU_BATCH if on_cpu else GPU_BATCH)
    full = np.r_[index, np.full(-len(index) % size, index[-1])]
    views, starts = batches.views(torch.from_numpy(full), size), iter(range(0, len(full), size))
    with ThreadPoolExecutor(workers, thread_name_prefix="features") as pool:
        while few := list(islice(views, 2 * workers)):  # what is read ahead takes memory
            for block in pool.map(features, few):
                own = index[(start := next(starts)) : start + size]
                yield own, block[: len(own)]
