"""Texts in a sheet: one row an example, its text in one column or several, and its label.

The columns of text are named by the user, or found by their usual names and by what they hold. A sheet is one of texts
where such a column holds words that differ from row to row; a title of few values is a category of a table.
"""

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import Texts
from labelscan.data.readers.columns import ROLE_SETTINGS, ROW_NUMBERS, Tiers, free_columns, missing, not_used, pick
from labelscan.data.readers.labelled_rows import MOSTLY, are_numbers, read_rows, sheet_of
from labelscan.data.readers.sheet import HEAD, Sheet, column_names, is_sheet, read_sheet, single_valued
from labelscan.events import Listener
from labelscan.files.reading import with_home

SETTINGS = ROLE_SETTINGS.union(["text_column", "encoding", "exclude", "include"])
BETWEEN = "\n\n"
"""What joins the texts of several columns."""
HEADINGS: Tiers = (("title", "headline"),)
"""Usual names of what stands above a text, and is read before it."""
BODIES: Tiers = (
    ("text",),
    ("sentence", "review", "review_text", "content", "body", "document", "comment", "comment_text", "message", "tweet"),
    ("utterance", "question", "article", "post", "transcript", "query", "prompt", "sms", "email", "full_text"),
)
"""Usual names of texts; one of an earlier tier wins over those of later ones."""
WEAK_BODIES: Tiers = (("description", "summary", "abstract", "notes", "note", "feedback", "reason"),)
"""Names of texts that tables have too: beside columns of numbers they are a part of these."""
NO_SPACES_FROM, FEW_LETTERS = "\u0e00", 6
"""Thai, Chinese, Japanese and others are written without spaces: so many letters of them are several words."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a sheet of texts, having found that it lists no files."""
    path = with_home(config.data)
    return is_sheet(path) and bool(text_columns(path, column_names(path, config.encoding), config))


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # a sheet is read in one go
    """Return the texts of a sheet; ids are its id column, else row numbers from 0.

    An empty text keeps its row.

    Raises:
        DatasetError: columns or cells are missing; up to 20 problems at once.
    """
    path, names = sheet_of(config)
    found = text_columns(path, names, config)
    others = [name for name in names if name not in found]
    rows = read_rows(path, others, config, beside=found)
    unused = [name for name in others if name not in rows.columns.used()]
    hint = f"name texts by --text-column, or judge a table by --exclude {shlex.quote(found[-1])}"
    notes = [f"{rows.columns.describe()}, text from {' and '.join(map(repr, found))}", *not_used(unused, hint)]
    return rows.dataset(joined(rows.sheet, found), notes)


def joined(rows: Sheet, columns: Sequence[str]) -> Texts:
    """Return the text of each row: that of its columns, by a blank line in between where several are not empty."""
    if len(columns) == 1:
        return Texts(as_strings(rows.columns[columns[0]]))
    cells = zip(*(rows.columns[name] for name in columns), strict=True)
    return Texts(as_strings([BETWEEN.join(cell for cell in row if cell.strip()) for row in cells]))


def text_columns(path: Path, names: Sequence[str], config: DatasetConfig) -> list[str]:
    """Return the columns that are the text of an example, in their order; none where the sheet is no sheet of texts.

    Raises:
        DatasetError: a column that the settings name is missing, or two columns could both be the text.
    """
    if config.text_column:
        return named_texts(names, config, where=path.name)
    free = free_columns(single_valued(path, names), config)
    return likely_texts(read_sheet(path, free, config.encoding, n_rows=HEAD).columns, where=path.name) if free else []


def named_texts(names: Sequence[str], config: DatasetConfig, *, where: str) -> list[str]:
    """Return the columns that the settings name as texts, or raise DatasetError where one is missing."""
    for name in config.text_column:
        if name not in names:
            raise missing("text column", names, where=where, hint="name one of them by --text-column", asked=name)
    return list(dict.fromkeys(config.text_column))


def likely_texts(head: Mapping[str, Sequence[str]], *, where: str) -> list[str]:
    """Return which columns are the text of an example; ``head`` are the first cells of those without a role.

    Raises:
        DatasetError: two columns could both be the text.
    """
    of_words = [name for name, cells in head.items() if _are_words(cells)]
    choose = partial(pick, of_words, what="text", where=where, hint="say which by --text-column, once for each of them")
    heading, body, weak = choose(HEADINGS), choose(BODIES), choose(WEAK_BODIES)
    others = [name for name in head if name.strip().lower() not in ROW_NUMBERS]
    if not body and any(are_numbers(head[name]) for name in others):
        return []
    found = [name for name in (heading, body or weak) if name]
    return found or [name for name in of_words if others == [name]]


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
