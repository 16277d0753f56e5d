"""A verdict as Markdown: for the summary page of a CI job, or a comment on a pull request."""

from collections.abc import Iterator

from labelscan.printable import printable
from labelscan.reports.markdown import code, escaped, table
from labelscan.verdict import GateSuspect, GateVerdict


def as_markdown(verdict: GateVerdict, top: int) -> str:
    """Return the verdict, its limits and the ``top`` worst suspects as two tables."""
    return "\n".join(_lines(verdict, top)) + "\n"


def _lines(verdict: GateVerdict, top: int) -> Iterator[str]:
    yield from (f"## labelscan gate: {verdict.word.lower()}", "", _text(verdict.sentence), "")
    rows = [
        (check.name, check.shown_found, check.shown_limit, "ok" if check.passed else "**exceeded**")
        for check in verdict.checks
    ]
    yield from table(("limit", "found", "allowed", ""), "lrrl", rows)
    if verdict.suspects and top:
        yield from ("", *_table(verdict.suspects[:top], with_news=bool(verdict.baseline)))
    if len(verdict.suspects) > top:
        yield from ("", f"and {len(verdict.suspects) - top:,} more")
    for warning in verdict.warnings:
        yield from ("", f"Warning: {_text(warning)}")
    steps = verdict.next_steps()
    if steps:
        yield ""
        yield from (f"- {word}: {code(printable(step))}" for word, step in steps)


def _table(suspects: tuple[GateSuspect, ...], *, with_news: bool) -> Iterator[str]:
    titles = ["suspect", "given", "suggested", "P(wrong)"]
    rows = [
        [
            *(code(printable(text)) for text in (one.place, one.given_label, one.suggested_label)),
            f"{one.error_probability:.3f}",
        ]
        for one in suspects
    ]
    if with_news:
        titles.append("new")
        rows = [[*row, "new" if one.is_new else ""] for row, one in zip(rows, suspects, strict=True)]
    yield from table(titles, "lllrl"[: len(titles)], rows)


def _text(text: str) -> str:
    return escaped(printable(text))
