"""Storages for the tests of reading."""

from collections.abc import Iterator

import fsspec
import pytest
from failing_storage import Closed, Counted, Dead, Flaky, Stopping
from fsspec.implementations.memory import MemoryFileSystem


@pytest.fixture
def bucket() -> Iterator[MemoryFileSystem]:
    """An empty storage in memory, and all that fail on top of it."""
    for kind in (Counted, Flaky, Stopping, Dead, Closed):
        fsspec.register_implementation(kind.protocol, kind, clobber=True)
        kind.asked = 0
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    yield memory
    memory.store.clear()
