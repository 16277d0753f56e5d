"""Storages in memory that fail: each class counts what it is asked for and fails as its name says."""

import threading
import time
from pathlib import Path

from fsspec.implementations.memory import MemoryFileSystem


class Counted(MemoryFileSystem):
    """The files of ``memory://`` under another protocol."""

    protocol = "counted"
    cachable = False
    asked = 0
    lock = threading.Lock()

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace(f"{cls.protocol}://", "memory://"))

    def cat_file(self, path, start=None, end=None, **options):
        kind = type(self)
        with kind.lock:
            kind.asked += 1
            number = kind.asked
        self.fail(number)
        return super().cat_file(path, start, end, **options)

    def get_file(self, rpath, lpath, **options):
        Path(lpath).write_bytes(self.cat_file(rpath))

    def fail(self, number):
        pass


class Flaky(Counted):
    """Fails at every tenth read."""

    protocol = "flaky"

    def fail(self, number):
        if number % 10 == 0:
            raise OSError(5, "Input/output error")


class Stopping(Counted):
    """Is away for half a second from the second read on."""

    protocol = "stopping"
    back_at = float("inf")

    def fail(self, number):
        kind = type(self)
        if number == 2:
            kind.back_at = time.monotonic() + 0.5
        if number >= 2 and time.monotonic() < kind.back_at:
            raise ConnectionResetError("the server is gone")


class Dead(Counted):
    """Answers nothing but listings."""

    protocol = "dead"
    error = TimeoutError("nobody there")

    def fail(self, number):
        raise self.error


class Closed(Dead):
    """Lists, and gives nothing."""

    protocol = "closed"
    error = PermissionError("Access Denied")
