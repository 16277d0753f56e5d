"""What becomes of each row of a sheet: whether it is dropped, its new label, and its path in the corrected copy.

Paths in a manifest are relative to its folder, and are the ids of its examples. In a copy in another folder the paths
are rewritten, and the old ids are written down, so that a run on the copy has the same examples.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.correction.corrections import Corrections
from labelscan.data.readers.arrow_sheet import is_arrow
from labelscan.data.readers.columns import Columns
from labelscan.data.readers.encodings import UTF_8, encoding_of
from labelscan.data.readers.labelled_rows import rows_to_read
from labelscan.data.readers.manifest import relative_path
from labelscan.data.readers.sheet import read_sheet
from labelscan.errors import UsageError
from labelscan.files.urls import is_url

ID_COLUMN = "example_id"
"""The column for ids that have to be written down."""


@dataclass(frozen=True, kw_only=True)
class RowEdits:
    """What becomes of N rows; all other cells stay as they are."""

    label_column: str
    path_column: str
    """Empty if there are no paths."""
    dropped: Sequence[bool]
    new_labels: Sequence[str]
    """Empty where a row keeps its label."""
    new_paths: Sequence[str]
    """Empty where a row keeps its path."""
    old_labels: Sequence[str]
    new_ids: Sequence[str] | None
    """A column of ids to add, None if none is needed."""
    encoding: str = UTF_8
    """That of the original, if it is text; copies are UTF-8."""

    def cells(self, row: int) -> dict[str, str]:
        """Return the changed cells of a row, by column."""
        new = {self.label_column: self.new_labels[row]}
        if self.path_column:
            new[self.path_column] = self.new_paths[row]
        return {column: cell for column, cell in new.items() if cell}


def plan_rows(
    path: Path, columns: Columns, config: DatasetConfig, *, corrections: Corrections, output: Path
) -> RowEdits:
    """Return what becomes of the rows of a manifest or table in the copy ``output``; other splits stay as they are.

    Raises:
        UsageError: the copy needs other paths, and they are the ids as well.
    """
    sheet = read_sheet(path, columns.used(), config.encoding)
    paths = sheet.columns[columns.path] if columns.path else []
    if columns.id:
        ids = sheet.columns[columns.id]
    elif columns.path:  # rows of splits that were not read may have no path, and then no id
        ids = [name and relative_path(path.parent, name) for name in paths]
    else:
        ids = list(map(str, range(len(sheet))))
    judged = set(rows_to_read(sheet, columns, config.split, where=path.name))
    dropped = [row in judged and corrections.is_dropped(one) for row, one in enumerate(ids)]
    new_labels = [corrections.new_label(one) if row in judged else "" for row, one in enumerate(ids)]
    moved = bool(columns.path) and path.parent.resolve() != output.parent.resolve()
    if moved and columns.id == columns.path:
        problem = f"the column {columns.path!r} holds ids as well as paths, and paths are other ones in another folder"
        hint = f"write the copy beside the original, as in -o {path.with_stem(f'{path.stem}-corrected')}"
        raise UsageError("ids-are-paths", problem, where=str(output), hint=hint)
    # Row numbers stay the same unless a row is dropped.
    needs_ids = not columns.id and (moved or (not columns.path and any(dropped)))
    return RowEdits(
        label_column=columns.label,
        path_column=columns.path,
        dropped=dropped,
        new_labels=new_labels,
        new_paths=move_paths(paths, path.parent, output.parent) if moved else [""] * len(ids),
        old_labels=sheet.columns[columns.label],
        new_ids=ids if needs_ids else None,
        encoding=UTF_8 if is_arrow(path) else encoding_of(path, config.encoding),
    )


def move_paths(paths: Sequence[str], folder: Path, new_folder: Path) -> list[str]:
    """Return paths relative to ``folder`` as they are relative to ``new_folder``; empty where they stay the same.

    Links among the folders are followed first, since ``..`` leads out of the target of a link.
    """
    start = new_folder.resolve()
    parents: dict[str, str] = {}
    moved = []
    for name in paths:
        if not name or is_url(name) or os.path.isabs(name):  # noqa: PTH117  # a million Path objects would take minutes
            moved.append("")
            continue
        parent, file = os.path.split(name)
        if parent not in parents:
            parents[parent] = _way(start, (folder / parent).resolve())
        moved.append(parents[parent] + file)
    return moved


def _way(start: Path, target: Path) -> str:
    """Return how paths into ``target`` begin: relative, or absolute where that would lead through the root."""
    try:
        shared = Path(os.path.commonpath([start, target]))
    except ValueError:  # on another drive of Windows
        return f"{target.as_posix()}/"
    way = target if shared == Path(shared.anchor) else Path(os.path.relpath(target, start))
    return "" if way == Path() else f"{way.as_posix()}/"
