"""Numbers as a person says them, and text from outside made harmless to look at, on every screen and in every report.

Labels and paths may hold anything: what moves a cursor, reorders a line or is in no encoding is written out, and in
Markdown nothing in them is markup, breaks a table or calls a person.
"""

import html
import unicodedata

BIDI_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder the text after them: a label could make a line read as another."""
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Categories of characters that move the cursor, or that no encoding has."""
NONCHARACTERS = frozenset("\ufffe\uffff")
"""No characters at all, which XML refuses."""
_HAS_MEANING = "\\`*_[]<>|#~&"
_PUNCTUATION = "\\`|*_[]~$@:!"


def percent(share: float, digits: int = 1) -> str:
    """Return a share in [0, 1] as ``9.6 %``."""
    return f"{100 * share:.{digits}f} %"


def duration(seconds: float) -> str:
    """Return ``seconds`` as a person says it: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02} min"


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


def in_markdown(text: str) -> str:
    """Return text so that Markdown shows it as it is, on one line and in one cell."""
    text = _on_one_line(text)
    for character in _HAS_MEANING:
        text = text.replace(character, f"\\{character}")
    return text


def as_code(text: str) -> str:
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


def _on_one_line(text: str) -> str:
    return printable(" ".join(text.split()))
