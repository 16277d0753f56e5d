"""Work that threads do before its results are needed, which come in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")

A_THREAD = 2
"""Pieces of work that are begun early for each thread: one that takes long must not let the others wait."""


class Prefetch:
    """Threads, which end with the context: work that is not begun then never is."""

    def __init__(self, n_threads: int, name: str) -> None:
        self._n_prefetched = A_THREAD * n_threads
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix=name)
        self.stopped = threading.Event()
        """Is set when the results of work that goes on are no longer wanted."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def results(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the results of ``work`` on all items, in their order; as few are kept as keep the threads busy."""
        left = iter(items)
        begun = deque(self._pool.submit(work, item) for item in islice(left, self._n_prefetched))
        while begun:
            yield begun.popleft().result()
            begun.extend(self._pool.submit(work, item) for item in islice(left, 1))
