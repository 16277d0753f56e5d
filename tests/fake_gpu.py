"""A GPU in the memory of the host: all that is done for one is done, and its copies are counted."""

import threading
from typing import ClassVar

import torch

from labelscan.training import batches
from labelscan.training.batches import StoredInputs
from labelscan.training.device import Device


class FakeGpu(Device):
    """A device that is a GPU to whoever asks for its kind, and the CPU to torch."""

    __slots__ = ()

    @property
    def place(self) -> torch.device:
        return torch.device("cpu")


class FakeStream:
    """A side stream whose work is done at once; it notes in which thread, and what was pinned and handed over."""

    made: ClassVar[list["FakeStream"]] = []

    def __init__(self, place):
        self.pinned, self.handed_over, self.threads = [], 0, []
        self.made.append(self)

    def make(self, work):
        self.threads.append(threading.current_thread())
        return work(), None

    def hand_over(self, made, ready):
        self.handed_over += 1
        return made


def use_fake_streams(monkeypatch) -> list[FakeStream]:
    """Let batches for a GPU be made on fake streams, and return the list that these come into."""
    take = StoredInputs.take

    def note(self, index, *, pinned=False):
        if pinned:
            FakeStream.made[-1].pinned.append(index)
        return take(self, index)

    monkeypatch.setattr(StoredInputs, "take", note)
    monkeypatch.setattr(FakeStream, "made", [])
    monkeypatch.setattr(batches, "SideStream", FakeStream)
    return FakeStream.made
