"""Class folders that are not only images in folders."""

import os
import socket
from functools import partial
from pathlib import Path

from hostile.kinds import Kind, Make, file, folder, link, photos, pipe, png, together


def beside(*makers: Make) -> Make:
    """Return the maker of two sound class folders, and of more."""
    return together(photos("data/"), *makers)


def many_links(place: Path) -> None:
    """Make thirty folders, each with two links to the next: a billion ways to the last."""
    photos("data/")(place)
    for number in range(30):
        folder(f"data/cat/{number:02}")(place)
        for name in "ab":
            link(f"data/cat/{number:02}/{name}", f"../{number + 1:02}")(place)
    file("data/cat/30/3.png", png(7))(place)


def not_utf_8(name: bytes) -> Make:
    def make(place: Path) -> None:
        photos("data/")(place)
        path = os.fsencode(place / "data" / "cat") + b"/" + name
        with open(path, "wb") as made:  # noqa: PTH123  # a path of bytes
            made.write(png())

    return make


def closed(place: Path) -> None:
    photos("data/")(place)
    (place / "data" / "dog").chmod(0)


def a_socket(place: Path) -> None:
    photos("data/")(place)
    here = Path.cwd()
    os.chdir(place / "data" / "cat")  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("9.png")
    os.chdir(here)


Folder = partial(Kind, line="detect data --folds 2 --dry-run", names="data")
KINDS = [
    Folder(what="an empty folder", make=folder("data"), code="no-class-folders"),
    Folder(what="images without class folders", make=together(file("data/1.png", png())), code="no-class-folders"),
    Folder(
        what="class folders that are empty",
        make=together(folder("data/cat"), folder("data/dog")),
        code="no-class-folders",
    ),
    Folder(
        what="class folders of other files",
        make=together(file("data/cat/a.doc", "a"), file("data/dog/b.doc", "b")),
        code="no-class-folders",
    ),
    Folder(
        what="more texts than images",
        make=beside(*(file(f"data/cat/{row}.txt", "a") for row in range(5))),
        code="images-and-texts",
    ),
    Folder(
        what="texts and a pipe called one",
        make=together(file("data/cat/a.txt", "a"), file("data/dog/b.txt", "b"), pipe("data/dog/c.txt")),
    ),
    Folder(
        what="texts in several encodings",
        make=together(
            file("data/cat/a.txt", "größe".encode("utf-16")),
            file("data/cat/b.txt", "größe".encode("latin-1")),
            file("data/dog/c.txt", "größe"),
            file("data/dog/d.txt", ""),
        ),
    ),
    Folder(
        what="boxes of YOLO",
        make=together(photos("data/images/"), file("data/labels/1.txt", "0 0.5 0.5 0.2 0.2\n")),
        code="not-judged",
    ),
    Folder(
        what="boxes of COCO",
        make=beside(file("data/annotations/instances_val.json", '{"images": [], "annotations": []}')),
        code="not-judged",
    ),
    Folder(
        what="a pipe where boxes would be",
        make=beside(folder("data/labels"), pipe("data/labels/1.txt")),
        read_as="read, with a note",
    ),
    Folder(
        what="masks beside images",
        make=together(file("data/images/1.png", png()), file("data/masks/1.png", png(1))),
        code="not-judged",
    ),
    Folder(what="sounds", make=together(file("data/a/1.wav", ""), file("data/b/2.mp3", "")), code="not-judged"),
    Folder(what="videos", make=together(file("data/a/1.mp4", ""), file("data/b/2.avi", "")), code="not-judged"),
    Folder(what="one class", make=file("data/cat/1.png", png()), code="one-class"),
    Folder(what="hidden class folders only", make=photos("data/."), code="no-class-folders"),
    Folder(
        what="a manifest beside images without class folders",
        make=together(file("data/1.png", png()), file("data/labels.csv", "")),
        code="no-class-folders",
    ),
    Folder(
        what="splits without classes",
        make=together(file("data/train/1.png", png()), file("data/test/1.png", png())),
        code="no-class-folders",
    ),
    Folder(
        what="a split that is not there",
        make=photos("data/train/"),
        line="detect data --split test",
        code="unknown-split",
    ),
    Folder(
        what="a split of folders without splits",
        make=photos("data/"),
        line="detect data --split train",
        code="no-splits",
    ),
    Folder(
        what="a file name that is not UTF-8",
        make=not_utf_8(b"\xff.png"),
        code="not-utf8",
        names="udcff.png",
    ),
    Folder(what="a class folder that may not be listed", make=closed, code="unreadable", as_root=False),
    Folder(what="a folder that is a link to itself", make=link("data", "data"), code="broken-link"),
    Folder(what="an empty class folder", make=beside(folder("data/fox")), read_as="read, with a note"),
    Folder(
        what="one split beside class folders",
        make=beside(file("data/train/1.png", png())),
        read_as="read as a class, with a note",
    ),
    Folder(what="nested folders in a class", make=beside(file("data/cat/a/b/c/d/3.png", png(9)))),
    Folder(
        what="hidden files",
        make=beside(file("data/cat/.3.png", png()), file("data/.cache/1.png", png())),
        read_as="left out, with a note",
    ),
    Folder(
        what="files that are not images", make=beside(file("data/cat/Thumbs.db", "a")), read_as="left out, with a note"
    ),
    Folder(what="a pipe called like an image", make=beside(pipe("data/cat/9.png")), read_as="left out, with a note"),
    Folder(what="a socket called like an image", make=a_socket, read_as="left out, with a note"),
    Folder(what="a folder called like an image", make=beside(folder("data/cat/9.png")), read_as="read as a folder"),
    Folder(what="a link to its own folder", make=beside(link("data/cat/again", ".")), read_as="left out, with a note"),
    Folder(
        what="two folders that link to each other",
        make=beside(link("data/cat/dogs", "../dog"), link("data/dog/cats", "../cat")),
        read_as="each folder once in a class",
    ),
    Folder(what="a billion ways through links", make=many_links, read_as="each folder once in a class"),
    Folder(
        what="a link in a circle without an image's name",
        make=beside(link("data/cat/round", "round")),
        read_as="left out, with a note",
    ),
    Folder(
        what="names with line ends, quotes and commas", make=beside(file('data/a"b,\n c/1.png', png(3))), read_as="read"
    ),
    Folder(
        what="a name of 255 characters", make=beside(file(f"data/{'k' * 255}/{'a' * 251}.png", png(3))), read_as="read"
    ),
]
