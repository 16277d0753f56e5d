"""What a kind of hostile input is, and the small makers that all groups share."""

import io
import os
import struct
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cache
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from PIL import Image

Make = Callable[[Path], object]


@dataclass(frozen=True)
class Kind:
    """One kind of input that is not what it should be."""

    what: str
    """As the reference says it."""
    make: Make
    """Makes it in the folder in which the command line is run."""
    code: str = ""
    """That of the one error it ends with; empty where it ends in none."""
    _: KW_ONLY
    line: str
    """The command line."""
    names: str = ""
    """What the error also names: the file, and the row where there is one."""
    kept: str = ""
    """The reason with which the row of an image is kept."""
    read_as: str = "read"
    """What happens otherwise."""
    as_root: bool = True
    """Whether it can be made by root, whom no permission keeps out."""

    @property
    def happens(self) -> str:
        """Return what happens, as the reference says it."""
        if self.code:
            return f"refused: `{self.code}`"
        return f"row kept: {self.kept}" if self.kept else self.read_as


def nothing(folder: Path) -> None:
    """Make no file."""


def together(*makers: Make) -> Make:
    """Return a maker of everything that some makers make."""

    def make(folder: Path) -> None:
        for one in makers:
            one(folder)

    return make


def file(name: str, content: str | bytes) -> Make:
    """Return the maker of a file."""

    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)

    return make


def folder(name: str) -> Make:
    return lambda place: (place / name).mkdir(parents=True)


def pipe(name: str) -> Make:
    return lambda place: os.mkfifo(place / name)


def link(name: str, target: str) -> Make:
    def make(place: Path) -> None:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).symlink_to(target)

    return make


def locked(name: str, content: str = "") -> Make:
    """Return the maker of a file that may not be read."""

    def make(place: Path) -> None:
        file(name, content)(place)
        (place / name).chmod(0)

    return make


@cache
def png(level: int = 0) -> bytes:
    """Return an image of 4 x 4 grey pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


IMAGES = ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")


def photos(root: str = "") -> Make:
    """Return the maker of four sound images in two class folders."""
    return together(*(file(f"{root}{name}", png(50 * row)) for row, name in enumerate(IMAGES)))


def npz(name: str, *, compressed: bool = False, **arrays: object) -> Make:
    save = np.savez_compressed if compressed else np.savez
    return lambda place: save(place / name, **arrays)


def array_file(shape: object, descr: str = "|u1", content: bytes = b"abcd") -> bytes:
    """Return an npy file that says whatever it says."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def archive(name: str, members: dict[str, bytes], *, compression: int = ZIP_STORED, spoil: bytes = b"") -> Make:
    """Return the maker of a zip file; ``spoil`` are bytes of it that are turned around."""

    def make(place: Path) -> None:
        with ZipFile(place / name, "w", compression) as made:
            for member, content in members.items():
                made.writestr(member, content)
        if spoil:
            content = (place / name).read_bytes()
            assert spoil in content
            (place / name).write_bytes(content.replace(spoil, spoil[::-1]))

    return make
