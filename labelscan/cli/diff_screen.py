"""Two runs on one screen: how alike they are, and the examples on which they differ."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from labelscan.cli.console import (
    Column,
    Console,
    Shape,
    cells,
    entry,
    show_json,
    stdout,
    table,
    text,
    width_of,
)
from labelscan.cli.suspects_table import ARROW
from labelscan.comparison.compare import SIDES, ClassComparison, Comparison, Difference, RunFacts, TruthComparison
from labelscan.comparison.pairing import (
    ALIKE,
    BOTH,
    FIXED,
    NEVER_FLAGGED,
    NEWLY_FLAGGED,
    ONLY_FIRST,
    ONLY_SECOND,
    STILL_FLAGGED,
)
from labelscan.results.same_run import readable
from labelscan.wording import percent

MOST_CLASSES = 5
NARROW = 72
"""Cells below which examples are listed without what the runs suggest."""
WORDS = {
    BOTH: "flagged by both",
    ONLY_FIRST: "flagged by the first only",
    ONLY_SECOND: "flagged by the second only",
    FIXED: "relabelled, and flagged no more (fixed)",
    STILL_FLAGGED: "relabelled, and still flagged",
    NEWLY_FLAGGED: "relabelled, and newly flagged",
    NEVER_FLAGGED: "relabelled, and never flagged",
    "scored_by_first": "without a score in the second",
    "scored_by_second": "without a score in the first",
    "scored_by_neither": "without a score in both",
    "only_in_first": "not in the data of the second",
    "only_in_second": "not in the data of the first",
}


def show(comparison: Comparison, *, top: int, as_json: bool, csv: Path | None) -> None:
    """Write a comparison to stdout, as a screen of text or as JSON.

    Args:
        comparison: what came out.
        top: how many examples of each category are listed.
        as_json: whether it is written as JSON.
        csv: where the examples that differ were written.
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
    for warning in comparison.warnings:
        console.show(text(("warning: ", "bold yellow"), warning))
    if csv is not None:
        console.print(text(("differences  ", "dim"), (str(csv), "bold")))
    elif len(comparison.differing()):
        console.show(text(("next  ", "dim"), "-o FILE.csv writes every example that differs"))
    else:
        console.show(text("no example differs"))


def _blocks(comparison: Comparison, width: int) -> Iterator[list[Shape]]:
    yield [
        *(_run(side, run) for side, run in (("first", comparison.first), ("second", comparison.second))),
        *_recorded(comparison),
    ]
    yield [_flags(comparison, width), *_agreement(comparison)]
    if comparison.against_truth is not None:
        yield [_truth(comparison.against_truth)]
    others = {name: n for name, n in comparison.counts.items() if n and name not in (BOTH, ONLY_FIRST, ONLY_SECOND)}
    rows = [[WORDS[name], f"{count:,}"] for name, count in others.items() if name in WORDS]
    if rows:
        yield [table([Column(""), Column("examples", "right")], rows, title="Not compared")]
    classes = [one for one in comparison.classes if one.flagged_by_first + one.flagged_by_second]
    if classes:
        yield [_classes(classes[:MOST_CLASSES], width)]


def _run(side: str, run: RunFacts) -> Shape:
    flagged = f"{run.n_flagged:,} of {run.n_scored:,} labels flagged by {run.detector}"
    return entry(side, len("settings"), [f"{run.run}: {flagged}"])


def _recorded(comparison: Comparison) -> Iterator[Shape]:
    """Yield what went into the runs, where it differs."""
    kinds = (("settings", comparison.settings), ("data", comparison.data), ("versions", comparison.versions))
    for name, differences in kinds:
        words = "; ".join(map(_difference, differences)) or "the same"
        yield entry(name, len("settings"), [words], style="dim")


def _difference(one: Difference) -> str:
    if one.name == "fingerprint":
        return f"fingerprint was {str(one.first)[:8]} and is {str(one.second)[:8]}"
    before, now = (_recorded_value(one.name, value) for value in (one.first, one.second))
    return f"{one.name} was {before} and is {now}"


def _recorded_value(name: str, value: object) -> str:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return f"{value:,}" if is_count else readable(name, value)


