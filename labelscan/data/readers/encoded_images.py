"""Images inside the columns of Arrow and parquet files, as Hugging Face keeps them: ``{bytes, path}`` a cell.

They stay in the files: an image is read when it is decoded, by whichever thread does so.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labelscan.arrays import Index
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.readers.arrow_sheet import (
    PARQUET,
    arrow_schema,
    contents_of,
    holds_sound,
    is_arrow,
    kinds_of,
    mapped_batches,
    parquet_file,
    parts_of,
    refused,
)
from labelscan.data.readers.columns import ROLE_SETTINGS, find_column, is_seen, not_used
from labelscan.data.readers.labelled_rows import read_rows, sheet_of
from labelscan.data.readers.sheet import single_valued
from labelscan.errors import DatasetError
from labelscan.events import Listener
from labelscan.files.reading import why, with_home
from labelscan.images.sources import ImageSource, UnreadableImage

if TYPE_CHECKING:
    import pyarrow

SETTINGS = ROLE_SETTINGS.union(["path_column", "exclude", "include"])
GROUPS_IN_MEMORY = 8
"""How many groups of rows of parquet files are kept in memory: threads read from neighbouring ones at a time."""


class EncodedImages(ImageSource):
    """Images in a column of a sheet, as files encode them, read by row."""

    def __init__(self, load: Callable[[int], "pyarrow.Array"], ends: Index, rows: Index) -> None:
        """Take what loads a piece of the column, where each piece ends, from 0 on, and the (N,) rows of the images."""
        self._load, self._ends, self._rows = load, ends, rows

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, order: Index) -> "EncodedImages":
        return EncodedImages(self._load, self._ends, self._rows[order])

    def read(self, index: int) -> bytes:
        """Return the content of a file, or raise UnreadableImage."""
        row = int(self._rows[index])
        piece = int(np.searchsorted(self._ends, row, side="right")) - 1
        try:
            content = self._load(piece)[row - int(self._ends[piece])].as_py()
        except MemoryError:
            raise
        except Exception as error:  # hostile bytes make pyarrow raise almost anything
            raise UnreadableImage(f"cannot be read ({why(error)})") from error
        if content is None:
            raise UnreadableImage("the file holds no image here")
        return bytes(content)


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet with images in it."""
    path = with_home(config.data)
    return is_arrow(path) and not config.text_column and bool(_image_column(path, config))


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # images are read when they are decoded
    """Return the images inside a sheet; ids are its id column, else row numbers from 0.

    Raises:
        DatasetError: columns or cells are missing; up to 20 problems at once.
    """
    path, names = sheet_of(config)
    column = _image_column(path, config)
    if holds_sound(arrow_schema(path), column):
        hint = "save one image for each, such as a spectrogram or a frame"
        raise DatasetError(
            "not-judged", f"column {column!r} holds audio or video, which are not judged", where=path.name, hint=hint
        )
    rows = read_rows(path, [name for name in single_valued(path, names) if name != column], config)
    images = _images(path, column, np.array(rows.kept, dtype=np.int64))
    unused = [name for name in names if name not in (column, *rows.columns.used())]
    notes = [f"{rows.columns.describe()}, images in {column!r}", *not_used(unused, "models see the images alone")]
    return rows.dataset(images, notes)


def _image_column(path: Path, config: DatasetConfig) -> str:
    """Return the column that holds images: the one named or called as usual, else the only one; empty without one."""
    there = [name for name, kind in kinds_of(path).items() if kind == "files" and is_seen(name, config)]
    if config.path_column:
        return config.path_column if config.path_column in there else ""
    return find_column("path", there, "", where=path.name) or (there[0] if len(there) == 1 else "")


def _images(path: Path, name: str, rows: Index) -> EncodedImages:
    """Return the images of some rows of a sheet, whose pieces are row groups of parquet, or batches in mapped files."""
    loaders: list[Callable[[], pyarrow.Array]] = []
    ends = [0]
    with refused(path):
        for part in parts_of(path):
            if part.file.suffix.lower() == PARQUET:
                with parquet_file(part.file) as file:
                    for group in range(file.num_row_groups):
                        loaders.append(partial(_row_group, part.file, group, name))
                        ends.append(ends[-1] + file.metadata.row_group(group).num_rows)
            else:
                for batch in mapped_batches(part.file):
                    cells = batch.column(name)
                    cells.validate(full=True)  # where contents begin and end, not the contents
                    loaders.append(partial(contents_of, cells))
                    ends.append(ends[-1] + len(cells))
    return EncodedImages(lru_cache(GROUPS_IN_MEMORY)(lambda piece: loaders[piece]()), np.array(ends), rows)


def _row_group(file: Path, group: int, name: str) -> "pyarrow.Array":
    with parquet_file(file) as opened:
        return contents_of(opened.read_row_group(group, columns=[name]).column(0).combine_chunks())
