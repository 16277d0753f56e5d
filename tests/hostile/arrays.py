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
    Npz("an empty npz file", file("bad.npz", b""), "unreadable"),
    Npz("text called .npz", file("bad.npz", "images"), "unreadable"),
    Npz("an npz file that is cut off", shortened, "unreadable"),
    Npz("an npz file that is a pipe", pipe("bad.npz"), "unreadable"),
    Npz("a single array", file("bad.npz", array_file((4,))), "unreadable"),
    Npz("a pickle", file("bad.npz", b"\x80\x04]."), "unreadable"),
    Npz("arrays of objects", arrays(labels=np.array([{}] * 12, dtype=object)), "unreadable"),
    Npz("wrong deflate data", wrong_deflate, "unreadable"),
    Npz("encrypted arrays", changed(8, ENCRYPTED), "unreadable"),
    Npz("an unknown zip method", changed(10, struct.pack("<H", 99)), "unreadable"),
    Npz("a zip of a later version", changed(6, struct.pack("<H", 255)), "unreadable"),
    Npz("a wrong checksum", changed(16, b"\1\2\3\4"), "unreadable"),
    Npz("a member larger than the file", changed(20, struct.pack("<I", 2**31)), "unreadable"),
    Npz("a member that claims 4 GiB", changed(24, struct.pack("<I", 2**32 - 2)), "unreadable"),
    Npz(
        "wrong LZMA data",
        archive(
            "bad.npz",
            {"images.npy": array_file((4,)), "labels.npy": array_file((4,))},
            compression=ZIP_LZMA,
            spoil=b"\x5d\x00\x00\x80",
        ),
        "unreadable",
    ),
    Npz("arrays in a shape that is not there", member(array_file((10**15,))), "unreadable"),
    Npz("a negative shape", member(array_file((-12,))), "unreadable"),
    Npz("a shape of 30 digits", member(array_file((10**30,))), "unreadable"),
    Npz("a shape of text", member(array_file("'abc'")), "unreadable"),
    Npz("brackets that are not closed in a header", member(array_file("((((((")), "unreadable"),
    Npz("a header that is a program", member(array_file("__import__('os').getcwd()")), "unreadable"),
    Npz("a header of 4 GiB", member(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"), "unreadable"),
    Npz("a type that is none", member(array_file((12,), "<q9")), "unreadable"),
    Npz("texts of no length, a billion of them", member(array_file((10**9,), "<U0")), "unreadable"),
    Npz("fewer values than the shape says", member(array_file((12,))), "unreadable"),
    Npz("images that unpack to half a gigabyte", only_bomb, "unreadable"),
    Npz("an unrelated array of half a gigabyte", bomb("zeros"), read_as="read, without that array"),
    Npz(
        "arrays packed by bzip2",
        archive(
            "bad.npz",
            {
                "images.npy": array_file((12, 4, 4), content=IMAGES.tobytes()),
                "labels.npy": array_file((12,), content=b"\0\1" * 6),
            },
            compression=ZIP_BZIP2,
        ),
    ),
    Npz("no labels", npz("bad.npz", images=IMAGES), "no-column"),
    Npz("no images or features", npz("bad.npz", labels=LABELS), "no-column"),
    Npz("both images and features", arrays(features=FEATURES), "which-column"),
    Npz("no arrays at all", archive("bad.npz", {}), "no-column"),
    Npz("a zip of other files", archive("bad.npz", {"1.png": b"png"}), "no-column"),
    Npz("float images", arrays(images=IMAGES / 255), "not-bytes"),
    Npz("images with channels first", arrays(images=np.zeros((12, 3, 4, 4), np.uint8)), "wrong-channels"),
    Npz("images with alpha", arrays(images=np.zeros((12, 4, 4, 4), np.uint8)), "wrong-channels"),
    Npz("images of five dimensions", arrays(images=np.zeros((12, 1, 4, 4, 3), np.uint8)), "wrong-shape"),
    Npz("images without pixels", arrays(images=np.zeros((12, 0, 4), np.uint8)), "no-pixels"),
    Npz("a single image", arrays(images=np.array(7)), "wrong-shape"),
    Npz(
        "features that are infinite",
        npz("bad.npz", features=np.where(FEATURES == 7, np.inf, FEATURES), labels=LABELS),
        "not-finite",
        names="bad.npz index 2",
    ),
    Npz(
        "features that are missing",
        npz("bad.npz", features=np.where(FEATURES == 7, np.nan, FEATURES), labels=LABELS),
        read_as="read as gaps",
    ),
    Npz("complex features", npz("bad.npz", features=FEATURES * 1j, labels=LABELS), "not-numbers"),
    Npz("text as features", npz("bad.npz", features=FEATURES.astype(str), labels=LABELS), "not-numbers"),
    Npz("structures as features", npz("bad.npz", features=np.zeros((12, 1), "i4,f4"), labels=LABELS), "not-numbers"),
    Npz("dates as features", npz("bad.npz", features=FEATURES.astype("M8[s]"), labels=LABELS), "not-numbers"),
    Npz("features without columns", npz("bad.npz", features=FEATURES[:, :0], labels=LABELS), "no-columns"),
    Npz("no rows", arrays(images=IMAGES[:0], labels=LABELS[:0]), "no-examples"),
    Npz("fewer labels than images", arrays(labels=LABELS[:5]), "wrong-shape"),
    Npz("one-hot labels", arrays(labels=np.eye(12, 2)), "wrong-shape"),
    Npz("labels with fractions", arrays(labels=LABELS / 2), "not-labels"),
    Npz("complex labels", arrays(labels=LABELS * 1j), "not-labels"),
    Npz("dates as labels", arrays(labels=LABELS.astype("M8[s]")), "not-labels"),
    Npz("nanoseconds as labels", arrays(labels=LABELS.astype("m8[ns]")), "not-labels"),
    Npz("structures as labels", arrays(labels=np.zeros(12, "i4,f4")), "not-labels"),
    Npz("labels outside class_names", arrays(class_names=np.array(["a"])), "not-text", names="bad.npz index 1"),
    Npz("class_names with one twice", arrays(class_names=np.array(["a", "a"])), "class-twice"),
    Npz("a table of class_names", arrays(class_names=np.array([["a"], ["b"]])), "wrong-shape"),
    Npz("ids given twice", arrays(ids=np.zeros(12, int)), "id-twice", names="bad.npz index 1"),
    Npz("ids that are not numbers or text", arrays(ids=np.arange(12) / 2), "not-labels"),
    Npz("fewer groups than images", arrays(groups=LABELS[:5]), "wrong-shape"),
    Npz("one label for all", arrays(labels=LABELS * 0), "one-class"),
    Npz(
        "probabilities in place of features",
        npz("bad.npz", pred_probs=np.eye(2)[LABELS], given_labels=LABELS),
        "run-not-data",
    ),
    Npz("big-endian numbers", npz("bad.npz", features=FEATURES.astype(">f8"), labels=LABELS.astype(">i2"))),
    Npz("columns first in memory", npz("bad.npz", features=np.asfortranarray(FEATURES), labels=LABELS)),
    Npz("labels as bytes", arrays(labels=LABELS.astype("S1")), read_as="read as text"),
]
