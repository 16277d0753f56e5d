"""How the memory of a GPU is shared out, decided once a run: by all that it has, not by what is free at some moment."""

import torch

from labelscan.training.device import Device, all_gpus

RESIDENT_SHARE = 1 / 3
"""The most of the memory that the examples take; the rest is for networks and their training."""


def resident_bytes(device: Device) -> int:
    """Return how many bytes the examples may take to lie on a GPU while a fold is trained; 0 where there is none."""
    return int(RESIDENT_SHARE * total_bytes(device))


def total_bytes(device: Device) -> int:
    """Return the memory of the smallest GPU that may take the place of ``device``; 0 where there is none."""
    if device.kind != "cuda":
        return 0
    return min(torch.cuda.get_device_properties(gpu.place).total_memory for gpu in all_gpus(device))
