"""Which columns of a sheet are its texts: named by the user, or found by their usual names and by what they hold.

A sheet is one of texts where such a column holds words that differ from row to row; a title of few values is a category
of a table.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.data.readers.columns import ROW_NUMBERS, Tiers, free_columns, missing, pick
from labelscan.data.readers.first_rows import are_numbers, are_words, first_rows
from labelscan.data.readers.sheet import single_valued

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


def text_columns(path: Path, names: Sequence[str], config: DatasetConfig) -> list[str]:
    """Return the columns that are the text of an example, in their order; none where the sheet is no sheet of texts.

    Raises:
        DatasetError: a column that the settings name is missing, or two columns could both be the text.
    """
    if config.text_column:
        return named_texts(names, config, where=path.name)
    free = free_columns(single_valued(path, names), config)
    return likely_texts(first_rows(path, free, config.encoding), where=path.name) if free else []


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
    of_words = {name: cells for name, cells in head.items() if are_words(cells)}
    heading, body, weak = (_pick(of_words, tiers, where) for tiers in (HEADINGS, BODIES, WEAK_BODIES))
    others = [name for name in head if name.strip().lower() not in ROW_NUMBERS]
    if not body and any(are_numbers(head[name]) for name in others):
        return []
    found = [name for name in (heading, body or weak) if name]
    return found or [name for name in of_words if others == [name]]


def _pick(of_words: Mapping[str, Sequence[str]], tiers: Tiers, where: str) -> str:
    hint = "say which by --text-column, once for each of them"
    return pick(list(of_words), tiers, what="text", where=where, hint=hint)
