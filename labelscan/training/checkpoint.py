"""Checkpoints: the state of a training on disk, so that a run that is killed loses no more than its last epoch.

They hold tensors and plain values, and nothing else is ever loaded from them.
"""

import contextlib
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from labelscan.atomic import replacing_bytes

SECONDS = 30.0
"""Between two checkpoints within an epoch; those at its end come sooner."""
LARGEST_SHARE = 0.01
"""The most of the time that may go into writing: what that makes too early is skipped, but no end of an epoch that is
``SECONDS`` after the last checkpoint."""
FIRST_COST = 0.02
"""Seconds that the first one is thought to take, before any has been written."""

State: TypeAlias = Mapping[str, Any]


class Checkpoint:
    """The latest state of one training.

    Args:
        path: its file; None keeps nothing.
        made_from: changes with everything that the training depends on; a state of another one is not read.
    """

    def __init__(self, path: Path | None = None, made_from: str = "") -> None:
        self.path = path
        self.made_from = made_from
        self._cost = FIRST_COST
        self._started = self._written = time.monotonic()
        self._seconds_before = 0.0

    def exists(self) -> bool:
        """Return whether there is a state of this training."""
        return self._load(mmap=True) is not None  # which reads next to nothing

    def seconds(self) -> float:
        """Return how long the training took up to the state that was written last; 0 where there is none of it."""
        content = self._load(mmap=True)
        return 0.0 if content is None else float(content["seconds"])

    def read(self) -> State | None:
        """Return the state that was written last, on the CPU, or None where there is none of this training."""
        content = self._load(mmap=False)
        if content is None:
            return None
        self._seconds_before = float(content["seconds"])
        state: State = content["state"]
        return state

    def is_due(self, *, epoch_ended: bool) -> bool:
        """Return whether it is time to write the state."""
        least = self._cost / LARGEST_SHARE
        return time.monotonic() - self._written >= (min if epoch_ended else max)(least, SECONDS)

    def write(self, state: State) -> None:
        """Replace what was written before, which is kept where this cannot be written."""
        if self.path is None:
            return
        started = time.monotonic()
        content = {
            "made_from": self.made_from,
            "seconds": self._seconds_before + started - self._started,
            "state": dict(state),
        }
        # Torch reports a full disk in its own ways, and a user's network may hold what cannot be stored.
        with contextlib.suppress(Exception), replacing_bytes(self.path) as file:
            torch.save(content, file)
        self._written = time.monotonic()
        self._cost = self._written - started

    def delete(self) -> None:
        """Delete it: the training has ended."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _load(self, *, mmap: bool) -> Mapping[str, Any] | None:
        if self.path is None:
            return None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True, mmap=mmap)
            is_whole = isinstance(content["state"], dict) and isinstance(content["seconds"], float)
            return content if is_whole and content["made_from"] == self.made_from else None
        except Exception:  # missing, cut off or damaged, for which torch raises many kinds: training begins anew
            return None


NO_CHECKPOINT = Checkpoint()


def generators(place: torch.device) -> State:
    """Return the state of every generator that a network on ``place`` may draw from: of torch, NumPy and Python."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "place": _of_place(place),  # and of no other GPU: this one may be another, or the only one, next time
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


def _of_place(place: torch.device) -> Tensor | None:
    """Return the state of the generator of a GPU; the CPU has that of torch."""
    if place.type == "cuda":
        return torch.cuda.get_rng_state(place)
    return torch.mps.get_rng_state() if place.type == "mps" else None
