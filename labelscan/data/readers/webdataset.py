"""Shards of WebDataset: tar files in which the parts of an example follow each other, under one name.

``cats/0001.jpg`` and ``cats/0001.cls`` are the image and the label of the example ``cats/0001``. The name up to the
first dot of the file is the key, as in WebDataset itself (https://github.com/webdataset/webdataset).
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase
from itertools import product
from pathlib import Path

import numpy as np

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.inputs import Texts
from labelscan.data.readers.columns import USUAL_NAMES, find_column
from labelscan.data.readers.folder_listing import EXTENSIONS, FILES_BETWEEN_EVENTS
from labelscan.data.readers.sheet import as_text
from labelscan.data.readers.tar_files import UNPACK, Member, TarImages, members_of, status_of
from labelscan.errors import DatasetError, Problem
from labelscan.events import Listener, StepAdvanced
from labelscan.files import storage
from labelscan.files.reading import parse_json, with_home
from labelscan.files.storage import Status
from labelscan.files.urls import is_url, joined, name_of
from labelscan.processes.cores import available_cores
from labelscan.processes.prefetch import Prefetch

SETTINGS = frozenset({"label_column"})
SUFFIX = ".tar"
COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
CLASS, JSON, TEXT = "cls", "json", "txt"
"""What the extensions of WebDataset say of a file that is no image."""
MOST_BYTES = {CLASS: 1 << 12, JSON: 1 << 20, TEXT: 1 << 24}
"""A longer file is no label, and no text that anyone has labelled."""
MOST_SHARDS = 1_000_000
SHARDS_AT_ONCE = 8
"""Shards elsewhere that are indexed at the same time; each keeps a buffer."""
NO_IMAGE, NO_TEXT = "no image in the example", "no text in the example"
_NAME = re.compile(r"((?:.*/)?[^/.]+)\.([^/]+)")
"""Key and extension."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


@dataclass(slots=True)
class Example:
    """The parts of one example, as far as they are of use."""

    key: str
    image: Member | None = None
    label: str = ""
    json: Mapping[str, object] = field(default_factory=dict)
    text: str | None = None
    problem: str = ""
    """Why its parts cannot be read, if so."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a tar file, several by braces, or a folder of nothing but tar files."""
    data = config.data
    if data.lower().endswith((SUFFIX, *COMPRESSED)):
        return is_url(data) or any(with_home(one).exists() for one in _expanded(data)[:1])
    if is_url(data):
        return any(name.lower().endswith(SUFFIX) for name in storage.files_below(data, depth=1))
    path = with_home(data)
    return path.is_dir() and _holds_only_tars(path)


def read(config: DatasetConfig, notify: Listener) -> Dataset:
    """Return the images, or else the texts, in shards; ids are keys, with the name of the shard if they recur.

    Raises:
        DatasetError: a shard is missing, compressed or damaged, an example has no label, or two images; up to 20
            problems at once.
    """
    tars = _shards_of(config.data)
    examples: list[Example] = []
    tar: list[int] = []
    marks = []
    with Prefetch(SHARDS_AT_ONCE if any(map(is_url, tars)) else available_cores(), "index") as threads:
        for number, (mark, found) in enumerate(threads.results(_index, tars)):
            marks.append(mark)
            tar += [number] * len(found)
            if len(examples) // FILES_BETWEEN_EVENTS < (len(examples) + len(found)) // FILES_BETWEEN_EVENTS:
                notify(StepAdvanced("read", len(examples) + len(found)))
            examples += found

    def where(row: int) -> str:
        return f"{tars[tar[row]]} example {examples[row].key}"

    broken = [row for row, one in enumerate(examples) if one.problem]
    DatasetError.refuse(
        broken, lambda row: Problem("broken-example", examples[row].problem, where(row), "make the shard again")
    )
    labels = _labels(examples, config, where)
    keys = [one.key for one in examples]
    names = [name_of(one).removesuffix(SUFFIX) if is_url(one) else Path(one).stem for one in tars]
    if len(set(keys)) < len(keys):
        keys = [f"{names[number]}/{key}" for number, key in zip(tar, keys, strict=True)]
    return make_dataset(
        name=re.sub(r"[-_.]*\{.*", "", _name(config.data)) or "shards",
        inputs=_inputs(examples, tars, marks, tar),
        labels=labels,
        example_ids=keys,
        where=where,
        ids_depend_on_order=False,
        place=config.data,
        notes=[f"{len(examples):,} examples in {len(tars):,} {'shards' if len(tars) > 1 else 'shard'}"],
    )


def _inputs(
    examples: Sequence[Example], tars: Sequence[str], marks: Sequence[int], tar: Sequence[int]
) -> TarImages | Texts:
    images = [one.image for one in examples]
    if any(images) or not examples:
        return TarImages(
            tars=tuple(tars),
            marks=tuple(marks),
            tar=np.array(tar, dtype=np.int64),
            offsets=np.array([-1 if one is None else one.offset for one in images], dtype=np.int64),
            sizes=np.array([-1 if one is None else one.size for one in images], dtype=np.int64),
            reasons=as_strings(["" if one else NO_IMAGE for one in images]),
        )
    missing = {row: NO_TEXT for row, one in enumerate(examples) if one.text is None}
    return Texts(as_strings([one.text or "" for one in examples]), unreadable=missing)


