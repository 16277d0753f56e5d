"""A labelled data set as every later step sees it: ids, labels, and where the inputs come from.

Rows are sorted by their ids unless ids are row numbers, so that a shuffled manifest is the same data set and gives the
same bytes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, Strings, TrueLabels, as_strings
from labelscan.data.refused_rows import check_number_of_classes, refuse_broken_text, repeated_ids
from labelscan.errors import DatasetError, Problem

if TYPE_CHECKING:
    import pandas as pd

CHANNELS = (1, 3)
"""Numbers of channels that images in memory may have."""

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, C) with 1 or 3 channels."""


class ImageSource(Protocol):
    """Images that can be read by row, one after another or many at once from several threads."""

    def __len__(self) -> int:
        """Return the number of images."""

    def take(self, order: Index) -> "ImageSource":
        """Return the images of the rows ``order``, in that order."""

    def path(self, index: int) -> str:
        """Return the file as the user knows it, or an empty string."""

    def file(self, index: int) -> Path | None:
        """Return the file to open, or None where there is none."""

    def read(self, index: int) -> bytes | Image:
        """Return an image, encoded or decoded."""


@dataclass(frozen=True)
class ImageFiles:
    """Images in files."""

    root: Path
    paths: Strings
    """(N,) absolute, or relative to ``root``."""

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, order: Index) -> "ImageFiles":
        return ImageFiles(self.root, self.paths[order])

    def path(self, index: int) -> str:
        return str(self.file(index))

    def file(self, index: int) -> Path:
        return self.root / str(self.paths[index])

    def read(self, index: int) -> bytes:
        return self.file(index).read_bytes()


@dataclass(frozen=True)
class ImageArray:
    """Images in memory, all of one size."""

    images: NDArray[np.uint8]
    """(N, H, W, C) with 1 or 3 channels."""

    def __len__(self) -> int:
        return len(self.images)

    def take(self, order: Index) -> "ImageArray":
        return ImageArray(self.images[order])

    def path(self, index: int) -> str:  # noqa: ARG002
        return ""

    def file(self, index: int) -> None:  # noqa: ARG002
        return None

    def read(self, index: int) -> Image:
        return np.asarray(self.images[index])


@dataclass(frozen=True)
class FeatureTable:
    """Rows of numbers, for a tabular model."""

    features: NDArray[np.float32]
    """(N, D), finite."""
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.features)

    def take(self, order: Index) -> "FeatureTable":
        return FeatureTable(self.features[order], self.names)

    def path(self, index: int) -> str:  # noqa: ARG002
        return ""


@dataclass(frozen=True)
class ColumnTable:
    """Rows of a table as it is: numbers with gaps, dates, truth values, categories and text."""

    frame: "pd.DataFrame"
    """N rows. Numbers are float64 with NaN where they are missing, dates datetime64 without a time zone; truth values
    are bool, and text is str or missing."""

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, order: Index) -> "ColumnTable":
        return ColumnTable(self.frame.iloc[order].reset_index(drop=True))

    def path(self, index: int) -> str:  # noqa: ARG002
        return ""


@dataclass(frozen=True)
class Texts:
    """Texts, in memory even where each has a file of its own."""

    texts: Strings
    """(N,) empty where there is nothing to judge."""
    root: Path = Path()
    paths: Strings | None = None
    """(N,) files, absolute or relative to ``root``; None where the texts are in a sheet or came from memory."""

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, order: Index) -> "Texts":
        return Texts(self.texts[order], self.root, None if self.paths is None else self.paths[order])

    def path(self, index: int) -> str:
        return "" if self.paths is None else str(self.root / str(self.paths[index]))


Inputs: TypeAlias = ImageSource | FeatureTable | ColumnTable | Texts


