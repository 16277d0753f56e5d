"""Checkpoints: the state of a training, kept so that a run that is killed loses no more than its last epoch.

They hold tensors and plain values, and nothing else is ever loaded from them. A checksum is compared first: a state of
which one byte has changed would give other results without a word.
"""

import contextlib
import io
import random
import struct
import time
import zlib
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch

SECONDS = 30.0
"""Between two checkpoints within an epoch; those at its end come sooner."""
LARGEST_SHARE = 0.01
"""The most of the time that may go into writing: what that makes too early is skipped, but no end of an epoch that is
``SECONDS`` after the last checkpoint."""
FIRST_COST = 0.02
"""Seconds that the first one is thought to take, before any has been written."""

_MAGIC = b"labelscan checkpoint 1\n"
_CHECKSUM = struct.Struct("<I")

State: TypeAlias = Mapping[str, Any]


class CheckpointSlot(Protocol):
    """Where the latest state of one training is kept, as bytes. Picklable."""

    def read(self) -> bytes | None:
        """Return what was written last, or None."""

    def write(self, content: bytes) -> None:
        """Replace what was written before, whole or not at all."""

    def delete(self) -> None:
        """Delete what was written, if anything was."""


class Checkpoint:
    """The latest state of one training.

    Args:
        slot: where it is kept; None keeps nothing.
        made_from: changes with everything that the training depends on; a state of another one is not read.
        content: what is read where there is no slot.
    """

    def __init__(
        self, slot: CheckpointSlot | None = None, made_from: str = "", *, content: bytes | None = None
    ) -> None:
        self._slot, self._made_from, self._content = slot, made_from, content
        self._cost = FIRST_COST
        self._started = self._written = time.monotonic()
        self._seconds_before = 0.0

    def exists(self) -> bool:
        """Return whether there is a state of this training."""
        return self._load() is not None

    def is_damaged(self) -> bool:
        """Return whether there is a state of some training that has changed since it was written."""
        packed = self._packed()
        return packed is not None and _unpacked(packed) is None

    def seconds(self) -> float:
        """Return how long the training took up to the state that was written last; 0 where there is none of it."""
        content = self._load()
        return 0.0 if content is None else float(content["seconds"])

    def read(self) -> State | None:
        """Return the state that was written last, on the CPU, or None where there is none of this training."""
        content = self._load()
        if content is None:
            return None
        self._seconds_before = float(content["seconds"])
        state: State = content["state"]
        return state

    def as_it_is(self) -> "Checkpoint":
        """Return a checkpoint with the same state, which other processes can read, and no more than that."""
        return Checkpoint(None, self._made_from, content=self._packed())

    def is_due(self, *, epoch_ended: bool) -> bool:
        """Return whether it is time to write the state."""
        least = self._cost / LARGEST_SHARE
        return time.monotonic() - self._written >= (min if epoch_ended else max)(least, SECONDS)

    def write(self, state: State) -> None:
        """Replace what was written before, which is kept where this cannot be written."""
        if self._slot is None:
            return
        started = time.monotonic()
        seconds = self._seconds_before + started - self._started
        # The disk may be full, and a user's network may hold what cannot be stored.
        with contextlib.suppress(Exception):
            self._slot.write(_packed({"made_from": self._made_from, "seconds": seconds, "state": dict(state)}))
        self._written = time.monotonic()
        self._cost = self._written - started

    def delete(self) -> None:
        """Delete it: the training has ended."""
        if self._slot is not None:
            self._slot.delete()

    def _packed(self) -> bytes | None:
        return self._content if self._slot is None else self._slot.read()

    def _load(self) -> Mapping[str, Any] | None:
        packed = self._packed()
        content = None if packed is None else _unpacked(packed)
        return content if content is not None and content["made_from"] == self._made_from else None


NO_CHECKPOINT = Checkpoint()


def _packed(content: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    saved = buffer.getbuffer()
    return b"".join([_MAGIC, _CHECKSUM.pack(zlib.crc32(saved)), saved])


def _unpacked(packed: bytes) -> Mapping[str, Any] | None:
    """Return what was packed, or None where its checksum is another one."""
    start = len(_MAGIC) + _CHECKSUM.size
    saved = memoryview(packed)[start:]
    if packed[:start] != _MAGIC + _CHECKSUM.pack(zlib.crc32(saved)):
        return None
    try:
        content = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
        is_whole = isinstance(content["state"], dict) and isinstance(content["seconds"], float)
        return content if is_whole and isinstance(content["made_from"], str) else None
    except Exception:  # it was written by another version of torch, for which it raises many kinds
        return None


def generators(place: torch.device) -> State:
    """Return the state of every generator that a network on ``place`` may draw from: of torch, NumPy and Python."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    on_gpu = None  # of no other GPU than this one, which may be another, or the only one, next time
    if place.type == "cuda":
        on_gpu = torch.cuda.get_rng_state(place)
    elif place.type == "mps":
        on_gpu = torch.mps.get_rng_state()
    return {
        "torch": torch.get_rng_state(),
        "place": on_gpu,
        "numpy": (kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
        "python": random.getstate(),
    }


def restore_generators(state: State, place: torch.device) -> None:
    """Set every generator to a state from ``generators``."""
    torch.set_rng_state(state["torch"])
    if place.type == "cuda":
        torch.cuda.set_rng_state(state["place"], place)
    elif place.type == "mps":
        torch.mps.set_rng_state(state["place"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    random.setstate(state["python"])