def _index(tar: str) -> tuple[int, list[Example]]:
    """Return the mark of a shard and its examples."""
    known: Status = status_of(tar)
    examples: dict[str, Example] = {}
    for member, file in members_of(tar, known.size):
        parts = _NAME.fullmatch(member.name.removeprefix("./"))
        if parts is None or any(part.startswith((".", "__")) for part in member.name.removeprefix("./").split("/")):
            continue  # no part of an example: hidden, or about the shard
        example = examples.setdefault(parts[1], Example(parts[1]))
        _add(example, parts[2].lower(), member, file)
    for one in examples.values():
        if one.image is not None:
            one.text = None  # what is written about an image
    return known.mark, list(examples.values())


def _add(example: Example, extension: str, member: Member, file: BufferedIOBase) -> None:
    """Add a file to its example; those of other kinds, such as captions and masks, are left out."""
    if extension in EXTENSIONS:
        if example.image is not None:
            example.problem = f"two images: {member.name} is the second"
        example.image = member
    elif extension in MOST_BYTES:
        if member.size > MOST_BYTES[extension]:
            example.problem = f"{member.name} has {member.size:,} bytes, more than it can need"
            return
        file.seek(member.offset)
        try:
            text = file.read(member.size).decode("utf-8-sig")
            if extension == CLASS:
                example.label = text.strip()
            elif extension == JSON:
                content = parse_json(text)
                if not isinstance(content, dict):
                    raise ValueError("it is not an object")
                example.json = content
            else:
                example.text = text
        except ValueError as error:
            example.problem = f"{member.name} cannot be read ({error})"


def _labels(examples: Sequence[Example], config: DatasetConfig, where: Callable[[int], str]) -> list[str]:
    """Return the labels: those of .cls files, or of one key of .json files, which ``label_column`` may name."""
    names = list(dict.fromkeys(name for one in examples for name in one.json))
    column = ""
    if config.label_column or not any(one.label for one in examples):
        column = find_column(
            "label", names, config.label_column, where=config.data, usual_names=USUAL_NAMES, what="{} in .json files"
        )
    if not column:
        labels = [one.label for one in examples]
        hint = f"each needs a .{CLASS} file, or a .{JSON} file with its label, named by --label-column"
    else:
        labels = [(as_text(one.json.get(column)) or "").strip() for one in examples]
        hint = f"write {column!r} with one value into its .{JSON} file"
    bare = [row for row, label in enumerate(labels) if not label]
    DatasetError.refuse(bare, lambda row: Problem("empty-label", "the example has no label", where(row), hint))
    return labels


def _shards_of(data: str) -> list[str]:
    if data.lower().endswith(COMPRESSED):
        raise DatasetError(
            "compressed", "a compressed tar file has no place that could be read alone", where=data, hint=UNPACK
        )
    if data.lower().endswith(SUFFIX):
        places = _expanded(data)
        return places if is_url(data) else [str(with_home(one)) for one in places]
    if is_url(data):
        return [
            joined(data, name) for name in sorted(storage.files_below(data, depth=1)) if name.lower().endswith(SUFFIX)
        ]
    return sorted(str(one) for one in with_home(data).iterdir() if one.suffix.lower() == SUFFIX)


def _expanded(data: str) -> list[str]:
    """Return the places that braces stand for, as in ``train-{000..009}.tar`` or ``{train,val}.tar``."""
    if not is_url(data) and with_home(data).exists():
        return [data]
    pieces = _BRACES.split(data)  # what is inside braces has odd places
    choices = [_choices(piece) if place % 2 else [piece] for place, piece in enumerate(pieces)]
    if np.prod([float(len(one)) for one in choices]) > MOST_SHARDS:
        raise DatasetError(
            "too-many-shards", "these braces name more shards than there can be", where=data, hint="check the numbers"
        )
    return ["".join(one) for one in product(*choices)]


def _choices(inside: str) -> list[str]:
    """Return what braces stand for; of a longer range of numbers no more than there can be shards, and one."""
    numbers = _RANGE.fullmatch(inside)
    if not numbers:
        return inside.split(",")
    first, last = numbers.groups()
    end = min(int(last), int(first) + MOST_SHARDS) + 1
    return [str(number).zfill(len(first)) for number in range(int(first), end)]


def _holds_only_tars(folder: Path) -> bool:
    """Return whether a folder has tar files and no folder: beside class folders a tar file is what they came in."""
    with os.scandir(folder) as entries:
        kinds = {"folder" if one.is_dir() else one.name.lower().endswith(SUFFIX) for one in entries}
    return True in kinds and "folder" not in kinds


def _name(data: str) -> str:
    path = Path(name_of(data) if is_url(data) else with_home(data))
    return (path.stem if path.suffix.lower() == SUFFIX else path.name) or path.resolve().name
