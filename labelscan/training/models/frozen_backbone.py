"""Features of a frozen pretrained backbone, computed once a run, so that cross-validation only trains heads.

Such a run spends nearly all its time on them, so an interrupted run resumes within them.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from labelscan.data.cores import available_cores
from labelscan.data.growing_array import GrowingArray
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted
from labelscan.training.batches import Augmentation, Batches, StoredInputs
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.models import Backbone

CPU_BATCH = 16
GPU_BATCH = 128


def embed(
    inputs: StoredInputs, backbone: Backbone, path: Path, *, mirror: bool, device: Device, notify: Listener
) -> None:
    """Write the (N, D) float32 features of all images to the .npy file ``path``, resuming an interrupted call.

    With ``mirror`` they are the mean over the image and its mirror. On the CPU every core takes batches of its own
    with one thread each: that wastes less than splitting each convolution among the cores, above all where other
    programs use them too.
    """
    started = time.monotonic()
    notify(StepStarted("features", len(inputs)))
    with reproducible(0, threads=1), GrowingArray(path, len(inputs)) as rows:
        if rows.done:
            notify(Noted(f"{rows.done:,} of {len(inputs):,} features are reused from an interrupted run"))
        mean, deviation = (torch.tensor(values) for values in backbone.scale)
        nothing = np.empty(0, dtype=np.int64)
        batches = Batches(inputs, nothing, device, Augmentation(flip=mirror), scale=(mean, deviation))
        network = make_network(backbone.make_features, device, seed=0).eval()
        for block in _features(network, batches, first=rows.done):
            rows.add(block)
            notify(StepAdvanced("features", rows.done))
    notify(StepDone("features", time.monotonic() - started))


def _features(network: nn.Module, batches: Batches, *, first: int) -> Iterator[NDArray[np.float32]]:
    """Yield the features of the images from row ``first`` on, a batch at a time."""

    @torch.inference_mode()
    def features(views: Iterator[Tensor]) -> NDArray[np.float32]:
        with batches.device.autocast():
            outputs = [network(view).float() for view in views]
        return np.ascontiguousarray(torch.stack(outputs).mean(dim=0).flatten(1).cpu().numpy(), dtype="<f4")

    on_cpu = batches.device.kind == "cpu"
    workers = available_cores() if on_cpu else 1
    views = batches.views(torch.arange(first, len(batches.inputs)), CPU_BATCH if on_cpu else GPU_BATCH)
    with ThreadPoolExecutor(workers, thread_name_prefix="features") as pool:
        while few := list(islice(views, 2 * workers)):  # what is read ahead takes memory
            yield from pool.map(features, few)
