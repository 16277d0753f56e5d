"""Which columns of a sheet are its texts: named by the user, or found by their usual names and by what they hold.

A sheet is one of texts where such a column holds words that differ from row to row; a title of few values is a category
of a table.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.data.readers.columns import ROW_NUMBERS, Tiers, free_columns, missing, pick
from labelscan.data.readers.sheet import HEAD, read_sheet, single_valued

HEADINGS: Tiers = (("title", "headline", "subject"),)
"""Usual names of what stands above a text, and is read before it."""
BODIES: Tiers = (
    ("text",),
    ("sentence", "review", "review_text", "content", "body", "document", "comment", "comment_text", "message", "tweet"),
    ("utterance", "question", "article", "post", "transcript", "query", "prompt", "sms", "email", "full_text"),
)
"""Usual names of texts; one of an earlier tier wins over those of later ones."""
WEAK_BODIES: Tiers = (("description", "summary", "abstract", "notes", "note", "feedback", "reason"),)
"""Names of texts that tables have too: beside columns of numbers they are a part of these."""
MOSTLY = 0.5
"""The share of cells above which a column is like them."""
NO_SPACES_FROM, FEW_LETTERS = "\u0e00", 6
"""Thai, Chinese, Japanese and others are written without spaces: so many letters of them are several words."""


def text_columns(path: Path, names: Sequence[str], config: DatasetConfig) -> list[str]:
    """Return the columns that are the text of an example, in their order; none where the sheet is no sheet of texts.

    Raises:
        DatasetError: a column that the settings name is missing, or two columns could both be the text.
    """
    if config.text_column:
        for name in config.text_column:
            if name not in names:
                hint = "name one of them by --text-column"
                raise missing("text column", names, where=path.name, hint=hint, asked=name)
        return list(dict.fromkeys(config.text_column))
    free = free_columns(single_valued(path, names), config)
    if not free:
        return []
    head = read_sheet(path, free, config.encoding, n_rows=HEAD).columns
    of_words = {name: cells for name, cells in head.items() if _are_words(cells)}
    heading, body, weak = (_pick(of_words, tiers, path) for tiers in (HEADINGS, BODIES, WEAK_BODIES))
    others = [name for name in free if name.strip().lower() not in ROW_NUMBERS]
    if not body and any(_are_numbers(head[name]) for name in others):
        return []
    found = [name for name in (heading, body or weak) if name]
    return found or [name for name in of_words if others == [name]]


def likely_label(path: Path, names: Sequence[str], encoding: str) -> str:
    """Return the one of the columns ``names`` whose values recur, and are not numbers; empty where there are several.

    It is the hint where no label column is found.
    """
    head = read_sheet(path, single_valued(path, names), encoding, n_rows=HEAD).columns
    likely = [name for name, cells in head.items() if 1 < len(set(cells)) <= MOSTLY * len(cells)]
    likely = [name for name in likely if not _are_numbers(head[name])] or likely
    return likely[0] if len(likely) == 1 else ""


def _pick(of_words: Mapping[str, Sequence[str]], tiers: Tiers, path: Path) -> str:
    hint = "say which by --text-column, once for each of them"
    return pick(list(of_words), tiers, what="text", where=path.name, hint=hint)


def _are_words(cells: Sequence[str]) -> bool:
    """Return whether the cells are texts: mostly of several words, and mostly different ones."""
    filled = [cell for cell in cells if cell.strip()]
    several = sum(map(_has_several_words, filled))
    return several > MOSTLY * len(filled) and len(set(filled)) > MOSTLY * len(filled)


def _has_several_words(cell: str) -> bool:
    if sum(letter >= NO_SPACES_FROM for letter in cell[:HEAD]) >= FEW_LETTERS:
        return True
    words = (word for word in cell.split() if any(map(str.isalpha, word)))
    return len(list(islice(words, 2))) == 2  # dates and amounts have one at most


def _are_numbers(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(_is_number, filled)) > MOSTLY * len(filled)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
