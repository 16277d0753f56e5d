"""A corrected copy as class folders of links, ready for whatever trains on folders, such as torchvision's ImageFolder.

Links are relative if possible. Where they cannot be made, or are not wanted, images and texts are copied.
"""

import os
import posixpath
import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists.made_lists import files_of
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import kind_of
from labelscan.data.readers.folder_listing import SPLIT_FOLDERS, is_called_image
from labelscan.data.readers.text_files import is_called_text
from labelscan.errors import DatasetError, Problem, UsageError
from labelscan.files.atomic import partial_path, writing
from labelscan.images.sources import ImageFiles


def write(
    dataset: Dataset, corrections: Corrections, folder: Path, *, copy: bool
) -> tuple[list[str], Mapping[str, str]]:
    """Write class folders of all images or texts that are not dropped, whole or not at all.

    Returns:
        Notes for the user, and the ids in the folder, which are paths, by those of the data set.

    ``check_folder`` has accepted ``folder``. Files are linked unless ``copy`` is set; missing ones are not copied.

    Raises:
        DatasetError: the labels cannot be names of folders, or the files would not be read as images in them.
    """
    files = _files(dataset)
    places = _places(dataset, files, corrections)
    n_missing, kind = 0, kind_of(dataset.inputs)
    with _replacing_folder(folder) as partial:
        copies = copy or not _can_link(partial)
        for row, place in places.items():
            original, image = files.file(row), partial / place
            target = original.parent.resolve() / original.name  # the image may be a link itself: it stays one
            if not target.exists():
                n_missing += 1
                if copies:
                    continue
            image.parent.mkdir(parents=True, exist_ok=True)
            if copies:
                shutil.copy2(target, image)
            else:
                start = (folder / place).parent.resolve()  # it does not exist yet; its parents may be links
                is_near = target.drive == start.drive  # else on another drive of Windows
                image.symlink_to(os.path.relpath(target, start) if is_near else target)
    notes = [f"links cannot be made there: {kind} were copied"] if copies and not copy else []
    if n_missing:
        notes.append(
            f"missing {kind}, {'which were not copied' if copies else 'whose links lead nowhere'}: {n_missing:,}"
        )
    if renamed := sum(place != dataset.example_ids[row] == files.paths[row] for row, place in places.items()):
        notes.append(
            f"ids are paths in the folder, and new for {renamed:,} of {len(places):,} {kind}: those relabelled"
        )
    return notes, {dataset.example_ids[row]: place for row, place in places.items()}


def check_folder(folder: Path, dataset: Dataset, class_folders: Path | None, *, replace: bool | None = None) -> None:
    """Check that a folder of links can be made.

    Args:
        folder: the place for it.
        dataset: what is linked to.
        class_folders: the data, None where a file lists the images.
        replace: whether a folder of links from before may be replaced; None where it is not known to be one.

    Raises:
        UsageError: the folder is not empty, or is inside the data.
        DatasetError: the examples are not image files.
    """
    files = _files(dataset)
    what, hint = "", "name a folder that is not there yet"
    if folder.is_symlink():
        what = "this is a link"
    elif folder.is_dir() and (file := _first_file(folder)):
        what = f"this folder is not empty, and files in it, such as {file!r}, are not deleted"
    elif folder.is_dir() and any(folder.iterdir()) and not replace:
        what = "this folder is not empty"
        hint += "" if replace is None else ", or add --overwrite"
    elif folder.exists() and not folder.is_dir():
        what = "this is a file, not a folder"
    if what:
        raise UsageError("folder-in-use", what, where=str(folder), hint=hint)
    place = folder.resolve()
    of_data = [*_folders(files), *([class_folders.resolve()] if class_folders else [])]
    if around := {place, *place.parents}.intersection(of_data):
        hint = f"name a folder outside {min(around, key=lambda path: len(path.parts))}"
        raise UsageError("in-the-data", "this lies in the data, which is only read", where=str(folder), hint=hint)


def _first_file(folder: Path) -> str:
    """Return the path in a folder of the first file by name that is no link, or an empty string."""
    files = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return min((str(file.relative_to(folder)) for file in files if not file.is_symlink()), default="")


def _files(dataset: Dataset) -> ImageFiles:
    if (files := files_of(dataset.inputs)) is not None:
        return files
    problem = "these examples are not images or texts in files, and there is nothing to link to"
    hint = "leave --link-to out: a corrected copy of the data is written"
    raise DatasetError("nothing-to-link", problem, where=dataset.name, hint=hint)


def _folders(files: ImageFiles) -> set[Path]:
    """Return the folders of the images, and their common parent.

    A parent that also contains the folder of the list is left out: images may be listed from all over a disk.
    """
    parents = {name.rpartition("/")[0]: row for row, name in enumerate(files.paths.tolist())}
    folders = {files.file(row).parent.resolve() for row in parents.values()}
    try:
        around = Path(os.path.commonpath(folders))
    except ValueError:  # on several drives of Windows
        return folders
    return folders if around in files.root.resolve().parents else folders | {around}


