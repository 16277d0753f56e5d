"""Two runs on one screen: how alike they are, and the examples on which they differ."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from labelscan.cli.console import Console, Shape, entries, fitting, show_json, stdout, table, text, warning
from labelscan.comparison.causes import Difference
from labelscan.comparison.compare import Comparison
from labelscan.comparison.pairing import (
    ALIKE,
    BOTH,
    COMPARED,
    FIXED,
    FLAGGED,
    NEVER_FLAGGED,
    NEWLY_FLAGGED,
    ONLY_FIRST,
    ONLY_SECOND,
    SIDES,
    STILL_FLAGGED,
)
from labelscan.results.columns import ARROW, EXAMPLE, QUALITY
from labelscan.runs.opening import readable
from labelscan.wording.tables import NONE, Column, Table

MOST_CLASSES = 5
WORDS = {
    BOTH: "flagged by both",
    ONLY_FIRST: "flagged by the first only",
    ONLY_SECOND: "flagged by the second only",
    FIXED: "relabelled, and no longer flagged (fixed)",
    STILL_FLAGGED: "relabelled, and still flagged",
    NEWLY_FLAGGED: "relabelled, and newly flagged",
    NEVER_FLAGGED: "relabelled, and never flagged",
    "scored_by_first": "without a score in the second",
    "scored_by_second": "without a score in the first",
    "scored_by_neither": "without a score in both",
    "only_in_first": "not in the data of the second",
    "only_in_second": "not in the data of the first",
}
FLAGS = (Column("", "words"), Column("labels", "count", "count"), Column("share", "share", "share", spare=1))
FLAGS_AGAINST_TRUTH = (
    *FLAGS,
    Column("known wrong", "n_label_errors", "count", spare=2),
    Column("precision", "precision", "number", spare=3),
)
AGAINST_TRUTH = (Column("", "side"), *QUALITY)
NOT_COMPARED = (Column("", "words"), Column("examples", "count", "count"))
CLASSES = (
    Column("class", "class_name", "label"),
    Column("labels", "n_compared", "count"),
    Column("both", "flagged_by_both", "count"),
    Column("first", "flagged_by_first", "count"),
    Column("second", "flagged_by_second", "count"),
)
GIVEN = Column("given", "given", "label")
EXAMPLES = (
    EXAMPLE,
    GIVEN,
    Column("first says", "suggested_label_first", "label", spare=1),
    Column("P(wrong)", "error_probability_first", "number"),
    Column("second says", "suggested_label_second", "label", spare=1),
    Column("P(wrong)", "error_probability_second", "number"),
)
NARROW_EXAMPLES = (
    EXAMPLE,
    GIVEN,
    Column("P by first", "error_probability_first", "number"),
    Column("P by second", "error_probability_second", "number"),
)
"""For a narrow terminal, without suggestions: the probabilities have to name their run."""


def show(comparison: Comparison, *, top: int, as_json: bool, csv: Path | None) -> None:
    """Write a comparison to stdout, as a screen of text or as JSON, with ``top`` examples of each category.

    Those that differ have been written to ``csv``, if anywhere.
    """
    if as_json:
        show_json(comparison.to_json(top))
        return
    console = stdout()
    for block in _blocks(comparison, console.width):
        for shape in block:
            console.show(shape)
        console.print()
    if top:
        _show_examples(console, comparison, top)
    for words in comparison.warnings:
        console.show(warning(words))
    if csv is not None:
        console.print(text(("differences  ", "dim"), (str(csv), "bold")))
    elif len(comparison.differing()):
        console.show(text(("next  ", "dim"), "-o FILE.csv writes every example that differs"))
    else:
        console.show(text("no example differs"))


def _blocks(comparison: Comparison, width: int) -> Iterator[list[Shape]]:
    yield list(_runs(comparison))
    yield [_flags(comparison, width), *_agreement(comparison)]
    if comparison.against_truth is not None:
        truth = comparison.against_truth
        rows = [asdict(one) | {"side": side} for side, one in (("first", truth.first), ("second", truth.second))]
        title = f"{truth.n_label_errors:,} are known wrong"
        yield [table(Table.of(AGAINST_TRUTH, rows), width, title=title)]
    others = [name for name, count in comparison.counts.items() if count and name not in COMPARED]
    if others:
        rows = [{"words": WORDS[name], "count": comparison.counts[name]} for name in others]
        yield [table(Table.of(NOT_COMPARED, rows), width, title="Not compared")]
    classes = comparison.classes
    differing = classes[classes[ONLY_FIRST] + classes[ONLY_SECOND] > 0]
    if len(differing):
        yield [table(Table(CLASSES, differing.head(MOST_CLASSES)), width, title="Flagged by class")]


def _runs(comparison: Comparison) -> Iterator[Shape]:
    """Yield the runs, how their settings, data, versions and machines differ, and what that explains."""
    names = ["settings", "data", "versions", "machine", *(["choices"] if comparison.choices else [])]
    runs = [
        (side, f"{run.run}: {run.n_flagged:,} of {run.n_scored:,} labels flagged by {run.detector}")
        for side, run in (("first", comparison.first), ("second", comparison.second))
    ]
    yield entries(runs, style="bold", least=len("settings"))
    yield entries((name, "; ".join(map(_difference, getattr(comparison, name))) or "the same") for name in names)
    if comparison.explanation:
        yield text(comparison.explanation)


def _difference(one: Difference) -> str:
    if one.name == "fingerprint":
        return f"fingerprint was {str(one.first)[:8]} and is {str(one.second)[:8]}"
    before, now = (_recorded_value(one.name, value) for value in (one.first, one.second))
    return f"{one.name} was {before} and is {now}"


def _recorded_value(name: str, value: object) -> str:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return f"{value:,}" if is_count else readable(name, value)


def _flags(comparison: Comparison, width: int) -> Shape:
    truth, counts = comparison.against_truth, comparison.counts
    flags = pd.DataFrame({"words": [WORDS[name] for name in FLAGGED], "count": [counts[name] for name in FLAGGED]})
    flags["share"] = flags["count"] / flags["count"].sum()
    title = f"{comparison.n_compared:,} labels compared"
    if truth is None:
        return table(Table(FLAGS, flags), width, title=title)
    return table(Table(FLAGS_AGAINST_TRUTH, flags.join(truth.flags.reset_index())), width, title=title)


def _agreement(comparison: Comparison) -> Iterator[Shape]:
    measures = [
        text(("Jaccard: ", "dim"), _number(comparison.jaccard)),
        text(("rank correlation: ", "dim"), _number(comparison.rank_correlation)),
        text(("of P(wrong): ", "dim"), _number(comparison.error_probability_correlation)),
    ]
    yield text("   ").join(measures)
    if comparison.top_overlaps:
        shared = ", ".join(f"{one.n_common:,} of {one.k:,}" for one in comparison.top_overlaps)
        yield text(("same among the most likely wrong: ", "dim"), shared)


def _show_examples(console: Console, comparison: Comparison, top: int) -> None:
    for category, members in comparison.examples.groupby("category", sort=False):
        if category in ALIKE:
            continue
        title = WORDS[str(category)]
        console.show(text((f"{title[0].upper()}{title[1:]}", "bold"), (f"  {len(members):,}", "dim")))
        shown = fitting(Table(EXAMPLES, _shown(members.head(top))), console.width)
        if len(shown.columns) < len(EXAMPLES):
            shown = replace(shown, columns=NARROW_EXAMPLES)
        console.show(table(shown, console.width))
        if len(members) > top:
            console.show(text((f"and {len(members) - top:,} more", "dim")))
        console.print()


def _shown(examples: pd.DataFrame) -> pd.DataFrame:
    """Return examples with both given labels where they differ, and dashes where a run suggests nothing."""
    before, now = examples["given_label_first"], examples["given_label_second"]
    changed = before.ne("") & now.ne("") & before.ne(now)
    suggested = {f"suggested_label_{side}": examples[f"suggested_label_{side}"].replace("", NONE) for side in SIDES}
    given = (before + f" {ARROW.text} " + now).where(changed, before.mask(before == "", now))
    return examples.assign(given=given, **suggested)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
