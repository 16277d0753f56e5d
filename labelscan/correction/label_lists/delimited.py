"""A corrected copy of a csv or tsv file, in which every byte outside the changed cells is kept.

No CSV writer promises to keep quotes, line ends and a byte order mark: the text of each record is kept beside its
fields, and only a changed field is replaced.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from labelscan.correction.label_lists.rows import ID_COLUMN, RowEdits
from labelscan.data.readers.encodings import opened_to_copy
from labelscan.data.readers.sheet import BYTE_ORDER_MARK, delimiter_of, long_fields
from labelscan.files.atomic import replacing


def write(path: Path, edits: RowEdits, output: Path) -> None:
    """Write a copy of the csv or tsv file at ``path`` with its rows edited."""
    delimiter = delimiter_of(path, edits.encoding)
    with long_fields(), opened_to_copy(path, edits.encoding) as original, replacing(output) as copy:
        names: list[str] = []
        row = 0
        for text, fields in _records(original, delimiter):
            if not fields:
                copy.write(text)
            elif not names:
                names = fields
                copy.write(_appended(text, ID_COLUMN, delimiter) if edits.new_ids else text)
            else:
                if not edits.dropped[row]:
                    cells = {names.index(column): cell for column, cell in edits.cells(row).items()}
                    text = _with_cells(text, cells, delimiter) if cells else text
                    copy.write(_appended(text, edits.new_ids[row], delimiter) if edits.new_ids else text)
                row += 1


def _records(lines: Iterator[str], delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the text of each record, including its line end, and its fields; an empty line has none."""
    taken: list[str] = []

    def tapped() -> Iterator[str]:
        for number, line in enumerate(lines):
            taken.append(line)
            yield line.removeprefix(BYTE_ORDER_MARK) if number == 0 else line

    for fields in csv.reader(tapped(), delimiter=delimiter, strict=True):
        yield "".join(taken), fields
        taken.clear()


def _with_cells(text: str, cells: dict[int, str], delimiter: str) -> str:
    """Return a record with the fields at some places replaced; quoted fields stay quoted."""
    body = text.rstrip("\r\n")
    separator = re.escape(delimiter)
    fields = re.findall(rf'(?:\A|{separator})("[^"]*(?:""[^"]*)*"|[^{separator}]*)', body)
    for place, cell in cells.items():
        fields[place] = _field(cell, delimiter, always_quoted=fields[place].startswith('"'))
    return delimiter.join(fields) + text[len(body) :]


def _appended(text: str, cell: str, delimiter: str) -> str:
    body = text.rstrip("\r\n")
    return f"{body}{delimiter}{_field(cell, delimiter)}{text[len(body) :]}"


def _field(cell: str, delimiter: str, *, always_quoted: bool = False) -> str:
    if always_quoted or any(character in cell for character in (delimiter, '"', "\r", "\n")):
        return '"' + cell.replace('"', '""') + '"'
    return cell
