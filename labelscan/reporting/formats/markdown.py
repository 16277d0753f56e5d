"""A run as Markdown: for a pull request, a job summary or an issue."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from labelscan.files.atomic import replacing
from labelscan.reporting.page import ReportPage
from labelscan.results.columns import (
    AGREEMENT,
    CLASS,
    FLAGGED,
    FLAGGED_BY,
    LABELS,
    PAIRS,
    SHARE,
    SUSPECTS,
    TEXT,
    TRUE,
    worst_classes,
)
from labelscan.results.wrong_labels import MAY_BE_RIGHT, count_in_words, list_in_words
from labelscan.wording.tables import Table
from labelscan.wording.words import as_code, in_markdown, percent, shorten

MOST_CLASSES = 20
MOST_CHARACTERS = 120
"""Characters of a text that are shown."""
MOST_SUSPECTS = 50
"""A summary is short; issues.csv has them all."""


def write_markdown(page: ReportPage, path: Path) -> None:
    """Write the report of a run as Markdown."""
    with replacing(path) as file:
        file.write(render_markdown(page))


def render_markdown(page: ReportPage) -> str:
    """Return the report of a run as Markdown: without pictures, with the beginnings of texts."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: ReportPage) -> Iterator[str]:
    summary, n_scored = page.summary, page.summary.n_scored
    share = f" ({percent(page.n_flagged / n_scored)})" if n_scored else ""
    yield f"## {in_markdown(summary.data)}: {page.n_flagged:,} of {n_scored:,} labels are flagged{share}"
    yield ""
    count = [count_in_words(summary.wrong_labels, n_scored), *list_in_words(summary.wrong_labels)]
    count += [f"the labels are flagged to be looked at: {MAY_BE_RIGHT}"] * summary.list_may_be_right
    yield from (f"- {words}" for words in filter(None, [summary.known_wrong, *(count if summary.says_count else [])]))
    yield from (f"- **warning:** {in_markdown(one)}" for one in summary.warnings)
    yield from (f"- {in_markdown(note)}" for note in page.notes)
    classes = worst_classes([CLASS, FLAGGED, LABELS, SHARE, AGREEMENT], summary.class_health)
    yield from _table("Classes", classes.head(MOST_CLASSES), len(classes), "classes with flags")
    pairs = Table.of(PAIRS, summary.confused_pairs)
    yield from _table("Most confused", pairs, len(pairs))
    yield from _table("Labels most likely wrong", _suspects(page), page.n_flagged, "in issues.csv")
    if page.facts:
        yield from ("", "### What was run", "")
        yield from (f"- {in_markdown(label)}: {as_code(text)}" for label, text in page.facts)


def _table(title: str, shown: Table, n_all: int, what: str = "") -> Iterator[str]:
    if len(shown):
        yield from ("", f"### {title}", "", *shown.markdown())
        if n_all > len(shown):
            yield from ("", f"and {n_all - len(shown):,} more {what}")


def _suspects(page: ReportPage) -> Table:
    shown = page.suspects[:MOST_SUSPECTS]
    extra = {
        TRUE: any(one.true_label is not None for one in shown),
        TEXT: any(one.text is not None for one in shown),
    }
    columns = [*SUSPECTS, FLAGGED_BY, *(column for column, is_there in extra.items() if is_there)]
    rows = [
        asdict(one) | {"flagged_by": ", ".join(one.flagged_by), "text": shorten(str(one.text or ""), MOST_CHARACTERS)}
        for one in shown
    ]
    return Table.of(columns, rows)