def are_images(inputs: Inputs) -> TypeGuard[ImageSource]:
    """Return whether the inputs are images."""
    return not isinstance(inputs, FeatureTable | ColumnTable | Texts)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """N labelled examples. Readers make it with ``make_dataset``."""

    name: str
    """The default run folder is named after it."""
    inputs: Inputs
    example_ids: Strings
    given_labels: GivenLabels
    class_names: tuple[str, ...]
    """K names; numbers sorted by value, other text alphabetically."""
    groups: Strings | None = None
    splits: Strings | None = None
    true_labels: TrueLabels | None = None
    """(N,) indices into ``true_class_names``."""
    true_class_names: tuple[str, ...] = ()
    """``class_names``, then classes that occur only among the true labels."""
    notes: tuple[str, ...] = ()
    """What a user should know about how the data was read."""

    def __len__(self) -> int:
        return len(self.example_ids)

    def path(self, index: int) -> str:
        """Return the file of an example as the user knows it, or an empty string."""
        return self.inputs.path(index)

    def write(self, path: Path, status: Strings) -> None:
        """Write one row an example, with ``status``: (N,) ``scored``, or why an example is not."""
        import pandas as pd  # only now: who reads a folder does not wait for it

        from labelscan.tables import write_csv

        columns = {
            "example_id": self.example_ids,
            "path": [self.path(index) for index in range(len(self))],
            "given_label": [self.class_names[label] for label in self.given_labels],
            "group": "" if self.groups is None else self.groups,
            "split": "" if self.splits is None else self.splits,
            "status": status,
        }
        write_csv(pd.DataFrame(columns, dtype=object), path)

    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits that change with any id, label, group, split, or value held in memory.

        Files are not read: the store takes their digests when it decodes them.
        """
        digest = hashlib.blake2b(digest_size=16)
        for values in (self.example_ids, self.groups, self.splits):
            digest.update(b"none" if values is None else "\0".join(values).encode("utf-8", "surrogatepass"))
            digest.update(b"\1")
        for labels in (self.given_labels, self.true_labels):
            digest.update(b"none" if labels is None else labels.tobytes())
        digest.update(repr((self.class_names, self.true_class_names)).encode("utf-8", "surrogatepass"))
        for part in _content(self.inputs):
            digest.update(part)
        return digest.hexdigest()


def _content(inputs: Inputs) -> Iterator[bytes | memoryview]:
    """Yield the values that inputs hold in memory; nothing for files."""
    if isinstance(inputs, FeatureTable | ImageArray):
        block = inputs.features if isinstance(inputs, FeatureTable) else inputs.images
        yield repr((block.shape, block.dtype.str)).encode()
        for start in range(0, len(block), 1024):  # a copy where rows are not contiguous: one block at a time
            yield np.ascontiguousarray(block[start : start + 1024]).data
    elif isinstance(inputs, Texts):
        for text in inputs.texts:
            encoded = text.encode("utf-8", "surrogatepass")
            yield b"%d:" % len(encoded) + encoded
    elif isinstance(inputs, ColumnTable):
        from pandas.util import hash_pandas_object

        for name in inputs.frame.columns:
            column = inputs.frame[name]
            yield repr((name, str(column.dtype))).encode("utf-8", "surrogatepass")
            yield hash_pandas_object(column, index=False).to_numpy().tobytes()


def sort_class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct labels: by value where all are numbers, else alphabetically."""
    distinct = sorted(set(labels))
    try:
        return tuple(sorted(distinct, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(distinct)


def make_dataset(
    *,
    name: str,
    inputs: Inputs,
    labels: Sequence[str],
    example_ids: Sequence[str],
    where: Callable[[int], str],
    ids_depend_on_order: bool,
    place: str = "",
    groups: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    true_labels: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """Return the data set of N rows, checked and in its lasting order.

    Args:
        name: the default run folder is named after it.
        inputs: N images, rows or texts.
        labels: N given labels as text, as written.
        example_ids: N distinct ids.
        where: returns the place of a row for messages, as in ``train.csv row 41``.
        ids_depend_on_order: whether ids are row numbers; rows then keep their order, else they are sorted by id.
        place: what messages about all rows name, such as the file; the name where it is empty.
        groups: N names of what must share a fold (a patient, a scene).
        splits: N names of splits.
        true_labels: N labels known to be right.
        notes: what a user should know about how the data was read.

    Raises:
        DatasetError: no example, fewer than 2 classes, empty labels, repeated ids, text that UTF-8 cannot encode; up
            to 20 problems at once.
    """
    paths = inputs.paths if isinstance(inputs, ImageFiles | Texts) else None
    columns = {"label": labels, "id": example_ids, "path": paths, "group": groups, "split": splits}
    refuse_broken_text(columns | {"true label": true_labels}, where)
    if isinstance(inputs, ImageFiles | Texts):
        refuse_broken_text({"name of the folder": [str(inputs.root)]}, lambda _: place or name)
    if len(labels) == 0:
        raise DatasetError("there is no example", where=place or name, hint="check the path, and --split if you set it")
    hint = "write a label, or take the row out"
    empty = [Problem("the label is empty", where(row), hint) for row, label in enumerate(labels) if not label.strip()]
    DatasetError.refuse(empty + repeated_ids(example_ids, where), lambda problem: problem)
    class_names = sort_class_names(labels)
    check_number_of_classes(class_names, len(labels), place or name)
    true_class_names = class_names
    if true_labels is not None:
        true_class_names += sort_class_names(list(set(true_labels).difference(class_names)))
    rows = range(len(labels))
    order = np.array(rows if ids_depend_on_order else sorted(rows, key=example_ids.__getitem__), dtype=np.int64)
    return Dataset(
        name=name,
        inputs=inputs.take(order) if not ids_depend_on_order else inputs,
        example_ids=as_strings(example_ids)[order],
        given_labels=_encode(labels, class_names)[order],
        class_names=class_names,
        groups=None if groups is None else as_strings(groups)[order],
        splits=None if splits is None else as_strings(splits)[order],
        true_labels=None if true_labels is None else _encode(true_labels, true_class_names)[order],
        true_class_names=true_class_names,
        notes=(*notes, *_look_alikes(class_names)),
    )


def _look_alikes(class_names: Sequence[str]) -> list[str]:
    """Return a note on each group of classes whose names differ only in case or outer spaces."""
    alike: dict[str, list[str]] = {}
    for name in class_names:
        alike.setdefault(name.strip().casefold(), []).append(name)
    groups = [names for names in alike.values() if len(names) > 1]
    return [f"classes that differ only in case or spaces: {', '.join(map(repr, names))}" for names in groups]


def _encode(labels: Sequence[str], class_names: Sequence[str]) -> GivenLabels:
    index = {name: position for position, name in enumerate(class_names)}
    return np.array([index[label] for label in labels], dtype=np.int64)
