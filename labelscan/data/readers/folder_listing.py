"""What is in folders of class folders: the files of each kind with their classes and splits, and what was left out."""

import heapq
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from labelscan.data.readers.text_files import is_called_text
from labelscan.errors import DatasetError
from labelscan.events import Listener, StepAdvanced

Kind: TypeAlias = Literal["images", "texts", "files without an extension", "others"]
IMAGES: Kind = "images"
TEXTS: Kind = "texts"
BARE: Kind = "files without an extension"
OTHERS: Kind = "others"
EXTENSIONS = frozenset(["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "ppm", "pgm"])
SPLIT_FOLDERS = frozenset(["train", "val", "valid", "validation", "test"])
FILES_BETWEEN_EVENTS = 10_000


@dataclass
class Files:
    """N files of one kind in class folders. Paths are text relative to the root: Path objects would fill the memory."""

    paths: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    """The class folders that they are in."""


class Entry(NamedTuple):
    """A file or folder in a folder; a link is what it leads to."""

    name: str
    is_folder: bool = False
    is_link: bool = False
    is_file: bool = True


class LocalTree:
    """Folders in a folder of this machine; each is named by its path from the top, whose own is empty."""

    def __init__(self, root: str) -> None:
        self._root = root

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what is in a folder, in any order."""
        where = f"{self._root}/{folder}" if folder else self._root
        try:
            with os.scandir(where) as entries:
                for one in entries:
                    # A broken link is an image that is unreadable; a pipe or a device is not an image.
                    is_link = one.is_symlink()
                    yield Entry(one.name, _is_folder(one), is_link, is_link or one.is_file())
        except OSError as error:
            raise DatasetError("unreadable", f"the folder cannot be listed ({error.strerror})", where=where) from error

    def identity(self, folder: str) -> Hashable:
        """Return what two paths to one folder have in common."""
        status = Path(f"{self._root}/{folder}").stat()
        return status.st_dev, status.st_ino


class UrlTree:
    """Folders in folders of a storage, where there are no links, by the paths of the files in them."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        folders = {""}
        for path in paths:
            folder, _, name = path.rpartition("/")
            self._entries[folder].append(Entry(name))
            while folder not in folders:
                folders.add(folder)
                parent, _, name = folder.rpartition("/")
                self._entries[parent].append(Entry(name, is_folder=True))
                folder = parent

    def entries(self, folder: str) -> Iterator[Entry]:
        yield from self._entries[folder]

    def identity(self, folder: str) -> Hashable:
        return folder


@dataclass
class Listing:
    """What was found so far."""

    tree: LocalTree | UrlTree
    notify: Listener
    files: dict[Kind, Files] = field(default_factory=lambda: {kind: Files() for kind in (IMAGES, TEXTS, BARE)})
    """By what they are called; others are only counted."""
    classes: list[str] = field(default_factory=list)
    """The class folders, with their splits."""
    hidden: int = 0
    extensions: dict[Kind, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How many files end how, wherever they are."""
    outside: Counter[Kind] = field(default_factory=Counter)
    """Files outside the class folders."""
    again: list[str] = field(default_factory=list)
    """Links to folders that were read already."""

    def add_class(self, label: str, split: str) -> None:
        folder = f"{split}/{label}" if split else label
        self.classes.append(folder)
        for kind, path in self._walk(folder):
            files = self.files[kind]
            files.paths.append(path)
            files.labels.append(label)
            files.splits.append(split)
            files.folders.add(folder)
            if len(files.paths) % FILES_BETWEEN_EVENTS == 0:
                self.notify(StepAdvanced("read", len(files.paths)))

    def subfolders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder of classes or splits, and count the files beside them."""
        names = []
        for entry in self._entries(folder):
            if entry.is_folder:
                names.append(entry.name)
            elif (kind := self._kind(entry)) != OTHERS:
                self.outside[kind] += 1
        return sorted(names)

    def _walk(self, top: str) -> Iterator[tuple[Kind, str]]:
        """Yield the files below a class folder, following links to folders, each folder once.

        Links to links can lead to one folder in more ways than there is time for. They come last, in the order of their
        paths, so that a file has the same path whatever order the system lists them in.
        """
        folders, links, read = [top], list[str](), set[Hashable]()
        while folders or links:
            is_link = not folders
            folder = folders.pop() if folders else heapq.heappop(links)
            place = self.tree.identity(folder)
            if place in read:
                if is_link:
                    self.again.append(folder)
                continue
            read.add(place)
            for entry in self._entries(folder):
                path = f"{folder}/{entry.name}"
                if entry.is_folder and entry.is_link:
                    heapq.heappush(links, path)
                elif entry.is_folder:
                    folders.append(path)
                elif (kind := self._kind(entry)) != OTHERS:
                    yield kind, path

    def _entries(self, folder: str) -> Iterator[Entry]:
        """Yield the entries of a folder that are not hidden."""
        for entry in self.tree.entries(folder):
            if entry.name.startswith("."):
                self.hidden += 1
            else:
                yield entry

    def _kind(self, entry: Entry) -> Kind:
        """Return what a file is called, and count it."""
        extension = _extension(entry.name)
        kind: Kind = OTHERS
        if entry.is_file and is_called_image(entry.name):
            kind = IMAGES
        elif entry.is_file and is_called_text(entry.name):
            kind = TEXTS
        elif entry.is_file and not extension:
            kind = BARE
        self.extensions[kind][f".{extension}" if extension else "no extension"] += 1
        return kind

    def notes(self, kind: Kind, classes: Collection[str]) -> list[str]:
        """Return what a user should know about what was left out, where files of one kind are read."""
        notes = []
        what = kind if kind == IMAGES else TEXTS
        if empty := [folder for folder in self.classes if folder not in self.files[kind].folders]:
            notes.append(f"class folders without {what}: {_some(empty)}")
        if self.outside[kind]:
            notes.append(f"{what} ignored outside the class folders: {self.outside[kind]:,}")
        others = sum((found for other, found in self.extensions.items() if other != kind), Counter[str]())
        if others:
            kinds = _some([extension for extension, _ in others.most_common()])
            notes.append(f"files ignored that are not {what}: {others.total():,} ({kinds})")
        if self.hidden:
            notes.append(f"hidden files and folders ignored: {self.hidden:,}")
        if self.again:
            notes.append(f"links ignored that lead back to a folder of the class: {_some(self.again)}")
        if like_splits := [name for name in classes if name.lower() in SPLIT_FOLDERS]:
            notes.append(f"read as classes, not as splits, since there are other folders too: {_some(like_splits)}")
        return notes


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, say: as an image it keeps its row, with the reason
        return False


def is_called_image(name: str) -> bool:
    """Return whether a file, by its name or path, is an image."""
    return _extension(name) in EXTENSIONS


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _some(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
