"""What models see of the examples of a data set, or people where models see features: images, texts, rows of a table.

Each kind can be taken by row, and knows which rows are files of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, Strings
from labelscan.files.urls import place_of
from labelscan.images.sources import ImageArray, ImageSource

if TYPE_CHECKING:
    import pandas as pd


FEWER_THAN_EMBEDDINGS = 64
"""Columns of a table without names up to which each may mean something."""


@dataclass(frozen=True)
class FeatureTable:
    """Rows of numbers, for a tabular model."""

    features: NDArray[np.float32]
    """(N, D), finite."""
    names: tuple[str, ...] = ()
    originals: "ImageSource | Texts | None" = None
    """What the features were computed from, for people to look at; models never see it, and it may be gone."""

    def __len__(self) -> int:
        return len(self.features)

    def take(self, order: Index) -> "FeatureTable":
        originals = None if self.originals is None else self.originals.take(order)
        return FeatureTable(self.features[order], self.names, originals)

    def path(self, index: int) -> str:
        return "" if self.originals is None else self.originals.path(index)


@dataclass(frozen=True)
class ColumnTable:
    """Rows of a table as it is: numbers with gaps, dates, truth values, categories and text."""

    frame: "pd.DataFrame"
    """N rows. Numbers are float64 with NaN where they are missing, dates datetime64 without a time zone, truth values
    bool, and text is what pandas has for it: its ``str``, which Arrow holds in half the memory of objects or less. For
    a caller's classifier they are whatever the caller's frame holds."""

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
    unreadable: Mapping[int, str] = field(default_factory=dict)
    """Why files could not be read, by row; their texts are empty."""

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, order: Index) -> "Texts":
        paths = None if self.paths is None else self.paths[order]
        unreadable = {row: self.unreadable[old] for row, old in enumerate(order.tolist()) if old in self.unreadable}
        return Texts(self.texts[order], self.root, paths, unreadable)

    def path(self, index: int) -> str:
        return "" if self.paths is None else place_of(self.root, str(self.paths[index]))


Inputs: TypeAlias = ImageSource | FeatureTable | ColumnTable | Texts


InputKind: TypeAlias = Literal["images", "texts", "features"]


def kind_of(inputs: Inputs) -> InputKind:
    """Return what a person sees of an example: a picture, a text, or the values of a row."""
    seen = originals(inputs)
    if isinstance(seen, FeatureTable | ColumnTable):
        return "features"
    return "texts" if isinstance(seen, Texts) else "images"


def originals(inputs: Inputs) -> Inputs:
    """Return what features were computed from, where that is known, else the inputs themselves."""
    return (inputs.originals or inputs) if isinstance(inputs, FeatureTable) else inputs


def are_columns(inputs: Inputs) -> bool:
    """Return whether an example is a row of a table, each of whose columns means something; those of embeddings do not.

    Embeddings have many columns, without names or with names such as e0, e1 and so on.
    """
    if not isinstance(inputs, FeatureTable):
        return isinstance(inputs, ColumnTable)
    stems = {name.rstrip("0123456789") for name in inputs.names}
    return inputs.features.shape[1] <= FEWER_THAN_EMBEDDINGS or len(stems) > 1


def are_images(inputs: Inputs) -> TypeGuard[ImageSource]:
    """Return whether the inputs are images."""
    return not isinstance(inputs, FeatureTable | ColumnTable | Texts)


def values_in_memory(inputs: Inputs) -> Iterator[bytes | memoryview]:
    """Yield the values that inputs hold in memory, for a digest; nothing for files."""
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
