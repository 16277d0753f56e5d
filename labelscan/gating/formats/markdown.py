"""A verdict as Markdown: for the summary page of a CI job, or a comment on a pull request."""

from collections.abc import Iterable, Iterator

from labelscan.gating.formats.words import findings, next_steps, numbers_of, outcome, unlisted
from labelscan.gating.verdict import GateSuspect, GateVerdict
from labelscan.tables import markdown_table
from labelscan.wording import as_code, in_markdown


def as_markdown(verdict: GateVerdict, top: int) -> str:
    """Return the verdict, its limits and the ``top`` worst suspects as two tables."""
    return "\n".join(_lines(verdict, top)) + "\n"


def _lines(verdict: GateVerdict, top: int) -> Iterator[str]:
    yield from (f"## labelscan gate: {outcome(verdict).lower()}", "", in_markdown(findings(verdict)), "")
    rows = [(check.name, *numbers_of(check), "ok" if check.passed else "**exceeded**") for check in verdict.checks]
    yield from markdown_table(("limit", "found", "allowed", ""), "lrrl", rows)
    listed = verdict.to_look_at[:top]
    if listed:
        yield from ("", *_table(listed))
    if missing := unlisted(verdict, top):
        yield from ("", missing)
    for warning in verdict.warnings:
        yield from ("", f"Warning: {in_markdown(warning)}")
    steps = next_steps(verdict, top)
    if steps:
        yield ""
        yield from (f"- {word}: {as_code(step)}" for word, step in steps)


def _table(suspects: Iterable[GateSuspect]) -> Iterator[str]:
    rows = [
        [
            *(as_code(text) for text in (one.place, one.given_label, one.suggested_label)),
            f"{one.error_probability:.3f}",
        ]
        for one in suspects
    ]
    yield from markdown_table(("suspect", "given", "suggested", "P(wrong)"), "lllr", rows)
