"""Data that cannot be judged, recognised by its form: each is refused in one sentence, with what can be done instead.

Only what would fail anyway, or be misread, is refused. A look at names and at the head of one file decides.
"""

import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.data.readers.folder_listing import SPLIT_FOLDERS
from labelscan.errors import DatasetError

HEAD = 4096
"""Bytes of a file that say what it holds."""
OF_A_RUN = ("run.json", "examples.csv")
"""Files that every run has as soon as it has read its data."""
A_RUN = "this is a run of labelscan, not data"
SOUND = frozenset(["wav", "mp3", "flac", "ogg", "m4a", "aac", "opus"])
VIDEO = frozenset(["mp4", "avi", "mov", "mkv", "webm", "mpg", "mpeg", "m4v"])
_PAIR = (
    ("images", "image", "imgs", "img", "jpegimages"),
    ("masks", "mask", "labels", "label", "annotations", "segmentation", "segmentationclass", "gt"),
)
"""How folders of images, and of masks of them, are called."""
BOX_FILES = {"labels": ("*.txt", "*/*.txt"), "annotations": ("*.xml", "*.json")}
"""What YOLO, Pascal VOC and COCO keep their boxes in, by folder."""
LOOKED_AT = 5
"""Files of each place: one of them may be a list of classes."""
COCO_FILE = ".coco.json"
"""How such a file is called that lies beside its images."""
BOXES = re.compile(rb'^\d+(?: -?[\d.]+){4,}\s|<annotation|"(?:images|annotations|categories)"\s*:')
"""What such a file begins with, or has in its head."""
CHATS = ({"messages"}, {"conversations"}, {"prompt", "completion"}, {"prompt", "response"}, {"instruction", "output"})
ONE_HOT = "make one column of names of them (frame.idxmax(axis=1)); else judge each class in a run of its own"
LABEL_OF_A_CLASS = re.compile(r"(label|labels|class|target)[_:.]\w", re.IGNORECASE)
"""How columns are called that say for one class each whether it is there."""

PROB_PREFIX = "prob:"
"""How the name of a column of probabilities begins; the class follows, as it is written in the labels."""
OWN_FILES: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("rank", "example_id", "path", "given_label", "suggested_label", "label_quality"): (
        "the results of a run",
        "name the data that was judged; labelscan report RUN shows the results",
    ),
    ("example_id", "decision", "new_label"): (
        "the decisions of a reviewer",
        "name the data that was reviewed; labelscan apply RUN --decisions FILE carries them out",
    ),
    ("example_id", "action", "old_label", "new_label"): (
        "a log of changes",
        "name the corrected copy beside it",
    ),
}
"""First columns of our own files: what the file is, and what the user probably meant."""

ONE_LABEL = "labelscan judges one label an example"
CUT_OUT = f"{ONE_LABEL}: cut out each object as an image of its own, in a folder that is called as its class"


def refuse_folder(root: Path) -> None:
    """Raise DatasetError where a folder is a run, or holds images with boxes, or with masks."""
    if all((root / name).is_file() for name in OF_A_RUN):
        hint = f"look at it by labelscan report {shlex.quote(str(root))}, or give the data that it was made of"
        raise DatasetError("run-not-data", A_RUN, where=str(root), hint=hint)
    top = _entries(root)
    for folder in [root, *(path for name, path in top.items() if name in SPLIT_FOLDERS)]:
        there = top if folder is root else _entries(folder)
        if found := next((file for file in _box_files(there) if BOXES.search(_head(file))), None):
            raise DatasetError(
                "not-judged", "these are boxes in images, not classes of images", where=str(found), hint=CUT_OUT
            )
        images, masks = (next((there[name] for name in names if name in there), None) for names in _PAIR)
        if images and masks and _same_names(images, masks):
            problem = f"the images in {masks.name} are masks of those in {images.name}"
            raise DatasetError("not-judged", problem, where=str(folder), hint=CUT_OUT)


