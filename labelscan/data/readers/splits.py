"""Which splits are read: all of them pooled, unless the user names some."""

from collections.abc import Iterable

from labelscan.data.readers.columns import Columns
from labelscan.data.readers.sheet import Sheet
from labelscan.errors import DatasetError


def rows_to_read(sheet: Sheet, columns: Columns, split: str, *, where: str) -> list[int]:
    """Return the rows of the splits that ``split`` names; all where it is empty."""
    splits = sheet.cells(columns.split)
    wanted = wanted_splits(split, splits or [], where=where, none_hint="name the column by --split-column")
    return [row for row in range(len(sheet)) if splits is None or splits[row] in wanted]


def wanted_splits(split: str, there: Iterable[str], *, where: str, none_hint: str) -> frozenset[str]:
    """Return which of the splits ``there`` to read: those that ``split`` names, separated by commas, else all.

    Raise DatasetError if one is missing, with ``none_hint`` if the data has no splits at all.
    """
    names = sorted(set(there))
    wanted = {name.strip() for name in split.split(",") if name.strip()}
    if not wanted:
        return frozenset(names)
    if not names:
        raise DatasetError("no-splits", f"no splits, but --split {split} was asked for", where=where, hint=none_hint)
    unknown = sorted(wanted.difference(names))
    if unknown:
        hint = f"there are {', '.join(map(repr, names))}"
        raise DatasetError("unknown-split", f"no split is called {unknown[0]!r}", where=where, hint=hint)
    return frozenset(wanted)
