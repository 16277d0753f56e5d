"""A machine with GPUs, as torch reports them."""

from types import SimpleNamespace

import pytest
import torch

from labelscan.training import gpu_memory


@pytest.fixture
def machine(monkeypatch):
    """Return a function that makes this a machine with GPUs of so many gigabytes each, and so many cores."""

    def have(*gigabytes, cores=64):
        totals = [total * 2**30 for total in gigabytes]
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(totals))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: "a GPU")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda name: (9, 0))
        monkeypatch.setattr(
            torch.cuda, "get_device_properties", lambda place: SimpleNamespace(total_memory=totals[place.index])
        )
        monkeypatch.setattr(gpu_memory, "available_cores", lambda: cores)

    return have
