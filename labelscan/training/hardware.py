"""What trains the folds, as run.json records it: the same settings on other hardware give other last digits."""

import re
from collections.abc import Iterable, Sequence

import torch

from labelscan.training.device import Device
from labelscan.training.engines import EngineChoice

_LIBRARIES = {"MKL": r"Math Kernel Library Version (\S+)", "oneDNN": r"MKL-DNN v(\S+)"}


def hardware(
    device: Device, *, threads: int, precisions: Iterable[str], engines: Sequence[EngineChoice]
) -> dict[str, object]:
    """Return device, precisions, threads a fold, what torch computes with, and the engines of features, if any."""
    built = torch.__config__.show()
    versions = {name: re.search(pattern, built) for name, pattern in _LIBRARIES.items()}
    found: dict[str, object] = {
        "device": torch.cuda.get_device_name(device.place) if device.kind == "cuda" else device.kind,
        "precision": ", ".join(precisions),
        "threads": threads,
        "torch_cpu": torch.backends.cpu.get_cpu_capability(),
        "torch_libraries": ", ".join(f"{name} {found[1]}" for name, found in versions.items() if found),
    }
    if device.kind == "cuda":
        found |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}  # type: ignore[no-untyped-call]  # in torch
    if engines:
        found["engine"] = ", ".join(dict.fromkeys(map(str, engines)))
    return found