def _places(dataset: Dataset, files: ImageFiles, corrections: Corrections) -> dict[int, str]:
    """Return a distinct path in the folder for each image that is kept, by its row.

    None leads out of the folder or below another image, which may become a link to a folder of the data.
    """
    labels = corrections.labels_of(dataset)
    kept = corrections.kept_rows(dataset)
    _check_names(dataset, files, labels, kept)
    moved = [row for row in kept if corrections.new_label(dataset.example_ids[row])]
    places: dict[int, str] = {}
    taken: dict[str, int] = {}
    next_number: dict[str, int] = defaultdict(lambda: 2)
    # Images that keep their label come first, so that they keep their names too.
    for row in [*sorted(set(kept).difference(moved)), *moved]:
        old = dataset.class_names[dataset.given_labels[row]]
        split = "" if dataset.splits is None else str(dataset.splits[row])
        path = PurePosixPath(posixpath.normpath(PurePath(files.paths[row]).as_posix()))
        folder = PurePosixPath(split, old)
        in_class = path.relative_to(folder) if path.is_relative_to(folder) else path.name
        wanted = PurePosixPath(split, labels[row], in_class)
        place, key = wanted, _collision_key(wanted)
        while _collision_key(place) in taken:
            place = wanted.with_name(f"{wanted.stem}-{next_number[key]}{wanted.suffix}")
            next_number[key] += 1
        taken[_collision_key(place)] = row
        places[row] = str(place)
    _check_places(dataset, places, taken)
    return dict(sorted(places.items()))


def _collision_key(place: PurePosixPath) -> str:
    """Return a key that is equal for paths that some file system confuses, by case or accents."""
    return unicodedata.normalize("NFC", str(place).casefold())


def _check_places(dataset: Dataset, places: dict[int, str], taken: dict[str, int]) -> None:
    problems = []
    hint = "leave --link-to out: a corrected list names files wherever they are"
    for row, place in places.items():
        where = str(dataset.example_ids[row])
        # As Windows reads it too: one odd name here may lead out of the folder where \\ separates folders.
        if ".." in PureWindowsPath(place).parts or PurePath(place).anchor:
            problems.append(Problem("link-outside", f"{place!r} would be outside the folder", where, hint))
        for key in map(_collision_key, PurePosixPath(place).parents):
            if key in taken:
                what = f"would be inside another image, {dataset.example_ids[taken[key]]!r}"
                problems.append(Problem("link-clash", what, where, hint))
                break
    DatasetError.refuse(problems, lambda problem: problem)


def _check_names(dataset: Dataset, files: ImageFiles, labels: list[str], kept: list[int]) -> None:
    """Raise DatasetError for splits, labels and files that would be read as something else in class folders."""
    splits = sorted(set(() if dataset.splits is None else dataset.splits))
    classes = sorted({labels[row] for row in kept})
    problems = []
    if not splits and all(label.lower() in SPLIT_FOLDERS for label in classes):
        hint = "leave --link-to out: in the corrected list they are labels"
        what = f"folders called {' and '.join(map(repr, classes))} alone are read as splits, not as classes"
        problems.append(Problem("link-not-made", what, dataset.name, hint))
    for split in (one for one in splits if one.lower() not in SPLIT_FOLDERS):
        hint = "leave --link-to out: the corrected list keeps them"
        problems.append(
            Problem("link-not-made", f"a folder called {split!r} is not read as a split", dataset.name, hint)
        )
    for label in classes:
        if label.startswith(".") or set(label) & {"/", "\\", "\0"} or label.strip() != label:
            hint = "relabel it, or leave --link-to out"
            problems.append(Problem("no-folder-name", f"no folder can be called {label!r}", dataset.name, hint))
    is_text = kind_of(dataset.inputs) == "texts"
    is_called = is_called_text if is_text else is_called_image
    for name in files.paths[kept].tolist():
        if not is_called(name) or name.rpartition("/")[2].startswith("."):
            what = f"in a class folder this is not read as {'a text' if is_text else 'an image'}"
            hint = "leave --link-to out: in a list files may have any name"
            problems.append(Problem("no-folder-name", what, name, hint))
    DatasetError.refuse(problems, lambda problem: problem)


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that becomes ``folder`` only if the block succeeds, in the place of one of links, if any."""
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_path(folder)
        shutil.rmtree(partial, ignore_errors=True)  # of a killed process that had the number of this one
        partial.mkdir()
        try:
            yield partial
            # Not ``rmtree``, which would take along a file that has come meanwhile.
            for place, folders, files in os.walk(folder, topdown=False):
                for link in (path for name in (*folders, *files) if (path := Path(place, name)).is_symlink()):
                    link.unlink()
                Path(place).rmdir()
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def _can_link(folder: Path) -> bool:
    trial = folder / "trial"
    try:
        trial.symlink_to("nowhere")
    except (OSError, NotImplementedError):
        return False
    trial.unlink()
    return True
