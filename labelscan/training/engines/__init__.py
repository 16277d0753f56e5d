"""What runs a frozen network forward: torch anywhere, or on the CPU what is faster and gives the same features.

An engine takes the network as it is and batches of one size, and may be called by several threads at once.
"""

import hashlib
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from labelscan.config import DeviceConfig
from labelscan.errors import ConfigError
from labelscan.events import Listener, Warned, ignore
from labelscan.images.cache import Cache
from labelscan.training.batches import VIEW_BYTES
from labelscan.training.device import Device, has_matrix_units
from labelscan.training.engines.openvino import OpenVinoEngine, Refused
from labelscan.training.engines.torch_engine import TorchEngine

CPU_BATCH = 8
"""Measured: 16 are as fast, from 32 on the numbers between layers no longer fit into the cache of a core."""
GPU_BATCH = 128


class Engine(Protocol):
    """A frozen network that is ready to run; several threads may call it at once."""

    name: str
    batch_size: int
    """The number of images that it takes at once, never more nor less."""
    facts: Mapping[str, object]
    """What features depend on besides the images."""

    def __call__(self, images: Tensor) -> NDArray[np.float32]:
        """Return (B, D) features of (B, C, H, W) float32 images, B being the batch size.

        The features of an image do not depend on the others of its batch.
        """


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine that a run is planned with."""

    name: Literal["openvino", "torch"]
    version: str
    dtype_name: str
    """The type that it computes in."""
    reason: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name} {self.version}, {self.dtype_name}"


def choose_engine(config: DeviceConfig, device: Device) -> EngineChoice:
    """Return the engine that ``config`` means on a device.

    ``auto`` is openvino on a CPU where it is installed. Precision ``auto`` is then bfloat16 on CPUs with matrix units
    for it, where F1 of frozen efficientnet-lite0 stayed the same on photos and on small images.

    Raises:
        ConfigError: openvino is asked for and is not installed, or the device is no CPU.
    """
    wanted, installed, on_cpu = config.engine, "", device.kind == "cpu"
    with suppress(PackageNotFoundError):  # as of a folder of that name, which is no package
        installed = version("openvino") if find_spec("openvino") is not None else ""
    if wanted == "openvino" and not on_cpu:
        raise ConfigError(
            "wrong-engine", "openvino computes on the CPU", where="device.engine", hint="use auto, or --device cpu"
        )
    if wanted == "openvino" and not installed:
        raise ConfigError(
            "not-installed", "openvino is not installed", where="device.engine", hint="pip install 'labelscan[cpu]'"
        )
    reason = "set by device.engine" if wanted != "auto" else "the fastest here"
    if on_cpu and installed and wanted != "torch":
        is_faster = config.precision == "auto" and has_matrix_units()
        return EngineChoice("openvino", installed, "bfloat16" if is_faster else device.dtype_name, reason)
    if on_cpu and not installed:
        reason = "openvino, which is faster, is not installed: pip install 'labelscan[cpu]'"
    return EngineChoice("torch", torch.__version__, device.dtype_name, reason)


def make_engine(
    network: nn.Module,
    shape: tuple[int, int, int],
    device: Device,
    choice: EngineChoice,
    *,
    cache: Cache | None = None,
    notify: Listener = ignore,
) -> Engine:
    """Return the engine of a network in eval mode, for images of (C, H, W) ``shape``.

    Where openvino cannot run the network, or runs it to other features, torch takes its place, with a warning, in the
    precision of ``device``: only with openvino is bfloat16 that nobody asked for measured, and checked. A converted
    network is kept in ``cache``.
    """
    most = CPU_BATCH if device.kind == "cpu" else GPU_BATCH
    batch = (min(most, max(1, VIEW_BYTES // (4 * math.prod(shape)))), *shape)  # fewer where images are large
    if choice.name == "openvino":
        facts = _facts(network, batch, device, choice)
        try:
            return OpenVinoEngine(network, batch, choice.dtype_name, facts=facts, cache=cache, notify=notify)
        except Refused as error:
            notify(Warned(f"features are computed by torch, which takes longer than openvino: {error}"))
            choice = EngineChoice("torch", torch.__version__, device.dtype_name)
    facts = _facts(network, batch, device, choice)
    return TorchEngine(network, batch, replace(device, dtype_name=choice.dtype_name), facts=facts)


def _facts(
    network: nn.Module, batch: tuple[int, int, int, int], device: Device, choice: EngineChoice
) -> dict[str, object]:
    """Return what the features of a network depend on besides the images."""
    digest = hashlib.blake2b(repr(network).encode(), digest_size=8)
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    packages = sorted({type(module).__module__.partition(".")[0] for module in network.modules()} - {"labelscan"})
    return {
        "engine": str(choice),
        "batch": list(batch),
        "precision": choice.dtype_name,
        "device": f"{device.kind} {device.processor}",
        "network": digest.hexdigest(),
        **{name: str(getattr(sys.modules.get(name), "__version__", "")) for name in packages},
    }
