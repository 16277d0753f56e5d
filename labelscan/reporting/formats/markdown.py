"""A run as Markdown: for a pull request, a job summary or an issue."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelscan.atomic import replacing
from labelscan.reporting.page import Interval, ReportPage, Suspect
from labelscan.tables import markdown_table
from labelscan.wording import as_code, in_markdown, percent

MOST_CLASSES = 20
MOST_SUSPECTS = 50
"""A page of 200 rows is no summary; issues.csv has them all."""


def write_markdown(page: ReportPage, path: Path) -> None:
    """Write the report of a run as Markdown."""
    with replacing(path) as file:
        file.write(render_markdown(page))


def render_markdown(page: ReportPage) -> str:
    """Return the report of a run as Markdown, without pictures."""
    return "\n".join(_run_lines(page)) + "\n"


def _run_lines(page: ReportPage) -> Iterator[str]:
    n_scored = int(str(page.summary.get("n_scored", 0)))
    share = f" ({percent(page.n_flagged / n_scored)})" if n_scored else ""
    yield f"## {in_markdown(page.data)}: {page.n_flagged:,} of {n_scored:,} labels look wrong{share}"
    yield ""
    yield f"- wrong labels, flagged or not: {_between(page.wrong_labels, shares=False)}"
    if page.flagged_precision is not None:
        yield f"- flags that are right: {_between(page.flagged_precision, shares=True)}"
    yield from (f"- **warning:** {in_markdown(str(one))}" for one in _listed(page.summary, "warnings"))
    yield from (f"- {in_markdown(note)}" for note in page.notes)
    yield from _section("Classes", _classes(_listed(page.summary, "class_health")))
    yield from _section("Most confused", _pairs(_listed(page.summary, "confused_pairs")))
    yield from _section("Most doubtful labels", _suspects(page))
    yield from _section("What was run", (f"- {in_markdown(label)}: {as_code(text)}" for label, text in page.facts))


def _between(one: Interval, *, shares: bool) -> str:
    def number(value: float) -> str:
        return percent(value, 0) if shares else f"{value:,.0f}"

    known_by = "measured by the self-check" if one.measured else "by the models' own estimate"
    between = f"**{number(one.estimate)}**, {number(one.low)} to {number(one.high)}"
    return f"about {between} {known_by}. {in_markdown(one.basis)}"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    content = list(lines)
    if content:
        yield from ("", f"### {title}", "", *content)


def _classes(health: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    worst = sorted((one for one in health if one["n_flagged"]), key=lambda one: (-one["n_flagged"], one["class_name"]))
    if not worst:
        return
    rows = [
        [
            as_code(one["class_name"]),
            f"{one['n_flagged']:,}",
            f"{one['n_scored']:,}",
            percent(one["flagged_rate"]),
            percent(one["out_of_fold_accuracy"]),
        ]
        for one in worst[:MOST_CLASSES]
    ]
    titles = ("class", "flagged", "labels", "share", "held-out accuracy")
    yield from markdown_table(titles, "lrrrr", rows)
    if len(worst) > MOST_CLASSES:
        yield from ("", f"and {len(worst) - MOST_CLASSES:,} more classes with flags")


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rows = [[as_code(one["given_label"]), as_code(one["suggested_label"]), f"{one['count']:,}"] for one in pairs]
    if rows:
        yield from markdown_table(("label", "taken for", "times"), "llr", rows)


def _suspects(page: ReportPage) -> Iterator[str]:
    shown = page.suspects[:MOST_SUSPECTS]
    if not shown:
        return
    with_truth = any(one.true_label is not None for one in shown)
    titles = ["", "example", "label", "suggested", "P(wrong)", "flagged by", *(["true label"] if with_truth else [])]
    yield from markdown_table(
        titles,
        "rlllrll" if with_truth else "rlllrl",
        [_suspect_cells(one, with_truth=with_truth) for one in shown],
    )
    if page.n_flagged > len(shown):
        yield from ("", f"and {page.n_flagged - len(shown):,} more in issues.csv")


def _suspect_cells(one: Suspect, *, with_truth: bool) -> list[str]:
    probability = "" if one.error_probability is None else f"{one.error_probability:.3f}"
    cells = [
        str(one.rank),
        as_code(one.example_id),
        as_code(one.given_label),
        as_code(one.suggested_label),
        probability,
    ]
    return [
        *cells,
        in_markdown(", ".join(one.flagged_by)),
        *([as_code(one.true_label or "")] if with_truth else []),
    ]


def _listed(summary: Mapping[str, object], name: str) -> Sequence[Any]:
    content = summary.get(name)
    return content if isinstance(content, list | tuple) else ()