def refuse_file(path: Path) -> None:
    """Raise DatasetError where a file that no reader reads lists boxes."""
    head = _head(path)
    is_coco = path.suffix.lower() == ".json" and BOXES.search(head)
    is_yolo = path.suffix.lower() in (".yaml", ".yml") and b"train:" in head and b"names:" in head
    if is_coco or is_yolo:
        raise DatasetError(
            "not-judged", "this is a list of boxes in images, not of classes", where=str(path), hint=CUT_OUT
        )


def refuse_media(extensions: Collection[str], where: str) -> None:
    """Raise DatasetError where folders without images hold sounds or videos; extensions begin with a dot."""
    for kind, known, instead in (
        ("sounds", SOUND, "save their spectrograms as images"),
        ("videos", VIDEO, "save frames of them as images"),
    ):
        if any(extension.lstrip(".") in known for extension in extensions):
            hint = f"{instead}, or features of them in an .npz file"
            raise DatasetError("not-judged", f"{kind} cannot be judged", where=where, hint=hint)


def refuse_columns(names: Sequence[str], where: str) -> None:
    """Raise DatasetError where columns, among which is no label, are those of other tasks."""
    of_classes = [name for name in names if LABEL_OF_A_CLASS.match(name)]
    if len(of_classes) > 1:
        problem = f"{', '.join(of_classes[:3])}{', ...' if len(of_classes) > 3 else ''} are a column for each class"
        raise DatasetError(
            "several-labels",
            f"{problem}, and {ONE_LABEL}",
            where=where,
            hint=f"if one-hot, {ONE_HOT}, by --label-column",
        )
    lower = {name.lower() for name in names}
    if any(chat <= lower for chat in CHATS):
        problem = "these are conversations without a label, and answers that a model was taught cannot be judged"
        raise DatasetError(
            "not-judged", problem, where=where, hint="give a column of text and one of its class, by --label-column"
        )


def refuse_own_files(names: Sequence[str], path: Path) -> None:
    """Raise DatasetError for the columns of a file that labelscan has written."""
    for columns, (what, hint) in OWN_FILES.items():
        if tuple(names[: len(columns)]) == columns:
            raise DatasetError("not-data", f"these are {what}, not data", where=path.name, hint=hint)


def no_features(config: DatasetConfig) -> DatasetError:
    """Return the error for a file of probabilities in place of features."""
    label = ["--label-column", config.label_column] if config.label_column else []
    command = shlex.join(["labelscan", "score", config.data, *label])
    return DatasetError(
        "run-not-data",
        "these are probabilities of classes, not features",
        where=Path(config.data).name,
        hint=f"{command} judges labels by them, then labelscan gate RUN",
    )


def _entries(folder: Path) -> dict[str, Path]:
    """Return the folders and files of boxes in a folder by their names in lower case."""
    try:
        with os.scandir(folder) as entries:
            there = [entry for entry in entries if entry.is_dir() or entry.name.endswith(COCO_FILE)]
    except OSError:  # its reader says so
        return {}
    return {entry.name.lower(): Path(entry.path) for entry in there}


def _box_files(there: Mapping[str, Path]) -> Iterator[Path]:
    """Yield some files of each place for boxes."""
    yield from (path for name, path in there.items() if name.endswith(COCO_FILE))
    for name, patterns in BOX_FILES.items():
        for pattern in patterns if name in there else ():
            yield from islice(there[name].glob(pattern), LOOKED_AT)


def _same_names(images: Path, masks: Path) -> bool:
    """Return whether most masks are called as an image is."""
    try:
        stems = {entry.stem for entry in images.iterdir()}
        found = [re.sub(r"[_-](mask|seg|label)$", "", entry.stem) in stems for entry in masks.iterdir()]
    except OSError:
        return False
    return 2 * sum(found) > len(found)


def _head(path: Path) -> bytes:
    if not path.is_file():  # to open a pipe would wait
        return b""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:  # its reader says so
        return b""
