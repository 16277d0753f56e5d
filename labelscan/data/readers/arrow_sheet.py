"""Sheets that Arrow reads: a parquet file, a folder of parquet shards, and what Hugging Face's ``save_to_disk`` writes.

pyarrow alone reads all three; the splits of a folder become a column. What ``datasets`` knows of a column, such as
the names of its classes, is JSON in the schema.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from labelscan.errors import DatasetError
from labelscan.files.reading import check_is_file, parse_json, read_text, why

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

PARQUET = ".parquet"
SPLIT = "split"
"""The column that the splits of a folder become, unless there is one of that name."""
LEAST_MANY_ROWS = 1_000_000
"""A parquet file of more rows than bytes may have up to this many: to unpack billions of equal ones ends nowhere."""
_SHARD = re.compile(r"(?P<split>.+?)-\d{5}-of-\d{5}\.parquet|(?P<whole>train|val|valid|validation|test)\.parquet")
_SPLITS, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"
Kind: TypeAlias = Literal["value", "floats", "integers", "files", "other"]
"""One value a cell, a list of numbers, the content of a file, or anything else."""
_BYTES = "bytes"
"""The part of a cell with the content of an image; ``path`` beside it is what the file was called."""
_HUGGING_FACE = b"huggingface"
"""The key of the schema's metadata under which ``datasets`` keeps what it knows of the columns."""


@dataclass(frozen=True)
class Part:
    """One file of a sheet."""

    file: Path
    split: str = ""


def is_arrow(path: Path) -> bool:
    """Return whether ``path`` is a parquet file or an Arrow folder."""
    return is_arrow_folder(path) if path.is_dir() else path.suffix.lower() == PARQUET and path.exists()


def is_arrow_folder(path: Path) -> bool:
    """Return whether ``path`` is a folder that ``save_to_disk`` has written, or one of parquet shards by split."""
    is_saved = (path / _SPLITS).is_file() or ((path / _STATE).is_file() and (path / _INFO).is_file())
    return path.is_dir() and (is_saved or bool(_shards(path)))


def parts_of(path: Path) -> list[Part]:
    """Return the files of a sheet in the order of its rows."""
    if not path.is_dir():
        return [Part(path)]
    if shards := _shards(path):
        return shards
    with refused(path):
        if not (path / _SPLITS).is_file():
            return _saved(path, "")
        splits = parse_json(read_text(path / _SPLITS))["splits"]
        return [part for split in splits for part in _saved(path / _name(split), _name(split))]


def arrow_schema(path: Path) -> "pyarrow.Schema":
    """Return the columns of a sheet with their types, and those that only some of its splits have."""
    import pyarrow

    with refused(path):
        schemas = list({part.split: _schema(part) for part in parts_of(path)}.values())
        schema = schemas[0] if len(schemas) == 1 else pyarrow.unify_schemas(schemas)
        if SPLIT not in schema.names and any(part.split for part in parts_of(path)):
            schema = schema.append(pyarrow.field(SPLIT, pyarrow.string()))
        return schema


def kinds_of(path: Path) -> dict[str, Kind]:
    """Return what the cells of each column of a sheet are."""
    with refused(path):
        return {str(field.name): _kind(field.type) for field in arrow_schema(path)}


def read_arrow(path: Path, names: Sequence[str], *, n_rows: int | None = None) -> "pyarrow.Table":
    """Return the columns ``names`` of a sheet in that order, of all rows or of the first ``n_rows``.

    Files of ``save_to_disk`` are mapped into memory, not read.

    Raises:
        DatasetError: a file is damaged, or holds more rows than bytes.
    """
    import pyarrow

    with refused(path):
        tables, left = [], n_rows
        for part in parts_of(path):
            table = _with_split(_read(part, names, left), part.split, names)
            tables.append(table if left is None else table.slice(0, left))
            left = None if left is None else left - len(tables[-1])
            if left == 0:
                break
        table = pyarrow.concat_tables(tables, promote_options="default").select(list(names))
        table.validate(full=True)  # whether text is UTF-8, which nothing else looks at until it is read
        return table


def class_names(schema: "pyarrow.Schema", column: str) -> list[str] | None:
    """Return the names that the whole numbers of a ``ClassLabel`` column stand for; None for other columns."""
    feature = _feature(schema, column)
    names = feature.get("names") if feature.get("_type") == "ClassLabel" else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def holds_sound(schema: "pyarrow.Schema", column: str) -> bool:
    """Return whether ``datasets`` says that a column holds audio or video, which has the form of images."""
    return _feature(schema, column).get("_type") in ("Audio", "Video")


def contents_of(cells: "pyarrow.Array") -> "pyarrow.Array":
    """Return the bytes in cells that hold files, null where there are none."""
    import pyarrow

    if not pyarrow.types.is_struct(cells.type):
        return cells
    return cells.flatten()[[field.name for field in cells.type].index(_BYTES)]


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """Raise DatasetError where a sheet cannot be read."""
    try:
        yield
    except (DatasetError, MemoryError):
        raise
    except Exception as error:  # hostile bytes make pyarrow raise almost anything
        raise DatasetError(
            "unreadable", f"cannot be read ({why(error)})", where=str(path), hint="save it again"
        ) from error


@contextmanager
def parquet_file(file: Path) -> Iterator["pyarrow.parquet.ParquetFile"]:
    """Open a parquet file, or raise OSError or ValueError."""
    import pyarrow.parquet  # only now: most files are text

    check_is_file(file)
    with pyarrow.parquet.ParquetFile(file) as opened:
        n_rows, n_bytes = opened.metadata.num_rows, file.stat().st_size
        if n_rows > max(n_bytes, LEAST_MANY_ROWS):
            raise ValueError(f"it says that {n_rows:,} rows are in {n_bytes:,} bytes")
        yield opened


def mapped_batches(file: Path) -> Iterator["pyarrow.RecordBatch"]:
    """Yield the batches of an Arrow stream that is mapped into memory.

    Lengths are checked: pyarrow would end the process where it meets a negative one.
    """
    for batch in _mapped(file):
        batch.validate()
        yield batch


def _shards(folder: Path) -> list[Part]:
    """Return the parquet files of a folder or of the ``data`` in it, if all are called as ``datasets`` calls them."""
    for place in (folder, folder / "data"):
        files = sorted(place.glob(f"*{PARQUET}"))
        found = [_SHARD.fullmatch(file.name) for file in files]
        if files and all(found):
            named = [one["split"] or one["whole"] for one in found if one]
            return [Part(file, split) for file, split in zip(files, named, strict=True)]
    return []


def _saved(folder: Path, split: str) -> list[Part]:
    state = parse_json(read_text(folder / _STATE))
    return [Part(folder / _name(one["filename"]), split) for one in state["_data_files"]]


def _name(text: object) -> str:
    """Return the name of a file or folder that JSON gives, or raise ValueError where it leads elsewhere."""
    if not isinstance(text, str) or text in ("", "..") or Path(text).name != text:
        raise ValueError(f"{text!r} is not the name of a file in it")
    return text


def _schema(part: Part) -> "pyarrow.Schema":
    if part.file.suffix.lower() == PARQUET:
        with parquet_file(part.file) as file:
            return file.schema_arrow
    return _mapped(part.file).schema


def _mapped(file: Path) -> "pyarrow.RecordBatchStreamReader":
    import pyarrow

    check_is_file(file)
    return pyarrow.ipc.open_stream(pyarrow.memory_map(str(file)))


def _read(part: Part, names: Sequence[str], n_rows: int | None) -> "pyarrow.Table":
    """Return those of the columns ``names`` that a file has, of all rows or of at least the first ``n_rows``."""
    import pyarrow

    if part.file.suffix.lower() == PARQUET:
        with parquet_file(part.file) as file:
            there = [name for name in names if name in file.schema_arrow.names]
            batches = [] if n_rows is None else _first(file.iter_batches(n_rows, columns=there), n_rows)
            return pyarrow.Table.from_batches(batches) if batches else file.read(columns=there)
    mapped = mapped_batches(part.file)
    table = pyarrow.Table.from_batches(mapped if n_rows is None else _first(mapped, n_rows), _schema(part))
    return table.select([name for name in names if name in table.column_names])


def _first(batches: Iterable[Any], n_rows: int) -> list[Any]:
    """Return the batches that hold the first ``n_rows`` rows."""
    first = []
    for batch in batches:
        first.append(batch)
        n_rows -= len(batch)
        if n_rows <= 0:
            break
    return first


def _with_split(table: "pyarrow.Table", split: str, names: Sequence[str]) -> "pyarrow.Table":
    import pyarrow

    if not split or SPLIT not in names or SPLIT in table.column_names:
        return table
    return table.append_column(SPLIT, pyarrow.repeat(split, len(table)))


def _kind(kind: "pyarrow.DataType") -> Kind:
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = kind.value_type
        return "floats" if types.is_floating(inner) else "integers" if types.is_integer(inner) else "other"
    if types.is_struct(kind):
        return "files" if _BYTES in [one.name for one in kind] else "other"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "files"
    return "other" if types.is_nested(kind) else "value"


def _feature(schema: "pyarrow.Schema", column: str) -> dict[str, Any]:
    """Return what ``datasets`` knows of a column; empty where it says nothing."""
    try:
        known = parse_json((schema.metadata or {})[_HUGGING_FACE].decode())
        feature = known["info"]["features"][column]
    except (KeyError, TypeError, ValueError):
        return {}
    return feature if isinstance(feature, dict) else {}
