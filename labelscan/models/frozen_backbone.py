"""Features of a frozen pretrained backbone, computed once a run, so that cross-validation only trains heads."""

import time
from pathlib import Path

import numpy as np
import torch

from labelscan.atomic import partial_of
from labelscan.batches import Augmentation, Batches, StoredInputs
from labelscan.device import Device
from labelscan.events import Listener, StepAdvanced, StepDone, StepStarted
from labelscan.models.backbones import Backbone

BATCH = 64


def embed(inputs: StoredInputs, backbone: Backbone, path: Path, *, device: Device, notify: Listener) -> None:
    """Write the (N, D) float32 features of all images to ``path``, each the mean over the image and its mirror.

    Args:
        inputs: (N, H, W, C) uint8.
        backbone: pretrained; left in evaluation mode, never trained.
        path: the .npy file that is made.
        device: where the features are computed.
        notify: told how many images are through.
    """
    started = time.monotonic()
    network = backbone.make_features().to(device.place, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]  # torch's stubs know no memory_format beside a device
    mean, deviation = (torch.tensor(values) for values in backbone.scale)
    nothing = np.empty(0, dtype=np.int64)
    batches = Batches(inputs, nothing, device, Augmentation(flip=True), scale=(mean, deviation))
    notify(StepStarted("features", len(inputs)))
    with partial_of(path) as partial, torch.inference_mode(), partial.open("wb") as file:
        done = 0
        for views in batches.views(torch.arange(len(inputs)), BATCH):
            with device.autocast():
                features = torch.stack([network(_in_colour(view)).float() for view in views]).mean(dim=0)
            block = features.flatten(1).cpu().numpy()
            if done == 0:
                header = {"descr": "<f4", "fortran_order": False, "shape": (len(inputs), block.shape[1])}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(block, dtype="<f4").tobytes())
            done += len(block)
            notify(StepAdvanced("features", done))
    notify(StepDone("features", time.monotonic() - started))


def _in_colour(images: torch.Tensor) -> torch.Tensor:
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
