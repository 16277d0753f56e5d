"""Folders of images, one folder a class: torchvision's ImageFolder convention.

Top folders that are all called train, val, valid, validation or test are splits, with class folders inside.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, ImageFiles, is_utf_8, make_dataset
from labelscan.data.readers.sheet import SUFFIXES
from labelscan.data.readers.splits import wanted_splits
from labelscan.errors import DatasetError, Problem
from labelscan.events import Listener, StepAdvanced

SETTINGS = frozenset({"split"})
EXTENSIONS = frozenset(["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "ppm", "pgm"])
SPLIT_FOLDERS = frozenset(["train", "val", "valid", "validation", "test"])
FILES_BETWEEN_EVENTS = 10_000


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
    loops: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    """Class folders without images."""

    def add(self, path: str, label: str, split: str) -> None:
        self.paths.append(path)
        self.labels.append(label)
        self.splits.append(split)
        if len(self.paths) % FILES_BETWEEN_EVENTS == 0:
            self.notify(StepAdvanced("read", len(self.paths)))


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a folder."""
    return Path(config.data).expanduser().is_dir()


def read(config: DatasetConfig, notify: Listener) -> Dataset:
    """Return the images in the class folders of ``config.data``; ids are paths relative to it."""
    root = Path(config.data).expanduser()
    listing = _Listing(str(root), notify)
    top = _folders(listing, "")
    has_splits = bool(top) and all(name.lower() in SPLIT_FOLDERS for name in top)
    hint = "splits are top folders that are all called train, val, valid or test"
    wanted = wanted_splits(config.split, top if has_splits else [], where=config.data, none_hint=hint)
    for split in sorted(wanted) if has_splits else [""]:
        for label in _folders(listing, split) if split else top:
            _list_class(listing, label, split)
    if not listing.paths:
        raise _nothing_found(root, top)
    _check_names(listing)
    return make_dataset(
        name=(root.name if root.name not in ("", "..") else root.resolve().name) or "data",
        inputs=ImageFiles(root, as_strings(listing.paths)),
        labels=listing.labels,
        example_ids=listing.paths,
        where=lambda row: str(root / listing.paths[row]),
        ids_depend_on_order=False,
        splits=listing.splits if has_splits else None,
        notes=_notes(listing, [] if has_splits else top),
    )


def _list_class(listing: _Listing, label: str, split: str) -> None:
    folder = f"{split}/{label}" if split else label
    before = len(listing.paths)
    for path in _walk(listing, folder):
        listing.add(path, label, split)
    if len(listing.paths) == before:
        listing.empty.append(folder)


def _folders(listing: _Listing, folder: str) -> list[str]:
    """Return the names of the folders in a folder of classes or splits, and count the other files."""
    names = []
    for entry in _entries(listing, folder):
        if entry.is_dir():
            names.append(entry.name)
        elif _is_image(listing, entry):
            listing.outside += 1
    return sorted(names)


def _walk(listing: _Listing, top: str) -> Iterator[str]:
    """Yield the images below a class folder, following links to folders."""
    waiting = [(top, frozenset([_identity(listing, top)]))]
    while waiting:
        folder, ancestors = waiting.pop()
        for entry in _entries(listing, folder):
            path = f"{folder}/{entry.name}"
            if entry.is_dir():
                place = _identity(listing, path)
                if place in ancestors:
                    listing.loops.append(path)
                else:
                    waiting.append((path, ancestors | {place}))
            elif _is_image(listing, entry):
                yield path


def is_called_image(name: str) -> bool:
    """Return whether a file, by its name or path, is an image."""
    return _extension(name) in EXTENSIONS


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _entries(listing: _Listing, folder: str) -> Iterator["os.DirEntry[str]"]:
    """Yield the entries of a folder that are not hidden."""
    where = f"{listing.root}/{folder}" if folder else listing.root
    try:
        with os.scandir(where) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    listing.hidden += 1
                else:
                    yield entry
    except OSError as error:
        raise DatasetError(f"the folder cannot be listed ({error.strerror})", where=where) from error


def _is_image(listing: _Listing, entry: "os.DirEntry[str]") -> bool:
    # A broken link is an image that is unreadable; a pipe or a device is not an image.
    if is_called_image(entry.name) and (entry.is_file() or entry.is_symlink()):
        return True
    extension = _extension(entry.name)
    listing.others[f".{extension}" if extension else "no extension"] += 1
    return False


def _identity(listing: _Listing, folder: str) -> tuple[int, int]:
    status = Path(f"{listing.root}/{folder}").stat()
    return status.st_dev, status.st_ino


def _check_names(listing: _Listing) -> None:
    """Raise DatasetError for names that cannot be written to a table."""
    DatasetError.refuse(
        [path for path in listing.paths if not is_utf_8(path)],
        lambda path: Problem(
            "the file name is not UTF-8",
            path.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace"),
            "rename it, or mount the disk with another encoding",
        ),
    )


def _nothing_found(root: Path, top: list[str]) -> DatasetError:
    hint = f"put the images of each class into a folder of its own ({', '.join(sorted(EXTENSIONS))})"
    if manifests := sorted(path.name for path in root.iterdir() if path.suffix.lower() in SUFFIXES):
        hint = f"to read a manifest, give the file itself: {root / manifests[0]}"
    what = "no image in any class folder" if top else "no class folder"
    return DatasetError(what, where=str(root), hint=hint)


def _notes(listing: _Listing, classes: list[str]) -> list[str]:
    notes = []
    if listing.empty:
        notes.append(f"class folders without images: {_some(listing.empty)}")
    if listing.outside:
        notes.append(f"images ignored outside the class folders: {listing.outside:,}")
    if listing.others:
        kinds = _some([extension for extension, _ in listing.others.most_common()])
        notes.append(f"files ignored that are not images: {listing.others.total():,} ({kinds})")
    if listing.hidden:
        notes.append(f"hidden files and folders ignored: {listing.hidden:,}")
    if listing.loops:
        notes.append(f"links ignored that lead back to a parent folder: {_some(listing.loops)}")
    if like_splits := [name for name in classes if name.lower() in SPLIT_FOLDERS]:
        notes.append(f"read as classes, not as splits, since there are other folders too: {_some(like_splits)}")
    return notes


def _some(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
