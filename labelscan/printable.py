"""Text from outside made harmless to look at: labels and paths may hold anything.

What moves a cursor, reorders a line or is in no encoding is written out; nothing else is changed.
"""

import unicodedata

BIDI_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder the text after them: a label could make a line read as another."""
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Categories of characters that move the cursor, or that no encoding has."""
NONCHARACTERS = frozenset("\ufffe\uffff")
"""No characters at all, which XML refuses."""


def printable(text: str) -> str:
    """Return ``text`` on one line, its control characters written out as in ``\\x1b``."""
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode("ascii")
        if unicodedata.category(character) in UNPRINTABLE or character in BIDI_CONTROLS or character in NONCHARACTERS
        else character
        for character in text
    )
