"""What a GPU needs next, made in a thread while it works on what came before.

On the CPU such a thread would only take cores away from the training.
"""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

One = TypeVar("One")
Made = TypeVar("Made")


def ahead(make: Callable[[One], Made], each: Iterable[One]) -> Generator[Made]:
    """Yield what ``make`` makes of each, in order; the next is made in a thread while one is used.

    The thread ends with the last one, or when the iterator is closed.
    """
    left = iter(each)
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as pool:
        coming = [pool.submit(make, one) for one in islice(left, 1)]
        for one in left:
            made = coming.pop().result()
            coming.append(pool.submit(make, one))
            yield made
        yield from (last.result() for last in coming)


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
        with torch.cuda.stream(self._stream):
            return work(), self._stream.record_event()

    def hand_over(self, made: Tensor, ready: torch.cuda.Event) -> Tensor:
        """Return a result for the stream of the caller, which waits for it on the GPU alone."""
        stream = torch.cuda.current_stream(self._place)
        stream.wait_event(ready)
        made.record_stream(stream)  # else its memory would be given away while the training reads it
        return made
