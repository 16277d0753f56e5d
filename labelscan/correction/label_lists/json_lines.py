"""A corrected copy of a jsonl file, in which every byte outside the changed values is kept."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from json.decoder import JSONDecoder
from pathlib import Path

from labelscan.correction.label_lists.rows import ID_COLUMN, RowEdits
from labelscan.data.readers.encodings import opened_to_copy
from labelscan.data.readers.sheet import BYTE_ORDER_MARK, as_text
from labelscan.files.atomic import replacing

_DECODER = JSONDecoder()
_BLANKS = re.compile(rf"[ \t\r\n{BYTE_ORDER_MARK}]*")
"""What may come before an object, or between its parts."""


def write(path: Path, edits: RowEdits, output: Path) -> None:
    """Write a copy of the jsonl file at ``path`` with its rows edited; if all labels are numbers, so are new ones."""
    spellings = _spellings(path, edits)
    with opened_to_copy(path, edits.encoding) as original, replacing(output) as copy:
        row = 0
        for line in original:
            if _is_blank(line):
                copy.write(line)
                continue
            if not edits.dropped[row]:
                values = {name: _json_of(cell, line) for name, cell in edits.cells(row).items()}
                if edits.label_column in values:
                    values[edits.label_column] = _json_of_label(edits.new_labels[row], spellings, line)
                for name, start, end in reversed(list(_members(line)) if values else []):
                    line = f"{line[:start]}{values[name]}{line[end:]}" if name in values else line
                copy.write(_appended(line, edits.new_ids[row]) if edits.new_ids else line)
            row += 1


def _is_blank(line: str) -> bool:
    return not line.removeprefix(BYTE_ORDER_MARK).strip()


def _spellings(path: Path, edits: RowEdits) -> dict[str, str]:
    """Return the JSON of each label where it first occurs in the file; nothing where no label is new."""
    found: dict[str, str] = {}
    if not any(edits.new_labels):
        return found
    with opened_to_copy(path, edits.encoding) as file:
        lines = (line for line in file if not _is_blank(line))
        for line, label in zip(lines, edits.old_labels, strict=True):
            if label and label not in found:  # rows of splits that were not read may have none
                *_, (start, end) = (span for name, *span in _members(line) if name == edits.label_column)
                found[label] = line[start:end]
    return found


def _json_of_label(label: str, spellings: dict[str, str], line: str) -> str:
    """Return a label as the file writes it, or would: without quotes if no label there has them."""
    if label in spellings:
        return spellings[label]
    if not any(there.startswith('"') for there in (label, *spellings.values())):
        with suppress(ValueError):  # it is no number or truth value of JSON
            if as_text(json.loads(label, parse_int=str, parse_float=str)) == label:
                return label
    return _json_of(label, line)


def _members(line: str) -> Iterator[tuple[str, int, int]]:
    """Yield each name of an object, and the start and end of its value."""
    position = _behind_blanks(line, 0) + 1  # behind the brace
    while line[position := _behind_blanks(line, position)] != "}":
        name, position = _DECODER.raw_decode(line, position)
        start = _behind_blanks(line, _behind_blanks(line, position) + 1)  # behind the colon
        _, end = _DECODER.raw_decode(line, start)
        yield name, start, end
        position = _behind_blanks(line, end)
        position += line[position] == ","


def _behind_blanks(line: str, position: int) -> int:
    found = _BLANKS.match(line, position)
    assert found is not None, "it matches nothing too"
    return found.end()


def _appended(line: str, example_id: str) -> str:
    end = max((end for _, _, end in _members(line)), default=None)
    place, comma = (_behind_blanks(line, 0) + 1, "") if end is None else (end, ", ")
    return f'{line[:place]}{comma}"{ID_COLUMN}": {_json_of(example_id, line)}{line[place:]}'


def _json_of(cell: str, line: str) -> str:
    """Return a cell as JSON, in ASCII where the line is."""
    return json.dumps(cell, ensure_ascii=line.isascii())
