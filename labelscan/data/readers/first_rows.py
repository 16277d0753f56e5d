"""What the first rows of a sheet tell about its columns: whether they hold words, numbers or classes."""

import shlex
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from labelscan.data.readers.sheet import HEAD, read_sheet, single_valued
from labelscan.data.readers.unsupported import ONE_HOT

MOSTLY = 0.5
"""The share of cells above which a column is like them."""
NO_SPACES_FROM, FEW_LETTERS = "\u0e00", 6
"""Thai, Chinese, Japanese and others are written without spaces: so many letters of them are several words."""


def first_rows(path: Path, names: Sequence[str], encoding: str) -> dict[str, list[str]]:
    """Return the first cells of the columns ``names`` that have one value a cell."""
    return read_sheet(path, single_valued(path, names), encoding, n_rows=HEAD).columns


def label_hint(path: Path, names: Sequence[str], encoding: str) -> str:
    """Return which of the columns ``names`` may be the labels, as a hint where no label column is found, or nothing.

    It is the only one whose values recur and are not numbers, or several of which each row has a 1 in one.
    """
    head = first_rows(path, names, encoding)
    recurring = [name for name, cells in head.items() if 1 < len(set(cells)) <= MOSTLY * len(cells)]
    likely = [name for name in recurring if not are_numbers(head[name])] or recurring
    if len(likely) == 1:
        return f"perhaps --label-column {shlex.quote(likely[0])}"
    zeros_and_ones = [name for name, cells in head.items() if set(map(str.strip, cells)) == {"0", "1"}]
    rows = zip(*(map(int, head[name]) for name in zeros_and_ones), strict=True)
    if len(zeros_and_ones) > 1 and all(sum(row) == 1 for row in rows):
        return f"if {' and '.join(map(repr, zeros_and_ones[:2]))} say for a class each whether it is there, {ONE_HOT}"
    return ""


def are_words(cells: Sequence[str]) -> bool:
    """Return whether the cells are texts: mostly of several words, and mostly different ones."""
    filled = [cell for cell in cells if cell.strip()]
    several = sum(map(_has_several_words, filled))
    return several > MOSTLY * len(filled) and len(set(filled)) > MOSTLY * len(filled)


def _has_several_words(cell: str) -> bool:
    if sum(letter >= NO_SPACES_FROM for letter in cell[:HEAD]) >= FEW_LETTERS:
        return True
    words = (word for word in cell.split() if any(map(str.isalpha, word)))
    return len(list(islice(words, 2))) == 2  # dates and amounts have one at most


def are_numbers(cells: Sequence[str]) -> bool:
    """Return whether most cells are numbers."""
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(is_number, filled)) > MOSTLY * len(filled)


def is_number(cell: str) -> bool:
    """Return whether Python reads a cell as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