def _flags(comparison: Comparison, width: int) -> Shape:
    truth = comparison.against_truth
    columns = [Column(""), Column("labels", "right"), Column("share", "right")]
    columns += [] if truth is None else [Column("known wrong", "right"), Column("precision", "right")]
    rows = []
    n_either = sum(comparison.counts[name] for name in (BOTH, ONLY_FIRST, ONLY_SECOND))
    for name in (BOTH, ONLY_FIRST, ONLY_SECOND):
        count = comparison.counts[name]
        row = [WORDS[name], f"{count:,}", percent(count / n_either) if n_either else "-"]
        if truth is not None:
            row += [f"{truth.flags[name].n_label_errors:,}", _number(truth.flags[name].precision)]
        rows.append(row)
    title = f"{comparison.n_compared:,} labels compared"
    while True:  # a number is never cut: columns go instead
        made = table(columns, [row[: len(columns)] for row in rows], title=title)
        if len(columns) <= 2 or width_of(made) <= width:
            return made
        columns.pop()


def _agreement(comparison: Comparison) -> Iterator[Shape]:
    measures = [
        text(("Jaccard: ", "dim"), _number(comparison.jaccard)),
        text(("rank correlation: ", "dim"), _number(comparison.rank_correlation)),
        text(("of P(wrong): ", "dim"), _number(comparison.error_probability_correlation)),
    ]
    yield text("   ").join(measures)
    if comparison.top_overlaps:
        shared = ", ".join(f"{one.n_common:,} of {one.k:,}" for one in comparison.top_overlaps)
        yield text(("same among the most doubtful: ", "dim"), shared)


def _truth(truth: TruthComparison) -> Shape:
    rows = [
        [side, *map(_number, (one.f1, one.precision, one.recall, one.average_precision))]
        for side, one in (("first", truth.first), ("second", truth.second))
    ]
    columns = [Column(""), *(Column(name, "right") for name in ("F1", "precision", "recall", "AP"))]
    return table(columns, rows, title=f"{truth.n_label_errors:,} are known wrong")


def _classes(classes: Sequence[ClassComparison], width: int) -> Shape:
    columns = [Column("", width=max(width - 40, 8))]
    columns += [Column(name, "right") for name in ("labels", "both", "first", "second")]
    rows = [
        [
            one.class_name,
            *(f"{n:,}" for n in (one.n_compared, one.flagged_by_both, one.flagged_by_first, one.flagged_by_second)),
        ]
        for one in classes
    ]
    return table(columns, rows, title="Flagged by class")


def _show_examples(console: Console, comparison: Comparison, top: int) -> None:
    for category, members in comparison.examples.groupby("category", sort=False):
        if category in ALIKE:
            continue
        title = WORDS[str(category)]
        console.show(text((f"{title[0].upper()}{title[1:]}", "bold"), (f"  {len(members):,}", "dim")))
        console.show(_examples(members.head(top).to_dict("records"), console.width))
        if len(members) > top:
            console.show(text((f"and {len(members) - top:,} more", "dim")))
        console.print()


def _examples(examples: Sequence[dict[object, object]], width: int) -> Shape:
    """Return a table that fits ``width``; where that is small, without what the runs suggest."""
    narrow = width < NARROW
    texts = {"example": [str(one["example_id"]) for one in examples], "given": [_given(one) for one in examples]}
    shown = list(texts.items())
    for side in SIDES:
        if not narrow:
            texts[f"{side} says"] = [str(one[f"suggested_label_{side}"]) or "-" for one in examples]
            shown.append((f"{side} says", texts[f"{side} says"]))
        header = f"P by {side}" if narrow else "P(wrong)"
        shown.append((header, [_probability(one[f"error_probability_{side}"]) for one in examples]))
    room = width - sum(len(header) for header, _ in shown if header not in texts) - 2 * (len(shown) - 1)
    needed = [max(map(cells, (header, *column))) for header, column in texts.items()]
    widths = dict(zip(texts, _share_room(room, needed), strict=True))
    columns = [Column(header, "left" if header in texts else "right", widths.get(header, 0)) for header, _ in shown]
    return table(columns, zip(*(column for _, column in shown), strict=True))


def _given(one: dict[object, object]) -> str:
    before, now = str(one["given_label_first"]), str(one["given_label_second"])
    return f"{before} {ARROW} {now}" if before and now and before != now else before or now


def _probability(value: object) -> str:
    return "-" if not isinstance(value, float) or math.isnan(value) else f"{value:.3f}"


def _share_room(room: int, needed: Sequence[int]) -> list[int]:
    """Return widths of at most what is needed that fit ``room``: who needs less leaves the rest to the others."""
    widths = [0] * len(needed)
    for left, place in zip(range(len(needed), 0, -1), sorted(range(len(needed)), key=needed.__getitem__), strict=True):
        widths[place] = max(min(needed[place], room // left), 1)
        room -= widths[place]
    return widths


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
