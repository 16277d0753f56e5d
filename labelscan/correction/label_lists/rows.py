"""What becomes of each row of a sheet: whether it goes, its new label, and its path as the corrected copy needs it.

A path in a manifest starts from the folder that the manifest lies in, and so do the ids that come of it. In a copy
that lies elsewhere relative paths are rewritten, and the ids are written down: a run on the copy then has the
same examples.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelscan.correction.corrections import Corrections
from labelscan.data.readers.columns import Columns
from labelscan.data.readers.manifest import relative_path
from labelscan.data.readers.sheet import Sheet, read_sheet
from labelscan.data.readers.splits import rows_to_read
from labelscan.errors import UsageError

ID_COLUMN = "example_id"
"""The column that ids are written down in."""


@dataclass(frozen=True, kw_only=True)
class RowEdits:
    """What becomes of N rows; all other cells stay as they are."""

    label_column: str
    path_column: str
    """Empty where there are no paths."""
    dropped: Sequence[bool]
    new_labels: Sequence[str]
    """Empty where a row keeps its label."""
    new_paths: Sequence[str]
    """Empty where a row keeps its path."""
    old_labels: Sequence[str]
    new_ids: Sequence[str] | None
    """For a new column of ids, None where none is needed."""

    def cells(self, row: int) -> dict[str, str]:
        """Return the cells of a row that change, by column."""
        new = {self.label_column: self.new_labels[row]}
        if self.path_column:
            new[self.path_column] = self.new_paths[row]
        return {column: cell for column, cell in new.items() if cell}


def plan_rows(path: Path, columns: Columns, *, split: str, corrections: Corrections, output: Path) -> RowEdits:
    """Return what becomes of the rows of a manifest or table.

    Args:
        path: the sheet.
        columns: what its columns hold.
        split: the splits that the run has read; rows of others stay as they are.
        corrections: what becomes of the examples of the run.
        output: where the copy will lie.

    Raises:
        UsageError: the paths, which have to change there, are the ids as well.
    """
    sheet = read_sheet(path, columns.used())
    ids = _ids(sheet, columns, path.parent)
    judged = set(rows_to_read(sheet, columns, split, where=path.name))
    dropped = [row in judged and corrections.is_dropped(one) for row, one in enumerate(ids)]
    new_labels = [corrections.new_label(one) if row in judged else "" for row, one in enumerate(ids)]
    moved = bool(columns.path) and path.parent.resolve() != output.parent.resolve()
    if moved and columns.id == columns.path:
        raise UsageError(
            f"the column {columns.path!r} holds ids as well as paths, and paths are other ones in another folder",
            where=str(output),
            hint=f"write the copy beside the original, as in -o {path.with_stem(f'{path.stem}-corrected')}",
        )
    paths = sheet.columns[columns.path] if columns.path else []
    # Row numbers stay what they are until one goes.
    needs_ids = not columns.id and (moved or (not columns.path and any(dropped)))
    return RowEdits(
        label_column=columns.label,
        path_column=columns.path,
        dropped=dropped,
        new_labels=new_labels,
        new_paths=move_paths(paths, path.parent, output.parent) if moved else [""] * len(ids),
        old_labels=sheet.columns[columns.label],
        new_ids=ids if needs_ids else None,
    )


def move_paths(paths: Sequence[str], folder: Path, new_folder: Path) -> list[str]:
    """Return paths that start from ``folder`` as they start from ``new_folder``; empty where they stay the same.

    Links among the folders are followed first, since ``..`` leads out of where a link points to.
    """
    start = new_folder.resolve()
    parents: dict[str, str] = {}
    moved = []
    for name in paths:
        if not name or os.path.isabs(name):  # noqa: PTH117  # a million Path objects would take minutes
            moved.append("")
            continue
        parent, file = os.path.split(name)
        if parent not in parents:
            way = _from(start, (folder / parent).resolve())
            parents[parent] = "" if way == "." else f"{way}/"
        moved.append(parents[parent] + file)
    return moved


def _from(start: Path, target: Path) -> str:
    """Return the way to ``target``: its own address where the way would lead over the root of the disk."""
    try:
        shared = Path(os.path.commonpath([start, target]))
    except ValueError:  # on another drive of Windows
        return target.as_posix()
    return target.as_posix() if shared == Path(shared.anchor) else Path(os.path.relpath(target, start)).as_posix()


def _ids(sheet: Sheet, columns: Columns, folder: Path) -> list[str]:
    if columns.id:
        return sheet.columns[columns.id]
    if columns.path:
        # Rows of splits that were not read may be without a path, and then without an id.
        return [name and relative_path(folder, name) for name in sheet.columns[columns.path]]
    return [str(row) for row in range(len(sheet))]
