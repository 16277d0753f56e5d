"""Pieces of Markdown that show text from outside as it is: nothing in it is markup, breaks a table or calls a person.

Markdown as GitHub reads it, in job summaries, pull requests and files; a terminal that it is sent to is not moved by
anything in it either.
"""

import html
from collections.abc import Iterable, Iterator, Sequence

from labelscan.printable import printable

_HAS_MEANING = "\\`*_[]<>|#~&"
_PUNCTUATION = "\\`|*_[]~$@:!"


def escaped(text: str) -> str:
    """Return text so that Markdown shows it as it is, on one line and in one cell."""
    text = _on_one_line(text)
    for character in _HAS_MEANING:
        text = text.replace(character, f"\\{character}")
    return text


def code(text: str) -> str:
    """Return text as code, where GitHub looks for no names of persons, links or formulas; for labels, ids and paths.

    Where back quotes would have to be counted, or a backslash meets the bar of a table, it is HTML.
    """
    text = _on_one_line(text)
    if not text:
        return ""
    if not any(character in text for character in "`|\\"):
        return f"`{text}`"
    kept = (f"&#{ord(one)};" if one in _PUNCTUATION else one for one in html.escape(text))
    return f"<code>{''.join(kept)}</code>"


def table(titles: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        titles: of its columns.
        sides: one letter a column, l for left and r for right.
        rows: their cells, escaped already.
    """
    yield f"| {' | '.join(titles)} |"
    yield f"| {' | '.join('---' if side == 'l' else '---:' for side in sides)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _on_one_line(text: str) -> str:
    return printable(" ".join(text.split()))
