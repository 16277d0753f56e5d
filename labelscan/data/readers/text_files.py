"""Texts that are files of their own, read into memory; one that cannot be read keeps its row, with the reason."""

from collections.abc import Sequence
from pathlib import Path

from labelscan.arrays import as_strings
from labelscan.data.inputs import Texts
from labelscan.data.readers.encodings import GUESSED_BYTES, encoding_of_start, likely
from labelscan.reading import check_is_file, why

EXTENSION = "txt"
MOST_BYTES = 1 << 26
"""A larger file is no text that anyone has labelled."""


def is_called_text(name: str) -> bool:
    """Return whether a file, by its name or path, is a text."""
    return name.lower().endswith(f".{EXTENSION}")


def read_text_files(root: Path, paths: Sequence[str], encoding: str) -> tuple[Texts, list[str]]:
    """Return the texts of (N,) files, absolute or relative to ``root``, and what a user should know about them."""
    texts: list[str] = []
    reasons: dict[int, str] = {}
    odd = b""
    for row, name in enumerate(paths):
        content = b""
        try:
            content = _content(root / name)
            texts.append(content.decode(encoding_of_start(content[:4], encoding)))
        except (OSError, ValueError) as error:
            texts.append("")
            reasons[row] = why(error)
            if isinstance(error, UnicodeError) and len(odd) < GUESSED_BYTES:
                odd += content
    notes = []
    if odd and (name := likely(odd)):
        notes.append(f"texts that are not UTF-8 look like {name}: give --encoding {name}")
    return Texts(as_strings(texts), root, as_strings(paths), reasons), notes


def holds_text(file: Path, encoding: str) -> bool:
    """Return whether a file of any name is a text: it has no NUL, and is in its encoding."""
    try:
        content = _content(file)
        return "\0" not in content.decode(encoding_of_start(content[:4], encoding))
    except (OSError, ValueError):
        return False


def _content(file: Path) -> bytes:
    """Return the content of a file, or raise OSError or ValueError."""
    check_is_file(file)
    if (size := file.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{size:,} bytes, more than a text has")
    return file.read_bytes()
