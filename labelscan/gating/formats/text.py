"""A verdict as plain text: what the screen shows, for a file or a log."""

import unicodedata
from collections.abc import Iterator, Sequence

from labelscan.gating.formats import words
from labelscan.gating.verdict import GateVerdict
from labelscan.results.issues import ISSUES_FILE
from labelscan.wording import printable

KEPT = {True: "ok      ", False: "exceeded"}


def as_text(verdict: GateVerdict, top: int) -> str:
    """Return the verdict, its limits and the ``top`` worst suspects, nothing cut off."""
    return "".join(f"{line.rstrip()}\n" for line in _lines(verdict, top))


def _lines(verdict: GateVerdict, top: int) -> Iterator[str]:
    yield f"{words.outcome(verdict)}: {words.reason(verdict)}"
    yield printable(words.findings(verdict))
    yield ""
    yield from _columns([[KEPT[one.passed], one.name, one.sentence] for one in verdict.checks])
    listed = verdict.to_look_at[:top]
    if listed:
        title = "New" if verdict.baseline and verdict.n_new else "Top"
        rows = [
            [str(place), one.example_id, one.given_label, "->", one.suggested_label, f"{one.error_probability:.3f}"]
            for place, one in enumerate(listed, 1)
        ]
        yield ""
        yield from _columns([[title, "suspects", "given", "", "suggested", "P(wrong)"], *rows], right=(0, 5))
        if missing := words.unlisted(verdict, top):
            yield f"{missing}; all are in {ISSUES_FILE}"
    remarks = [f"{kind}: {printable(text)}" for kind, text in words.remarks(verdict)]
    steps = _columns(words.next_steps(verdict, top))
    after = [*remarks, *steps]
    yield from ["", *after] if after else []


def _columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return rows of cells as lines, columns two blanks apart, the columns ``right`` flush right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        filled = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - _width(cell))
            filled.append(blanks + cell if place in right else cell + blanks)
        lines.append("  ".join(filled))
    return lines


def _width(text: str) -> int:
    """Return the columns of a terminal that a text takes: two for a wide character, none for an accent put upon one."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))
