"""A manifest: a sheet with one row an image or a text, the path of its file and its label."""

import os
import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path, PurePath

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import Texts
from labelscan.data.readers.columns import ROLE_SETTINGS, has_path, is_seen
from labelscan.data.readers.copies import folder_of_files
from labelscan.data.readers.labelled_rows import read_rows, sheet_of
from labelscan.data.readers.sheet import column_names, is_sheet
from labelscan.data.readers.text_files import is_called_text, read_text_files
from labelscan.errors import DatasetError, Problem
from labelscan.events import Listener
from labelscan.files import storage
from labelscan.files.reading import with_home
from labelscan.files.storage import Status
from labelscan.files.urls import HERE, WEB, folder_of, holds_password, is_url, joined, name_of, protocol_of, relative
from labelscan.images.remote import UrlImages, images_at
from labelscan.images.sources import ImageFiles

SETTINGS = ROLE_SETTINGS.union(["path_column", "encoding", "exclude", "include"])
LIST_FOLDER_FROM = 64
"""A folder of at least this many images is listed once, not asked for each of them: far faster on network disks."""
BOXES = "bbox; bboxes; boxes; segmentation; annotations; xmin xmax; x_min x_max; x1 y1 x2 y2"
"""Columns that describe parts of images; groups of them only together."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet that lists files, in a column that models may see."""
    path = with_home(config.data)
    if not is_sheet(path) or config.text_column:
        return False
    return has_path([name for name in column_names(path, config.encoding) if is_seen(name, config)], config)


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the images or texts that a manifest lists; ids are its id column, else paths relative to its folder.

    Raises:
        DatasetError: columns, cells or files are missing; up to 20 problems at once.
    """
    path, names = sheet_of(config)
    _refuse_boxes(names, path.name)
    rows = read_rows(path, names, config, with_path=True)
    paths, where = rows.sheet.columns[rows.columns.path], rows.sheet.where
    folder = folder_of_files(path)
    _check_urls(folder, paths, where)
    if isinstance(folder, Path):
        _check_files(folder, paths, where, rows.columns.path)
    inputs, notes = _inputs(folder, paths, where, config.encoding)
    ids = [relative_path(folder, name) for name in paths]
    return rows.dataset(inputs, [rows.columns.describe(), *notes], ids=ids)


def _inputs(
    folder: Path | str, paths: Sequence[str], where: Callable[[int], str], encoding: str
) -> tuple[ImageFiles | UrlImages | Texts, list[str]]:
    """Return the files that are listed, and notes on them; they are texts where all are called so."""
    are_texts = [is_called_text(name) for name in paths]
    if all(are_texts) and paths:
        return read_text_files(folder, paths, encoding)
    few = [row for row, is_text in enumerate(are_texts) if is_text]
    hint = "list images and texts in files of their own"
    DatasetError.refuse(
        few, lambda row: Problem("images-and-texts", f"{paths[row]!r} is a text among images", where(row), hint)
    )
    return images_at(folder, paths, _known_of(folder, paths)), []


def _known_of(folder: Path | str, paths: Sequence[str]) -> list[Status]:
    """Return what listings say of files elsewhere; on the web, which has none, nothing is known."""
    urls = [joined(folder, name) if isinstance(folder, str) else name for name in paths]
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, url in enumerate(urls):
        if is_url(url) and protocol_of(url) not in WEB:
            rows_of[folder_of(url)].append(row)
    known = [Status()] * len(urls)
    for place, rows in rows_of.items():
        there = storage.files_below(place, depth=1) if len(rows) >= LIST_FOLDER_FROM else {}
        for row in rows if there else ():
            known[row] = there.get(name_of(urls[row]), Status())
    return known


def _refuse_boxes(names: Sequence[str], where: str) -> None:
    there = {name.strip().lower(): name for name in names}
    for group in map(str.split, BOXES.split(";")):
        if all(name in there for name in group):
            columns = ", ".join(there[name] for name in group)
            what = f"the columns {columns} describe" if len(group) > 1 else f"the column {columns} describes"
            raise DatasetError(
                "not-judged",
                f"{what} boxes or parts of images; several labels for one image are not supported",
                where=where,
                hint="save each part as an image of its own, and take these columns out",
            )


def relative_path(folder: Path | str, name: str) -> str:
    """Return a path or address relative to ``folder`` if it is inside, with / between folders."""
    if is_url(name):
        return relative(name, str(folder))
    path = PurePath(name)
    if path.is_absolute() and isinstance(folder, Path):
        absolute = PurePath(os.path.normpath(folder.absolute()))
        path = PurePath(os.path.normpath(path))
        return path.relative_to(absolute).as_posix() if path.is_relative_to(absolute) else path.as_posix()
    return PurePath(os.path.normpath(path)).as_posix()


def _check_files(folder: Path, paths: Sequence[str], where: Callable[[int], str], column: str) -> None:
    """Raise DatasetError for files that are not there; the store finds those that cannot be opened or decoded."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(paths):
        if not is_url(name):
            rows_of[name.rpartition("/")[0]].append(row)
    missing: list[int] = []
    for rows in rows_of.values():
        there: Collection[str] = ()
        if len(rows) >= LIST_FOLDER_FROM:
            parent = (folder / paths[rows[0]]).parent
            with suppress(OSError, ValueError), os.scandir(parent) as entries:  # else each is asked for, and reported
                there = {entry.name for entry in entries}
        missing += [
            row for row in rows if paths[row].rpartition("/")[2] not in there and _is_missing(folder / paths[row])
        ]

    def problem(row: int) -> Problem:
        name = paths[row]
        hint = f"paths are absolute, or relative to {folder}; "
        hint += f"if {column!r} holds none, use --exclude {shlex.quote(column)}"
        if (folder / name.strip()).exists():
            hint = "take out the spaces around the path"
        elif (folder / name.replace("\\", "/")).exists():
            hint = "write / between folders"
        return Problem("no-file", f"no such file: {folder / name}", where(row), hint)

    DatasetError.refuse(sorted(missing), problem)


def _check_urls(folder: Path | str, paths: Sequence[str], where: Callable[[int], str]) -> None:
    """Raise DatasetError for addresses with credentials, and for paths of this machine in a sheet from elsewhere."""
    secret = [row for row, name in enumerate(paths) if is_url(name) and holds_password(name)]
    hint = "take it out; fsspec finds credentials in the environment, ~/.aws and ~/.config/fsspec"
    DatasetError.refuse(
        secret, lambda row: Problem("password-in-address", "an address holds a user and password", where(row), hint)
    )
    if isinstance(folder, Path):
        return
    local = [row for row, name in enumerate(paths) if PurePath(name).is_absolute() or protocol_of(name) in HERE]
    hint = "list addresses, or paths relative to the manifest"
    problem = "a path of one machine, in a list that lies elsewhere"
    DatasetError.refuse(local, lambda row: Problem("not-an-address", f"{paths[row]!r} is {problem}", where(row), hint))


def _is_missing(path: Path) -> bool:
    """Return whether nothing is at ``path``; where the system cannot tell, its row is kept, with the reason."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # too long, in a folder that may not be entered, with a NUL
        return False
    return False
