"""The encoding of a file of text: that of its byte order mark, else the one that is asked for, else UTF-8.

None is guessed, since a wrong guess reads other letters in silence: the error for a file that is not UTF-8 names the
most probable one, for the user to say.
"""

import codecs
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from labelscan.data.refused_rows import reading
from labelscan.errors import DatasetError
from labelscan.files.reading import check_is_file, not_utf8

A_TEXT = "name a file of text"
"""The hint where a file cannot be read."""
UTF_8 = "utf-8-sig"
"""Python's name of UTF-8 with or without a byte order mark."""
MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
GUESSED_BYTES = 1 << 16
"""How much from the first odd byte on is looked at for the most probable encoding."""
FEW_ODD_BYTES = 8
"""Fewer bytes outside ASCII tell nothing of their encoding: it is then the most usual one."""
USUAL = "cp1252"
"""Taken of several encodings that a text may be in as well: by far the most frequent one."""
MOST_CHAOS = 0.5
"""How odd the letters of a text may be, as charset-normalizer measures it; short texts in some languages are odd."""
PROBABLE = f"{USUAL} cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 koi8_r cp932 euc_jp gb18030 big5 cp949 utf_16_le".split()
"""Those that spreadsheets and older systems write; among all that Python knows, an odd one would often look as good."""


def encoding_of(path: Path, asked: str = "") -> str:
    """Return Python's name of the encoding of a file, without a look at more than its first bytes.

    Raises:
        DatasetError: it cannot be read, or is UTF-8 where another encoding was asked for.
    """
    with reading(str(path), A_TEXT):
        check_is_file(path)
        with path.open("rb") as file:
            start = file.read(GUESSED_BYTES if asked else 4)
    encoding = encoding_of_start(start[:4], asked)
    if encoding not in MARKS.values() and _is_utf_8(start):
        raise DatasetError(
            "wrong-encoding", f"this is UTF-8, not {encoding}", where=path.name, hint="leave --encoding out"
        )
    return encoding


def _is_utf_8(start: bytes) -> bool:
    """Return whether a file begins with letters beyond ASCII among others, all in UTF-8: hardly ever by chance."""
    try:
        return not codecs.getincrementaldecoder("utf-8")().decode(start).isascii()
    except UnicodeDecodeError:
        return False


def encoding_of_start(start: bytes, asked: str = "") -> str:
    """Return Python's name of the encoding of a file that begins with these bytes."""
    name = next((name for mark, name in MARKS.items() if start.startswith(mark)), asked)
    return name if name and codecs.lookup(name).name != "utf-8" else UTF_8


@contextmanager
def opened(path: Path, asked: str = "") -> Iterator[TextIO]:
    """Open a file of text; line ends stay as they are.

    Raises:
        DatasetError: it cannot be read, or is not in its encoding, which is found out as it is read.
    """
    encoding = encoding_of(path, asked)
    try:
        with reading(str(path), A_TEXT), path.open(encoding=encoding, newline="") as file:
            yield file
    except UnicodeError as error:
        raise _not_in(path, encoding) from error


def opened_to_copy(path: Path, encoding: str) -> TextIO:
    """Open a file that was read in this encoding; a byte order mark of UTF-8 stays at its beginning, to be copied."""
    return path.open(encoding="utf-8" if encoding == UTF_8 else encoding, newline="")


def likely(content: bytes) -> str:
    """Return the most probable encoding of bytes that are not UTF-8; empty where none is."""
    from charset_normalizer import from_bytes  # only now: hardly any file needs it

    content = content[:GUESSED_BYTES]
    if sum(byte >= 0x80 for byte in content) < FEW_ODD_BYTES:
        return USUAL
    found = list(from_bytes(content, cp_isolation=PROBABLE, threshold=MOST_CHAOS))  # the most probable first
    as_good = [one.encoding for one in found if one.chaos <= found[0].chaos]
    return USUAL if USUAL in as_good else next(iter(as_good), "")


def _not_in(path: Path, encoding: str) -> DatasetError:
    if encoding != UTF_8:
        return DatasetError(
            "wrong-encoding", f"not {encoding}", where=path.name, hint="save it as UTF-8, or give another --encoding"
        )
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                hint = "save it as UTF-8"
                if name := likely(line[error.start :] + file.read(GUESSED_BYTES)):
                    hint = f"it looks like {name}: give --encoding {name}, or {hint}"
                where = f"{path.name} row {number}"
                return DatasetError("not-utf8", not_utf8(error, f"column {error.start + 1}"), where=where, hint=hint)
    return DatasetError("not-utf8", "not UTF-8", where=path.name, hint="save it again")  # it has changed in between
