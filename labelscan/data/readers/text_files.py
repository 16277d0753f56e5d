"""Texts that are files of their own, read into memory; one that cannot be read keeps its row, with the reason."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from labelscan.arrays import as_strings
from labelscan.data.inputs import Texts
from labelscan.data.readers.encodings import GUESSED_BYTES, encoding_of_start, likely
from labelscan.files import storage
from labelscan.files.reading import check_is_file, why
from labelscan.files.urls import is_url, joined
from labelscan.processes.prefetch import Prefetch

EXTENSION = "txt"
MOST_BYTES = 1 << 26
"""A larger file is no text that anyone has labelled."""


def is_called_text(name: str) -> bool:
    """Return whether a file, by its name or path, is a text."""
    return name.lower().endswith(f".{EXTENSION}")


def read_text_files(root: Path | str, paths: Sequence[str], encoding: str) -> tuple[Texts, list[str]]:
    """Return the texts of (N,) files, absolute or relative to ``root``, and what a user should know about them.

    Both may be addresses, and then many are read at once.
    """
    texts: list[str] = []
    reasons: dict[int, str] = {}
    odd = b""
    for row, content in enumerate(_contents(root, paths)):
        try:
            if isinstance(content, Exception):
                raise content
            texts.append(content.decode(encoding_of_start(content[:4], encoding)))
        except (OSError, ValueError) as error:
            texts.append("")
            reasons[row] = why(error)
            if isinstance(content, bytes) and isinstance(error, UnicodeError) and len(odd) < GUESSED_BYTES:
                odd += content
    notes = []
    if odd and (name := likely(odd)):
        notes.append(f"texts that are not UTF-8 look like {name}: give --encoding {name}")
    if isinstance(root, str):
        return Texts(as_strings(texts), Path(), as_strings([joined(root, name) for name in paths]), reasons), notes
    return Texts(as_strings(texts), root, as_strings(paths), reasons), notes


def holds_text(file: Path, encoding: str) -> bool:
    """Return whether a file of any name is a text: it has no NUL, and is in its encoding."""
    try:
        content = _content(file)
        return "\0" not in content.decode(encoding_of_start(content[:4], encoding))
    except (OSError, ValueError):
        return False


def _contents(root: Path | str, paths: Sequence[str]) -> Iterator[bytes | Exception]:
    """Yield the content of each file, or the error where it cannot be read."""
    places = (root / name if isinstance(root, Path) and not is_url(name) else joined(str(root), name) for name in paths)
    if isinstance(root, Path) and not any(map(is_url, paths)):
        yield from map(_content_or_error, places)
        return
    with Prefetch(storage.READS_AT_ONCE, "read") as threads:
        yield from threads.results(_content_or_error, places)


def _content_or_error(file: Path | str) -> bytes | Exception:
    try:
        return _content(file)
    except (OSError, ValueError) as error:
        return error


def _content(file: Path | str) -> bytes:
    """Return the content of a file, or of one at an address; or raise OSError or ValueError."""
    if isinstance(file, str):
        return storage.read(file)
    check_is_file(file)
    if (size := file.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{size:,} bytes, more than a text has")
    return file.read_bytes()
