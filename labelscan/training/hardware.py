"""What trains the folds, as run.json records it: the same settings on other hardware give other last digits."""

import re
from collections.abc import Iterable

import torch

from labelscan.training.device import Device
from labelscan.training.engines import EngineChoice

_LIBRARIES = {"MKL": r"Math Kernel Library Version (\S+)", "oneDNN": r"MKL-DNN v(\S+)"}


def hardware(device: Device, *, threads: int, engines: Iterable[EngineChoice] = ()) -> dict[str, object]:
    """Return device, precision, threads a fold, the engines of frozen features, and what torch computes with."""
    built = torch.__config__.show()
    versions = {name: re.search(pattern, built) for name, pattern in _LIBRARIES.items()}
    found: dict[str, object] = {
        "device": torch.cuda.get_device_name(device.place) if device.kind == "cuda" else device.kind,
        "precision": device.dtype_name,
        "threads": threads,
        "engine": ", ".join(dict.fromkeys(map(str, engines))),
        "torch_cpu": torch.backends.cpu.get_cpu_capability(),
        "torch_libraries": ", ".join(f"{name} {found[1]}" for name, found in versions.items() if found),
    }
    if device.kind == "cuda":
        found |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}  # type: ignore[no-untyped-call]  # in torch
    return found
