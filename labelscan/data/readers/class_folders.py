"""Folders of images or texts, one folder a class: torchvision's ImageFolder convention.

Top folders that are all called train, val, valid, validation or test are splits, with class folders inside.
"""

import shlex
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.inputs import Texts
from labelscan.data.readers.arrow_sheet import is_arrow_folder
from labelscan.data.readers.folder_listing import (
    BARE,
    EXTENSIONS,
    IMAGES,
    SPLIT_FOLDERS,
    TEXTS,
    Files,
    Kind,
    Listing,
    LocalTree,
    UrlTree,
    is_called_image,
)
from labelscan.data.readers.labelled_rows import wanted_splits
from labelscan.data.readers.sheet import SUFFIXES
from labelscan.data.readers.text_files import holds_text, is_called_text, read_text_files
from labelscan.data.readers.unsupported import A_RUN, OF_A_RUN, refuse_media
from labelscan.errors import DatasetError
from labelscan.events import Listener
from labelscan.files import storage
from labelscan.files.reading import with_home
from labelscan.files.storage import Status
from labelscan.files.urls import is_url, joined, name_of, place_of
from labelscan.images.remote import UrlImages, images_at
from labelscan.images.sources import ImageFiles

SETTINGS = frozenset({"split", "encoding"})
PROBED = 20
"""How many files without an extension are looked at to know whether they are texts."""
MOST_LOOKED_AT = 100
"""Entries of a folder that a hint may cost to look at."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a folder, and not of Arrow files; any address may be one."""
    if is_url(config.data):
        return True
    path = with_home(config.data)
    return path.is_dir() and not is_arrow_folder(path)


def read(config: DatasetConfig, notify: Listener) -> Dataset:
    """Return the images, or else the texts, in the class folders of ``config.data``; ids are paths relative to it."""
    root = config.data.rstrip("/") if is_url(config.data) else with_home(config.data)
    there = {} if isinstance(root, Path) else storage.files_below(root)
    listing = Listing(LocalTree(str(root)) if isinstance(root, Path) else UrlTree(there), notify)
    top = listing.subfolders("")
    has_splits = bool(top) and all(name.lower() in SPLIT_FOLDERS for name in top)
    hint = "splits are top folders that are all called train, val, valid or test"
    wanted = wanted_splits(config.split, top if has_splits else [], where=config.data, none_hint=hint)
    for split in sorted(wanted) if has_splits else [""]:
        for label in listing.subfolders(split) if split else top:
            listing.add_class(label, split)
    kind = _kind_to_read(listing, root, config.encoding)
    files = listing.files[kind]
    if not files.paths:
        refuse_media(listing.extensions["others"], str(root))
        if not isinstance(root, Path):
            raise _nothing_at(root, there)
        raise _nothing_found(root, top, listing.outside[IMAGES] + listing.outside[TEXTS])
    path = Path(name_of(root)) if isinstance(root, str) else root
    inputs, notes = _inputs(kind, root, files, there, config.encoding)
    return make_dataset(
        name=(path.name if path.name not in ("", "..") else path.resolve().name) or "data",
        inputs=inputs,
        labels=files.labels,
        example_ids=files.paths,
        # A name that is not UTF-8 is refused, and shown as messages can write it.
        where=lambda row: place_of(root, files.paths[row]).encode("utf-8", "backslashreplace").decode(),
        ids_depend_on_order=False,
        splits=files.splits if has_splits else None,
        notes=[*listing.notes(kind, [] if has_splits else top), *notes],
    )


def _kind_to_read(listing: Listing, root: Path | str, encoding: str) -> Kind:
    """Return what the data set is of; a few texts beside images are notes on them."""
    images, texts, bare = (listing.files[kind].paths for kind in (IMAGES, TEXTS, BARE))
    if images and len(texts) > len(images):
        raise DatasetError(
            "images-and-texts",
            f"{len(images):,} images and {len(texts):,} texts: it is not clear which are the examples",
            where=str(root),
            hint="put images and texts into folders of their own",
        )
    if images:
        return IMAGES
    if texts or not bare or isinstance(root, str):  # files elsewhere say by their names what they are
        return TEXTS
    probed = sorted(bare)[:PROBED]
    n_texts = sum(holds_text(root / path, encoding) for path in probed)
    return BARE if 2 * n_texts > len(probed) else TEXTS  # those that are none keep their rows, with the reason


def _inputs(
    kind: Kind, root: Path | str, files: Files, there: Mapping[str, Status], encoding: str
) -> tuple[ImageFiles | UrlImages | Texts, list[str]]:
    if kind != IMAGES:
        return read_text_files(root, files.paths, encoding)
    if isinstance(root, Path):
        return ImageFiles(root, as_strings(files.paths)), []
    return images_at(root, files.paths, [there[path] for path in files.paths]), []


def _nothing_at(url: str, there: Mapping[str, Status]) -> DatasetError:
    sheets = sorted(path for path in there if path.lower().endswith(SUFFIXES))
    if not there:
        return DatasetError(
            "no-file", "no file is below this address", where=url, hint="check it, and that you may list it"
        )
    if there.keys() >= set(OF_A_RUN):
        hint = f"look at it by labelscan status {shlex.quote(url)}, or give the data that it was made of"
        return DatasetError("run-not-data", A_RUN, where=url, hint=hint)
    hint = "put the images or texts of each class into a folder of its own"
    if sheets:
        hint = f"to read a sheet, give the file itself: {joined(url, sheets[0])}"
    return DatasetError(
        "no-class-folders", f"{len(there):,} files, and no image or text in a class folder", where=url, hint=hint
    )


def _nothing_found(root: Path, top: list[str], n_outside: int) -> DatasetError:
    what = "no image or text in any class folder" if top else "no class folder"
    parent = (root if root.name not in ("", "..") else root.resolve()).parent
    hint = f"put the images or texts of each class into a folder of its own ({', '.join(sorted(EXTENSIONS))}, txt)"
    if manifests := sorted(path.name for path in root.iterdir() if path.suffix.lower() in SUFFIXES):
        hint = f"to read a manifest, give the file itself: {root / manifests[0]}"
    elif n_outside and _has_class_folders(parent):
        what = "this folder holds images or texts, and no class folders"
        hint = f"its parent {parent} has class folders: labelscan detect {shlex.quote(str(parent))}"
    return DatasetError("no-class-folders", what, where=str(root), hint=hint)


def _has_class_folders(folder: Path) -> bool:
    """Return whether two folders at least, of the first in ``folder``, hold an example among their first entries."""
    n_found = 0
    try:
        for inside in islice((one for one in folder.iterdir() if one.is_dir()), MOST_LOOKED_AT):
            names = [one.name for one in islice(inside.iterdir(), MOST_LOOKED_AT)]
            n_found += any(is_called_image(name) or is_called_text(name) for name in names)
            if n_found == 2:
                return True
    except OSError:  # one that may not be listed
        pass
    return False
