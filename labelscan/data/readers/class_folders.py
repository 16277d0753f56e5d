"""Folders of images, one folder a class: torchvision's ImageFolder convention.

Top folders that are all called train, val, valid, validation or test are splits, with class folders inside.
"""

import heapq
import os
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, ImageFiles, make_dataset
from labelscan.data.readers.sheet import SUFFIXES
from labelscan.data.readers.splits import wanted_splits
from labelscan.data.refused_rows import is_utf_8
from labelscan.errors import DatasetError, Problem
from labelscan.events import Listener, StepAdvanced
from labelscan.reading import with_home

SETTINGS = frozenset({"split"})
EXTENSIONS = frozenset(["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "ppm", "pgm"])
SPLIT_FOLDERS = frozenset(["train", "val", "valid", "validation", "test"])
FILES_BETWEEN_EVENTS = 10_000
MOST_LOOKED_AT = 100
"""Entries of a folder that a hint may cost to look at."""


@dataclass
class _Listing:
    """What was found so far. Paths are text relative to the root: a million Path objects would fill the memory."""

    root: str
    notify: Listener
    paths: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    hidden: int = 0
    others: Counter[str] = field(default_factory=Counter)
    """Files that are not images, by extension."""
    outside: int = 0
    """Images outside the class folders."""
    again: list[str] = field(default_factory=list)
    """Links to folders that were read already."""
    empty: list[str] = field(default_factory=list)
    """Class folders without images."""

    def add_class(self, label: str, split: str) -> None:
        folder = f"{split}/{label}" if split else label
        before = len(self.paths)
        for path in self._walk(folder):
            self.paths.append(path)
            self.labels.append(label)
            self.splits.append(split)
            if len(self.paths) % FILES_BETWEEN_EVENTS == 0:
                self.notify(StepAdvanced("read", len(self.paths)))
        if len(self.paths) == before:
            self.empty.append(folder)

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder of classes or splits, and count the other files."""
        names = []
        for entry in self._entries(folder):
            if _is_folder(entry):
                names.append(entry.name)
            elif self._is_image(entry):
                self.outside += 1
        return sorted(names)

    def _walk(self, top: str) -> Iterator[str]:
        """Yield the images below a class folder, following links to folders, each folder once.

        Links to links can lead to one folder in more ways than there is time for. They come last, in the order of their
        paths, so that an image has the same path whatever order the system lists them in.
        """
        folders, links, read = [top], list[str](), set[tuple[int, int]]()
        while folders or links:
            is_link = not folders
            folder = folders.pop() if folders else heapq.heappop(links)
            place = self._identity(folder)
            if place in read:
                if is_link:
                    self.again.append(folder)
                continue
            read.add(place)
            for entry in self._entries(folder):
                path = f"{folder}/{entry.name}"
                if _is_folder(entry) and entry.is_symlink():
                    heapq.heappush(links, path)
                elif _is_folder(entry):
                    folders.append(path)
                elif self._is_image(entry):
                    yield path

    def _entries(self, folder: str) -> Iterator["os.DirEntry[str]"]:
        """Yield the entries of a folder that are not hidden."""
        where = f"{self.root}/{folder}" if folder else self.root
        try:
            with os.scandir(where) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        self.hidden += 1
                    else:
                        yield entry
        except OSError as error:
            raise DatasetError(f"the folder cannot be listed ({error.strerror})", where=where) from error

    def _is_image(self, entry: "os.DirEntry[str]") -> bool:
        # A broken link is an image that is unreadable; a pipe or a device is not an image.
        if is_called_image(entry.name) and (entry.is_symlink() or entry.is_file()):
            return True
        extension = _extension(entry.name)
        self.others[f".{extension}" if extension else "no extension"] += 1
        return False

    def _identity(self, folder: str) -> tuple[int, int]:
        status = Path(f"{self.root}/{folder}").stat()
        return status.st_dev, status.st_ino

    def check_names(self) -> None:
        """Raise DatasetError for names that cannot be written to a table."""
        DatasetError.refuse(
            [path for path in self.paths if not is_utf_8(path)],
            lambda path: Problem(
                "the file name is not UTF-8",
                path.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace"),
                "rename it, or mount the disk with another encoding",
            ),
        )

    def notes(self, classes: list[str]) -> list[str]:
        notes = []
        if self.empty:
            notes.append(f"class folders without images: {_some(self.empty)}")
        if self.outside:
            notes.append(f"images ignored outside the class folders: {self.outside:,}")
        if self.others:
            kinds = _some([extension for extension, _ in self.others.most_common()])
            notes.append(f"files ignored that are not images: {self.others.total():,} ({kinds})")
        if self.hidden:
            notes.append(f"hidden files and folders ignored: {self.hidden:,}")
        if self.again:
            notes.append(f"links ignored that lead back to a folder of the class: {_some(self.again)}")
        if like_splits := [name for name in classes if name.lower() in SPLIT_FOLDERS]:
            notes.append(f"read as classes, not as splits, since there are other folders too: {_some(like_splits)}")
        return notes


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a folder."""
    return with_home(config.data).is_dir()


def read(config: DatasetConfig, notify: Listener) -> Dataset:
    """Return the images in the class folders of ``config.data``; ids are paths relative to it."""
    root = with_home(config.data)
    listing = _Listing(str(root), notify)
    top = listing.folders("")
    has_splits = bool(top) and all(name.lower() in SPLIT_FOLDERS for name in top)
    hint = "splits are top folders that are all called train, val, valid or test"
    wanted = wanted_splits(config.split, top if has_splits else [], where=config.data, none_hint=hint)
    for split in sorted(wanted) if has_splits else [""]:
        for label in listing.folders(split) if split else top:
            listing.add_class(label, split)
    if not listing.paths:
        raise _nothing_found(root, top, listing.outside)
    listing.check_names()
    return make_dataset(
        name=(root.name if root.name not in ("", "..") else root.resolve().name) or "data",
        inputs=ImageFiles(root, as_strings(listing.paths)),
        labels=listing.labels,
        example_ids=listing.paths,
        where=lambda row: str(root / listing.paths[row]),
        ids_depend_on_order=False,
        splits=listing.splits if has_splits else None,
        notes=listing.notes([] if has_splits else top),
    )


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


def _nothing_found(root: Path, top: list[str], n_outside: int) -> DatasetError:
    what = "no image in any class folder" if top else "no class folder"
    parent = (root if root.name not in ("", "..") else root.resolve()).parent
    hint = f"put the images of each class into a folder of its own ({', '.join(sorted(EXTENSIONS))})"
    if manifests := sorted(path.name for path in root.iterdir() if path.suffix.lower() in SUFFIXES):
        hint = f"to read a manifest, give the file itself: {root / manifests[0]}"
    elif n_outside and _has_class_folders(parent):
        what = "this folder holds images and no class folders"
        hint = f"its parent {parent} has class folders: labelscan detect {shlex.quote(str(parent))}"
    return DatasetError(what, where=str(root), hint=hint)


def _has_class_folders(folder: Path) -> bool:
    """Return whether two folders at least, of the first in ``folder``, hold an image among their first entries."""
    try:
        folders = islice((one for one in folder.iterdir() if one.is_dir()), MOST_LOOKED_AT)
        hold_images = (
            any(is_called_image(one.name) for one in islice(inside.iterdir(), MOST_LOOKED_AT)) for inside in folders
        )
        return len(list(islice(filter(None, hold_images), 2))) == 2
    except OSError:  # one that may not be listed
        return False


def _some(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
