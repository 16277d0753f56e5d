"""Memory that tensors have left is kept for the next ones while a network computes, and no longer.

On a GPU torch does so by itself, but keeps the memory from other processes until it is told not to. On the host glibc
by default returns that of large tensors to the system and asks for it again a moment later, page by page: a step of a
small network may spend half of its time on that. Other systems and C libraries are left as they are.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of mallopt, as malloc.h numbers them
LARGEST_KEPT = 32 * 2**20
"""Bytes of a block, the most that glibc allows; larger ones come from the system and go back to it at once."""
MOST_KEPT = 2**30
"""Bytes that lie free in all."""
ASKED_AHEAD = 64 * 2**20
"""Bytes that are asked for at a time beyond what is needed; they take no memory until they are used."""
USUALLY_KEPT, USUALLY_AHEAD = 64 * 2**20, 2**17
"""The same two afterwards, as glibc has them: it comes to twice its largest block by itself."""


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep freed memory within the block, and return it to the system afterwards."""
    with _kept_on_host():
        try:
            yield
        finally:
            torch.cuda.empty_cache()  # which does nothing where CUDA does not run


@contextmanager
def _kept_on_host() -> Iterator[None]:
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    if libc is None or not hasattr(libc, "mallopt"):  # which musl lacks
        yield
        return
    libc.mallopt(_MMAP_THRESHOLD, LARGEST_KEPT)
    libc.mallopt(_TRIM_THRESHOLD, MOST_KEPT)
    libc.mallopt(_TOP_PAD, ASKED_AHEAD)
    try:
        yield
    finally:
        libc.mallopt(_TRIM_THRESHOLD, USUALLY_KEPT)
        libc.mallopt(_TOP_PAD, USUALLY_AHEAD)
        libc.malloc_trim(0)
