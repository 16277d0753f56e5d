"""Numbers in words that people read, and text from outside made harmless, for every screen and report.

Labels and paths may hold anything. Characters that move a cursor, reorder a line or have no encoding are written out;
in Markdown nothing in them becomes markup, breaks a table or mentions a person.
"""

import html
import json
import re
import unicodedata
from collections.abc import Mapping

BIDI_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder the text after them, so that a line could be read as another."""
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories of characters that move the cursor or cannot be encoded."""
NONCHARACTERS = frozenset("\ufffe\uffff")
"""Code points that are not characters; XML refuses them."""
_HAS_MEANING = "\\`*_[]<>|#~&"
_PUNCTUATION = "\\`|*_[]~$@:!"


def percent(share: float, digits: int = 1) -> str:
    """Return a share in [0, 1] as ``9.6 %``."""
    return f"{100 * share:.{digits}f} %"


def duration(seconds: float) -> str:
    """Return ``seconds`` as ``0.4 s``, ``12 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02} min"


def file_size(n_bytes: float) -> str:
    """Return a number of bytes as ``0 kB``, ``12 kB``, ``3.4 MB`` or ``20 GB``."""
    size, unit = n_bytes / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    digits = 1 if unit != "kB" and size < 9.95 else 0
    return f"{size:.{digits}f} {unit}"


def rounded(value: object) -> object:
    """Return ``value`` with every number in it at 6 significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    return value


def printable(text: str) -> str:
    """Return ``text`` on one line, its control characters written out as in ``\\x1b``."""
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode("ascii")
        if unicodedata.category(character) in UNPRINTABLE or character in BIDI_CONTROLS or character in NONCHARACTERS
        else character
        for character in text
    )


def shorten(text: str, most: int) -> str:
    """Return a text on one line, cut after ``most`` characters, between words where some are short enough."""
    line = " ".join(text[: 10 * most].split())
    if len(line) <= most:
        return line
    beginning, _, _ = line[:most].rpartition(" ")
    return f"{beginning if len(beginning) > most // 2 else line[:most]}…"


def as_json(content: Mapping[str, object]) -> str:
    """Return indented JSON with a line end, in ASCII, which every encoding and terminal takes.

    A ``#`` before another, from which logs of CI services begin a command, is written otherwise and read as the same.
    """
    return re.sub("#(?=#)", r"\\u0023", json.dumps(content, indent=2, allow_nan=False)) + "\n"


def in_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line and in one cell."""
    text = _on_one_line(text)
    for character in _HAS_MEANING:
        text = text.replace(character, f"\\{character}")
    return text


def as_code(text: str) -> str:
    """Return a label, id or path as code, in which GitHub finds no mentions, links or formulas.

    It is HTML where back quotes would have to be counted, or a backslash stands before the bar of a table.
    """
    text = _on_one_line(text)
    if not text:
        return ""
    if not any(character in text for character in "`|\\"):
        return f"`{text}`"
    kept = (f"&#{ord(one)};" if one in _PUNCTUATION else one for one in html.escape(text))
    return f"<code>{''.join(kept)}</code>"


def _on_one_line(text: str) -> str:
    return printable(" ".join(text.split()))
