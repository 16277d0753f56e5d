"""Training examples ready for a model: mapped from disk, shuffled, augmented, normalised."""

import math
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labelscan.arrays import Index
from labelscan.errors import RunError
from labelscan.processes.prefetch import Prefetch
from labelscan.training.augmentation import NO_AUGMENTATION, NOT_MOVED, Augmentation, Moves
from labelscan.training.data_parallel import ALONE, Team
from labelscan.training.device import Device
from labelscan.training.gpu_memory import is_out_of_memory

CHUNK_BYTES = 16 * 2**20
"""Stored bytes gathered and augmented at a time."""
VIEW_BYTES = 64 * 2**20
"""The most that a batch takes in prediction, as float32."""
STATISTICS_IMAGES = 4096
"""Images that mean and deviation are estimated from, with an error below 2 % of a deviation. Of features every row
counts: one that is constant in a subset but not elsewhere would stay unscaled."""


def count_batches(n_examples: int, batch_size: int) -> int:
    """Return in how many batches an epoch goes: none of them has one example alone, which would upset batch norm."""
    n_batches = math.ceil(n_examples / batch_size)
    return n_batches if n_examples // n_batches >= 2 else max(1, n_examples // 2)  # such as 3 in batches of 2


class Normalisation:
    """Makes (B, C, H, W) or (B, D) float32 inputs, centred and scaled, of stored (B, H, W, C) images or (B, D) rows.

    Args:
        mean: of each channel or feature, or of all.
        deviation: the same.
        shape: of one example.
        device: where examples are.
    """

    def __init__(self, mean: Tensor, deviation: Tensor, shape: tuple[int, ...], device: Device) -> None:
        # Spread over the whole example: arithmetic over rows of three channels is several times slower.
        self.gain = (1 / deviation).expand(shape).contiguous().to(device.place)
        self.offset = (-mean / deviation).expand(shape).contiguous().to(device.place)
        self._is_image, self._contiguous = len(shape) == 3, device.kind == "mps"  # which has few channels_last kernels

    def __call__(self, stored: Tensor) -> Tensor:
        values = torch.addcmul(self.offset, stored.to(torch.float32), self.gain)
        if not self._is_image:
            return values
        images = values.permute(0, 3, 1, 2)  # stored as (B, H, W, C), so this is torch's channels_last without a copy
        return images.contiguous() if self._contiguous else images


