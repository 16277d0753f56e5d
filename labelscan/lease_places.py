"""Where leases are kept: a folder that all processes see, or any place that makes a file for one process alone."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labelscan.atomic import writing
from labelscan.reading import patiently

LIST_AGAIN = 3
"""Times that a folder is listed again before that is an error."""


class Place(Protocol):
    """Where leases are kept, by their names. Picklable."""

    def names(self) -> list[str]:
        """Return the names of all leases, or raise OSError; none where the place is not there."""

    def read(self, name: str) -> bytes:
        """Return a lease, or raise OSError."""

    def create(self, name: str, content: bytes) -> None:
        """Make a lease, or raise FileExistsError where there is one, whoever makes it at the same time."""

    def replace(self, name: str, content: bytes) -> None:
        """Write over a lease, or raise FileNotFoundError where there is none."""

    def delete(self, name: str) -> None:
        """Delete a lease, if there is one."""

    def leave(self) -> None:
        """Tidy up, if no lease is left."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that all processes see; it is made with the first lease, and deleted with the last."""

    path: Path

    def names(self) -> list[str]:
        """Return the names of all files in it, or raise OSError."""
        try:
            return patiently(lambda: os.listdir(self.path), times=LIST_AGAIN)  # noqa: PTH208  # names are enough
        except (FileNotFoundError, NotADirectoryError):  # another error says nothing of what is there
            return []

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self.path / name).read_bytes()

    def create(self, name: str, content: bytes) -> None:
        """Make a file that is not there."""
        for _ in range(3):
            try:
                with writing(self.path / name):
                    _write_new(self.path / name, content)
            except FileNotFoundError:  # the folder is not there, or another process has just deleted it
                self.path.mkdir(parents=True, exist_ok=True)
            else:
                return
        raise OSError(f"{self.path} is deleted again and again")

    def replace(self, name: str, content: bytes) -> None:
        """Write over a file that is there: it is never made anew, nor longer or shorter."""
        with (self.path / name).open("r+b") as file:
            file.write(content)

    def delete(self, name: str) -> None:
        """Delete a file."""
        (self.path / name).unlink(missing_ok=True)

    def leave(self) -> None:
        """Delete the folder if it is empty."""
        with contextlib.suppress(OSError):  # others hold leases
            self.path.rmdir()


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there; none is left where the disk does not take it."""
    file = path.open("xb")  # fails where it is there, and then nothing is deleted
    try:
        with file:
            file.write(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise
