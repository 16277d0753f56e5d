"""Npz files of images or features."""

import struct
from functools import partial
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import numpy as np

from hostile.kinds import Kind, Make, archive, array_file, file, npz, pipe

IMAGES = np.arange(192, dtype=np.uint8).reshape(12, 4, 4)
LABELS = np.array([0, 1] * 6)
FEATURES = np.arange(36, dtype=np.float32).reshape(12, 3)
ENCRYPTED = struct.pack("<H", 1)


def arrays(**changed: object) -> Make:
    """Return the maker of a sound file in which some arrays take the place of others."""
    return npz("bad.npz", **{"images": IMAGES, "labels": LABELS} | changed)


def member(content: bytes, compression: int = ZIP_DEFLATED) -> Make:
    """Return the maker of a file whose labels are made of ``content``."""
    sound = array_file((12, 4, 4), content=IMAGES.tobytes())
    return archive("bad.npz", {"images.npy": sound, "labels.npy": content}, compression=compression)


def bomb(name: str) -> Make:
    """Return the maker of half a gigabyte of zeros in a small file."""

    def make(place: Path) -> None:
        arrays()(place)
        with ZipFile(place / "bad.npz", "a", ZIP_DEFLATED) as made:
            made.filename = None
            with made.open(f"{name}.npy", "w", force_zip64=True) as zeros:
                zeros.write(array_file((1 << 29,), content=b""))
                for _ in range(1 << 5):
                    zeros.write(bytes(1 << 24))

    return make


def only_bomb(place: Path) -> None:
    """Make images that are half a gigabyte of zeros."""
    with ZipFile(place / "bad.npz", "w", ZIP_DEFLATED) as made:
        made.writestr("labels.npy", array_file((1 << 11,), content=bytes(1 << 11)))
        with made.open("images.npy", "w", force_zip64=True) as zeros:
            zeros.write(array_file((1 << 11, 1 << 9, 1 << 9), content=b""))
            for _ in range(1 << 5):
                zeros.write(bytes(1 << 24))


def changed(offset: int, new: bytes, of: bytes = b"PK\x01\x02") -> Make:
    """Return the maker of a file in which the entries of its index have other bytes at an offset."""

    def make(place: Path) -> None:
        npz("bad.npz", compressed=True, images=IMAGES, labels=LABELS)(place)
        content = bytearray((place / "bad.npz").read_bytes())
        start = content.find(of)
        while start >= 0:
            content[start + offset : start + offset + len(new)] = new
            start = content.find(of, start + 4)
        (place / "bad.npz").write_bytes(content)

    return make


def shortened(place: Path) -> None:
    arrays()(place)
    content = (place / "bad.npz").read_bytes()
    (place / "bad.npz").write_bytes(content[: len(content) * 2 // 3])


def wrong_deflate(place: Path) -> None:
    npz("bad.npz", compressed=True, images=IMAGES, labels=LABELS)(place)
    content = bytearray((place / "bad.npz").read_bytes())
    start = content.find(b"PK\x03\x04") + 60
    content[start : start + 40] = b"\xff" * 40
    (place / "bad.npz").write_bytes(content)


Npz = partial(Kind, line="detect bad.npz --folds 2 --dry-run", names="bad.npz")

KINDS = [
    Npz(what="an empty npz file", make=file("bad.npz", b""), code="unreadable"),
    Npz(what="text called .npz", make=file("bad.npz", "images"), code="unreadable"),
    Npz(what="an npz file that is cut off", make=shortened, code="unreadable"),
    Npz(what="an npz file that is a pipe", make=pipe("bad.npz"), code="unreadable"),
    Npz(what="a single array", make=file("bad.npz", array_file((4,))), code="unreadable"),
    Npz(what="a pickle", make=file("bad.npz", b"\x80\x04]."), code="unreadable"),
    Npz(
        what="arrays of objects",
        make=arrays(labels=np.array([{}] * 12, dtype=object)),
        code="unreadable",
    ),
    Npz(what="wrong deflate data", make=wrong_deflate, code="unreadable"),
    Npz(what="encrypted arrays", make=changed(8, ENCRYPTED), code="unreadable"),
    Npz(what="an unknown zip method", make=changed(10, struct.pack("<H", 99)), code="unreadable"),
    Npz(what="a zip of a later version", make=changed(6, struct.pack("<H", 255)), code="unreadable"),
    Npz(what="a wrong checksum", make=changed(16, b"\1\2\3\4"), code="unreadable"),
    Npz(
        what="a member larger than the file",
        make=changed(20, struct.pack("<I", 2**31)),
        code="unreadable",
    ),
    Npz(
        what="a member that claims 4 GiB",
        make=changed(24, struct.pack("<I", 2**32 - 2)),
        code="unreadable",
    ),
    Npz(
        what="wrong LZMA data",
        make=archive(
            "bad.npz",
            {"images.npy": array_file((4,)), "labels.npy": array_file((4,))},
            compression=ZIP_LZMA,
            spoil=b"\x5d\x00\x00\x80",
        ),
        code="unreadable",
    ),
    Npz(
        what="arrays in a shape that is not there",
        make=member(array_file((10**15,))),
        code="unreadable",
    ),
    Npz(what="a negative shape", make=member(array_file((-12,))), code="unreadable"),
    Npz(
        what="a shape of 30 digits",
        make=member(array_file((10**30,))),
        code="unreadable",
    ),
    Npz(what="a shape of text", make=member(array_file("'abc'")), code="unreadable"),
    Npz(what="brackets that are not closed in a header", make=member(array_file("((((((")), code="unreadable"),
    Npz(what="a header that is a program", make=member(array_file("__import__('os').getcwd()")), code="unreadable"),
    Npz(what="a header of 4 GiB", make=member(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"), code="unreadable"),
    Npz(what="a type that is none", make=member(array_file((12,), "<q9")), code="unreadable"),
    Npz(
        what="texts of no length, a billion of them",
        make=member(array_file((10**9,), "<U0")),
        code="unreadable",
    ),
    Npz(what="fewer values than the shape says", make=member(array_file((12,))), code="unreadable"),
    Npz(what="images that unpack to half a gigabyte", make=only_bomb, code="unreadable"),
    Npz(what="an unrelated array of half a gigabyte", make=bomb("zeros"), read_as="read, without that array"),
    Npz(
        what="arrays packed by bzip2",
        make=archive(
            "bad.npz",
            {
                "images.npy": array_file((12, 4, 4), content=IMAGES.tobytes()),
                "labels.npy": array_file((12,), content=b"\0\1" * 6),
            },
            compression=ZIP_BZIP2,
        ),
    ),
    Npz(what="no labels", make=npz("bad.npz", images=IMAGES), code="no-column"),
    Npz(what="no images or features", make=npz("bad.npz", labels=LABELS), code="no-column"),
    Npz(what="both images and features", make=arrays(features=FEATURES), code="which-column"),
    Npz(what="no arrays at all", make=archive("bad.npz", {}), code="no-column"),
    Npz(what="a zip of other files", make=archive("bad.npz", {"1.png": b"png"}), code="no-column"),
    Npz(what="float images", make=arrays(images=IMAGES / 255), code="not-bytes"),
    Npz(
        what="images with channels first",
        make=arrays(images=np.zeros((12, 3, 4, 4), np.uint8)),
        code="wrong-channels",
    ),
    Npz(
        what="images with alpha",
        make=arrays(images=np.zeros((12, 4, 4, 4), np.uint8)),
        code="wrong-channels",
    ),
    Npz(
        what="images of five dimensions",
        make=arrays(images=np.zeros((12, 1, 4, 4, 3), np.uint8)),
        code="wrong-shape",
    ),
    Npz(what="images without pixels", make=arrays(images=np.zeros((12, 0, 4), np.uint8)), code="no-pixels"),
    Npz(what="a single image", make=arrays(images=np.array(7)), code="wrong-shape"),
    Npz(
        what="features that are infinite",
        make=npz("bad.npz", features=np.where(FEATURES == 7, np.inf, FEATURES), labels=LABELS),
        code="not-finite",
        names="bad.npz index 2",
    ),
    Npz(
        what="features that are missing",
        make=npz("bad.npz", features=np.where(FEATURES == 7, np.nan, FEATURES), labels=LABELS),
        read_as="read as gaps",
    ),
    Npz(what="complex features", make=npz("bad.npz", features=FEATURES * 1j, labels=LABELS), code="not-numbers"),
    Npz(what="text as features", make=npz("bad.npz", features=FEATURES.astype(str), labels=LABELS), code="not-numbers"),
    Npz(
        what="structures as features",
        make=npz("bad.npz", features=np.zeros((12, 1), "i4,f4"), labels=LABELS),
        code="not-numbers",
    ),
    Npz(
        what="dates as features",
        make=npz("bad.npz", features=FEATURES.astype("M8[s]"), labels=LABELS),
        code="not-numbers",
    ),
    Npz(
        what="features without columns",
        make=npz("bad.npz", features=FEATURES[:, :0], labels=LABELS),
        code="no-columns",
    ),
    Npz(what="no rows", make=arrays(images=IMAGES[:0], labels=LABELS[:0]), code="no-examples"),
    Npz(what="fewer labels than images", make=arrays(labels=LABELS[:5]), code="wrong-shape"),
    Npz(what="one-hot labels", make=arrays(labels=np.eye(12, 2)), code="wrong-shape"),
    Npz(what="labels with fractions", make=arrays(labels=LABELS / 2), code="not-labels"),
    Npz(what="complex labels", make=arrays(labels=LABELS * 1j), code="not-labels"),
    Npz(what="dates as labels", make=arrays(labels=LABELS.astype("M8[s]")), code="not-labels"),
    Npz(what="nanoseconds as labels", make=arrays(labels=LABELS.astype("m8[ns]")), code="not-labels"),
    Npz(what="structures as labels", make=arrays(labels=np.zeros(12, "i4,f4")), code="not-labels"),
    Npz(
        what="labels outside class_names",
        make=arrays(class_names=np.array(["a"])),
        code="not-text",
        names="bad.npz index 1",
    ),
    Npz(
        what="class_names with one twice",
        make=arrays(class_names=np.array(["a", "a"])),
        code="class-twice",
    ),
    Npz(what="a table of class_names", make=arrays(class_names=np.array([["a"], ["b"]])), code="wrong-shape"),
    Npz(what="ids given twice", make=arrays(ids=np.zeros(12, int)), code="id-twice", names="bad.npz index 1"),
    Npz(what="ids that are not numbers or text", make=arrays(ids=np.arange(12) / 2), code="not-labels"),
    Npz(what="fewer groups than images", make=arrays(groups=LABELS[:5]), code="wrong-shape"),
    Npz(what="one label for all", make=arrays(labels=LABELS * 0), code="one-class"),
    Npz(
        what="probabilities in place of features",
        make=npz("bad.npz", pred_probs=np.eye(2)[LABELS], given_labels=LABELS),
        code="run-not-data",
    ),
    Npz(
        what="big-endian numbers",
        make=npz("bad.npz", features=FEATURES.astype(">f8"), labels=LABELS.astype(">i2")),
    ),
    Npz(
        what="columns first in memory",
        make=npz("bad.npz", features=np.asfortranarray(FEATURES), labels=LABELS),
    ),
    Npz(what="labels as bytes", make=arrays(labels=LABELS.astype("S1")), read_as="read as text"),
]
