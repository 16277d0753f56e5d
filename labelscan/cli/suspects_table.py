"""The table of suspects that the screens of several commands show, in as many columns as there is room for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from labelscan.cli.console import Column, Shape, cells, table

ARROW = "->"
NARROW = 50
"""Cells below which a suspect is listed without its suggested label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SuspectRow:
    """One line of the table."""

    mark: str
    """What stands in front: a rank, or what is special about it."""
    example: str
    given_label: str
    suggested_label: str
    error_probability: float


def suspects_table(suspects: Sequence[SuspectRow], width: int, *, title: str = "Top") -> Shape:
    """Return a table that fits ``width``; long texts lose their middle, numbers never a digit."""
    mark = max(cells(title), *(cells(one.mark) for one in suspects))
    narrow = width < NARROW
    room = width - (mark + len("P(wrong)") + (2 * 3 if narrow else len(ARROW) + 2 * 5))
    texts = {
        "suspects": [one.example for one in suspects],
        "given": [one.given_label for one in suspects],
        "suggested": [one.suggested_label for one in suspects],
    }
    example, given, suggested = _share_room(room, *(max(map(cells, (header, *texts[header]))) for header in texts))
    columns = [
        Column("", "right"),
        Column("suspects", width=example),
        Column("given", width=given),
        Column(""),
        Column("suggested", width=suggested),
        Column("P(wrong)", "right"),
    ]
    rows = [
        [one.mark, one.example, one.given_label, ARROW, one.suggested_label, _shown_probability(one.error_probability)]
        for one in suspects
    ]
    kept = [0, 1, 2, 5] if narrow else range(len(columns))
    return table([columns[place] for place in kept], [[row[place] for place in kept] for row in rows], title=title)


def _shown_probability(value: float) -> str:
    """Return a probability with three digits, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def _share_room(room: int, example: int, given: int, suggested: int) -> tuple[int, int, int]:
    """Return widths of at most what is needed that fit ``room``: half for the example, and what others leave."""
    quarter = max(room // 4, 1)
    widths = [min(given, quarter), min(suggested, quarter)]
    example = min(example, max(room - sum(widths), 1))
    for position, needed in enumerate((given, suggested)):
        widths[position] = min(needed, max(room - example - widths[1 - position], 1))
    return example, widths[0], widths[1]
