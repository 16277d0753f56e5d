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
    Folder("an empty folder", folder("data"), "no-class-folders"),
    Folder("images without class folders", together(file("data/1.png", png())), "no-class-folders"),
    Folder("class folders that are empty", together(folder("data/cat"), folder("data/dog")), "no-class-folders"),
    Folder(
        "class folders of other files",
        together(file("data/cat/a.doc", "a"), file("data/dog/b.doc", "b")),
        "no-class-folders",
    ),
    Folder(
        "more texts than images", beside(*(file(f"data/cat/{row}.txt", "a") for row in range(5))), "images-and-texts"
    ),
    Folder(
        "texts and a pipe called one",
        together(file("data/cat/a.txt", "a"), file("data/dog/b.txt", "b"), pipe("data/dog/c.txt")),
    ),
    Folder(
        "texts in several encodings",
        together(
            file("data/cat/a.txt", "größe".encode("utf-16")),
            file("data/cat/b.txt", "größe".encode("latin-1")),
            file("data/dog/c.txt", "größe"),
            file("data/dog/d.txt", ""),
        ),
    ),
    Folder(
        "boxes of YOLO",
        together(photos("data/images/"), file("data/labels/1.txt", "0 0.5 0.5 0.2 0.2\n")),
        "not-judged",
    ),
    Folder(
        "boxes of COCO",
        beside(file("data/annotations/instances_val.json", '{"images": [], "annotations": []}')),
        "not-judged",
    ),
    Folder(
        "a pipe where boxes would be",
        beside(folder("data/labels"), pipe("data/labels/1.txt")),
        read_as="read, with a note",
    ),
    Folder(
        "masks beside images",
        together(file("data/images/1.png", png()), file("data/masks/1.png", png(1))),
        "not-judged",
    ),
    Folder("sounds", together(file("data/a/1.wav", ""), file("data/b/2.mp3", "")), "not-judged"),
    Folder("videos", together(file("data/a/1.mp4", ""), file("data/b/2.avi", "")), "not-judged"),
    Folder("one class", file("data/cat/1.png", png()), "one-class"),
    Folder("hidden class folders only", photos("data/."), "no-class-folders"),
    Folder(
        "a manifest beside images without class folders",
        together(file("data/1.png", png()), file("data/labels.csv", "")),
        "no-class-folders",
    ),
    Folder(
        "splits without classes",
        together(file("data/train/1.png", png()), file("data/test/1.png", png())),
        "no-class-folders",
    ),
    Folder("a split that is not there", photos("data/train/"), "unknown-split", line="detect data --split test"),
    Folder("a split of folders without splits", photos("data/"), "no-splits", line="detect data --split train"),
    Folder("a file name that is not UTF-8", not_utf_8(b"\xff.png"), "not-utf8", names="udcff.png"),
    Folder("a class folder that may not be listed", closed, "unreadable", as_root=False),
    Folder("a folder that is a link to itself", link("data", "data"), "broken-link"),
    Folder("an empty class folder", beside(folder("data/fox")), read_as="read, with a note"),
    Folder(
        "one split beside class folders",
        beside(file("data/train/1.png", png())),
        read_as="read as a class, with a note",
    ),
    Folder("nested folders in a class", beside(file("data/cat/a/b/c/d/3.png", png(9)))),
    Folder(
        "hidden files",
        beside(file("data/cat/.3.png", png()), file("data/.cache/1.png", png())),
        read_as="left out, with a note",
    ),
    Folder("files that are not images", beside(file("data/cat/Thumbs.db", "a")), read_as="left out, with a note"),
    Folder("a pipe called like an image", beside(pipe("data/cat/9.png")), read_as="left out, with a note"),
    Folder("a socket called like an image", a_socket, read_as="left out, with a note"),
    Folder("a folder called like an image", beside(folder("data/cat/9.png")), read_as="read as a folder"),
    Folder("a link to its own folder", beside(link("data/cat/again", ".")), read_as="left out, with a note"),
    Folder(
        "two folders that link to each other",
        beside(link("data/cat/dogs", "../dog"), link("data/dog/cats", "../cat")),
        read_as="each folder once in a class",
    ),
    Folder("a billion ways through links", many_links, read_as="each folder once in a class"),
    Folder(
        "a link in a circle without an image's name",
        beside(link("data/cat/round", "round")),
        read_as="left out, with a note",
    ),
    Folder("names with line ends, quotes and commas", beside(file('data/a"b,\n c/1.png', png(3))), read_as="read"),
    Folder("a name of 255 characters", beside(file(f"data/{'k' * 255}/{'a' * 251}.png", png(3))), read_as="read"),
]
