"""A verdict as Markdown: for the summary page of a CI job, or a comment on a pull request."""

from collections.abc import Iterator
from dataclasses import asdict

from labelscan.gating.formats import RecognisedFormat
from labelscan.gating.verdict import GateVerdict
from labelscan.gating.words import findings, next_steps, outcome, unlisted
from labelscan.results.columns import GIVEN, P_WRONG, SUGGESTED
from labelscan.wording.tables import Column, Table, markdown_table
from labelscan.wording.words import as_code, in_markdown

HEADING = "## labelscan gate: "
SUSPECTS_BY_FILE = (Column("example", "place", "label"), GIVEN, SUGGESTED, P_WRONG)
"""Each by its file, if it has one: that is what a reviewer opens."""


def as_markdown(verdict: GateVerdict, top: int) -> str:
    """Return the verdict, its limits and the ``top`` worst suspects as two tables."""
    return "\n".join(_lines(verdict, top)) + "\n"


def is_verdict(text: str) -> bool:
    """Return whether Markdown begins with the outcome of a gate."""
    return text.startswith((f"{HEADING}passed\n", f"{HEADING}failed\n"))


def _lines(verdict: GateVerdict, top: int) -> Iterator[str]:
    yield from (f"{HEADING}{outcome(verdict).lower()}", "")
    for sentence in findings(verdict):
        yield from (in_markdown(sentence), "")
    rows = [(one.name, in_markdown(one.sentence), "ok" if one.passed else "**not met**") for one in verdict.checks]
    yield from markdown_table(("limit", "found", ""), "lll", rows)
    listed = [asdict(one) | {"place": one.place} for one in verdict.to_look_at[:top]]
    if listed:
        yield from ("", *Table.of(SUSPECTS_BY_FILE, listed).markdown())
    if missing := unlisted(verdict, top):
        yield from ("", missing)
    for warning in verdict.warnings:
        yield from ("", f"Warning: {in_markdown(warning)}")
    if steps := next_steps(verdict, top):
        yield from ("", *(f"- {word}: {as_code(step)}" for word, step in steps))


MARKDOWN = RecognisedFormat(as_markdown, is_verdict)
