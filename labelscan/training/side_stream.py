"""A stream of a GPU for what it needs next: copied and moved there while it works on what came before."""

from collections.abc import Callable

import torch
from torch import Tensor


class SideStream:
    """Work of a GPU beside the steps of a training: neither waits for the other, but where a result is handed over."""

    def __init__(self, place: torch.device) -> None:
        self._place = place
        self._stream = torch.cuda.Stream(place)  # type: ignore[no-untyped-call]  # torch

    def room(self, shape: tuple[int, ...], /, *, dtype: torch.dtype) -> Tensor:
        """Return memory of the host that the GPU copies from without the help of the processor."""
        return torch.empty(shape, dtype=dtype, pin_memory=True)

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