class StoredInputs:
    """N examples in an ``.npy`` file, or in memory: uint8 images (N, H, W, C) or float32 features (N, D).

    A file of up to ``cache_bytes`` is mapped into memory, where all processes share it. A larger one is read row by
    row: if it were mapped, every page touched, and many around it, would count as memory of the process.
    """

    def __init__(self, stored: Path | NDArray[np.float32], cache_bytes: int) -> None:
        self._stored, self._cache_bytes = stored, cache_bytes
        # Copy-on-write: torch wants memory that it could write to, and the file must never change.
        array = stored if isinstance(stored, np.ndarray) else np.load(stored, mmap_mode="c", allow_pickle=False)
        self._whole = torch.from_numpy(array)
        self._start = array.offset if isinstance(array, np.memmap) else 0
        self._path = Path() if isinstance(stored, np.ndarray) else stored
        self._by_row = array.nbytes > cache_bytes and self._start > 0 and hasattr(os, "preadv")

    def __len__(self) -> int:
        return len(self._whole)

    def __reduce__(self) -> tuple[object, ...]:
        return StoredInputs, (self._stored, self._cache_bytes)  # a file is mapped again, and not copied

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of one example: (H, W, C) or (D,)."""
        return tuple(self._whole.shape[1:])

    @property
    def example_bytes(self) -> int:
        """Return how many bytes one example takes."""
        return self._whole[0].numel() * self._whole.element_size()

    def take(self, index: Tensor, *, pinned: bool = False) -> Tensor:
        """Return the rows ``index``, (M,) int64, as (M, ...) of the stored type.

        From ``pinned`` memory a GPU copies without the help of the processor.
        """
        chunk = torch.empty((len(index), *self.shape), dtype=self._whole.dtype, pin_memory=pinned)
        if not self._by_row:
            return torch.index_select(self._whole, 0, index, out=chunk)
        rows = memoryview(chunk.numpy().view(np.uint8).reshape(-1))  # type: ignore[arg-type]  # an array is a buffer
        size = self.example_bytes
        ascending = index.sort()  # kinder to disks
        with self._path.open("rb", buffering=0) as file:
            for row, slot in zip(ascending.values.tolist(), ascending.indices.tolist(), strict=True):
                place = rows[slot * size : (slot + 1) * size]
                if os.preadv(file.fileno(), [place], self._start + row * size) != size:
                    raise RunError(
                        "damaged", "the inputs are cut off", where=str(self._path), hint="start over with --fresh"
                    )
        return chunk

    def copy_to(self, device: torch.device, chunk: int) -> Tensor:
        """Return all examples on a device, copied ``chunk`` at a time."""
        copy = torch.empty(self._whole.shape, dtype=self._whole.dtype, device=device)
        for rows in torch.arange(len(self)).split(chunk):  # type: ignore[no-untyped-call]  # torch
            copy[rows[0] : rows[-1] + 1] = self.take(rows).to(device)
        return copy


class Batches:
    """Batches of the examples, normalised, on one device.

    They are normalised by the mean and deviation of the rows ``train_index``, which must hold no held-out example,
    or by ``scale`` where that is given. On a GPU all examples lie there if they take up to ``resident_bytes``; others
    come a chunk ahead of the training.
    """

    def __init__(
        self,
        inputs: StoredInputs,
        train_index: Index,
        device: Device,
        augmentation: Augmentation,
        scale: tuple[Tensor, Tensor] | None = None,
        *,
        resident_bytes: int = 0,
    ) -> None:
        self.inputs = inputs
        self.device = device
        self.is_image = len(inputs.shape) == 3
        self.augmentation = augmentation if self.is_image else NO_AUGMENTATION
        self.chunk = max(1, CHUNK_BYTES // inputs.example_bytes)
        mean, deviation = scale if scale is not None else self._statistics(train_index)
        self.normalise = Normalisation(mean, deviation, inputs.shape, device)
        self._resident = self._all_on_gpu(resident_bytes)
        self._stream = SideStream(device.place) if device.kind == "cuda" and self._resident is None else None

    def training(
        self, index: Tensor, batch_size: int, generator: torch.Generator, *, done: int = 0, team: Team = ALONE
    ) -> Generator[tuple[Tensor, Tensor]]:
        """Yield (positions in ``index``, model inputs) for one epoch in a freshly drawn order.

        ``index`` is (M,) int64, and ``generator``, on the CPU, draws order, shifts and flips. Batches are of nearly
        equal size. The first ``done`` batches are drawn, but neither made nor yielded. The inputs are the slice that
        this process of its ``team`` takes of each batch; positions are of the whole batch.
        """
        order = torch.randperm(len(index), generator=generator)
        n_batches = count_batches(len(index), batch_size)
        batches = index[order].tensor_split(n_batches)
        places = order.to(self.device.place).tensor_split(n_batches)
        per_chunk = max(1, self.chunk // batch_size)
        chunks, first = [], done - done % per_chunk
        for start in range(0, n_batches, per_chunk):
            some = batches[start : start + per_chunk]
            # Drawn here, in one order, whichever thread moves them; and for all of a batch, whoever takes a slice.
            chunk = _Chunk(torch.cat(some), self.augmentation.draw(sum(map(len, some)), generator))
            chunks += [chunk.slices(team, some)] if start >= first else []
        with closing(self._made(chunks)) as made:
            for start, stored in zip(range(first, n_batches, per_chunk), made, strict=True):
                sizes = [len(team.part_of(batch)) for batch in batches[start : start + per_chunk]]
                parts = stored.split(sizes)  # type: ignore[no-untyped-call]  # torch
                left = islice(zip(places[start : start + per_chunk], parts, strict=True), max(0, done - start), None)
                yield from ((place, self.normalise(part)) for place, part in left)

    def views(self, index: Tensor, batch_size: int) -> Iterator[Iterator[Tensor]]:
        """Yield, batch by batch in the order of ``index``, the moved copies that a prediction is averaged over.

        Each is made on demand, so that only one is in memory at a time. Batches of large examples are smaller.
        """
        size = min(batch_size, max(1, VIEW_BYTES // (4 * math.prod(self.inputs.shape))))
        parts = index.split(size)  # type: ignore[no-untyped-call]  # torch
        with closing(self._made([_Chunk(rows, NOT_MOVED) for rows in parts])) as made:
            for stored in made:
                yield (self.normalise(view) for view in self.augmentation.views(stored))

    def _made(self, chunks: Sequence["_Chunk"]) -> Generator[Tensor]:
        """Yield the (B, ...) stored examples of each chunk, moved and on the device."""
        place, stream = self.device.place, self._stream

        def to_place(drawn: Tensor) -> Tensor:
            return drawn.to(place)

        if self._resident is not None:
            # All of them now, so that no step waits for it.
            there = [(to_place(chunk.rows), chunk.moves.each(to_place)) for chunk in chunks]
            yield from (moves.apply(self._resident.index_select(0, rows)) for rows, moves in there)
        elif stream is None:
            yield from (chunk.moves.apply(self.inputs.take(chunk.rows)).to(place) for chunk in chunks)
        else:

            def send(chunk: _Chunk) -> Tensor:
                stored = self.inputs.take(chunk.rows, pinned=True)
                return chunk.moves.each(to_place).apply(stored.to(place, non_blocking=True))

            with Prefetch(1, "prefetch") as thread:  # on the CPU it would only take a core away from the training
                for made, ready in thread.results(lambda chunk: stream.make(lambda: send(chunk)), chunks):
                    yield stream.hand_over(made, ready)

    def _all_on_gpu(self, resident_bytes: int) -> Tensor | None:
        """Return all examples on the GPU, or None where they shall not lie there or another program left no room."""
        if self.device.kind != "cuda" or len(self.inputs) * self.inputs.example_bytes > resident_bytes:
            return None
        try:
            return self.inputs.copy_to(self.device.place, self.chunk)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        return None

    def _statistics(self, train_index: Index) -> tuple[Tensor, Tensor]:
        step = max(1, len(train_index) // STATISTICS_IMAGES) if self.is_image else 1
        sample = torch.from_numpy(train_index[::step])
        total, squares, count = torch.zeros(()), torch.zeros(()), 0
        for rows in sample.split(self.chunk):  # type: ignore[no-untyped-call]  # torch
            values = self.inputs.take(rows).double().flatten(0, -2)
            total, squares, count = total + values.sum(dim=0), squares + values.square().sum(dim=0), count + len(values)
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        # A channel or feature that never varies stays 0 after centring, whatever it is divided by.
        constant = variance <= 1e-12 * mean.square().clamp(min=1)
        return mean.float(), variance.sqrt().float().where(~constant, torch.ones(()))


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Examples that are made at a time."""

    rows: Tensor
    moves: Moves

    def slices(self, team: Team, batches: Sequence[Tensor]) -> "_Chunk":
        """Return what this process of a team takes of a chunk that is made of whole batches."""
        if team.is_alone:
            return self
        places = torch.arange(len(self.rows)).split([len(batch) for batch in batches])  # type: ignore[no-untyped-call]  # torch
        mine = torch.cat([team.part_of(batch) for batch in places])
        return _Chunk(self.rows[mine], self.moves.each(lambda drawn: drawn[mine]))


class SideStream:
    """Work of a GPU beside the steps of a training: neither waits for the other, but where a result is handed over."""

    def __init__(self, place: torch.device) -> None:
        self._place = place
        self._stream = torch.cuda.Stream(place)  # type: ignore[no-untyped-call]  # torch

    def make(self, work: Callable[[], Tensor]) -> tuple[Tensor, torch.cuda.Event]:
        """Do ``work``, and return its result and what tells when the GPU has finished it; in any thread."""
        with torch.cuda.device(self._place), torch.cuda.stream(self._stream):
            return work(), self._stream.record_event()

    def hand_over(self, made: Tensor, ready: torch.cuda.Event) -> Tensor:
        """Return a result for the stream of the caller, which waits for it on the GPU alone."""
        stream = torch.cuda.current_stream(self._place)
        stream.wait_event(ready)
        made.record_stream(stream)  # else its memory would be given away while the training reads it
        return made
