"""A run on one screen: what is flagged, where, and what to do about it."""

import dataclasses
import shlex
from collections.abc import Collection, Iterator
from itertools import pairwise, zip_longest
from pathlib import Path

from labelscan.cli.console import (
    Console,
    Shape,
    entries,
    show_json,
    show_message,
    side_by_side,
    stdout,
    table,
    text,
    warning,
)
from labelscan.detection.protocol import POSTERIOR
from labelscan.detection.self_check import Estimate, SelfCheck
from labelscan.results.columns import CLASS, FLAGGED, LABELS, PAIRS, QUALITY, SHARE, SUSPECTS, worst_classes
from labelscan.results.health import LEARNED_NOTHING, NOTHING_JUDGED
from labelscan.results.issues import ISSUES_FILE
from labelscan.results.run import Run
from labelscan.results.summary import Summary
from labelscan.results.wrong_labels import MAY_BE_RIGHT, OFFER, count_in_words, list_in_words
from labelscan.wording.tables import Column, Table
from labelscan.wording.words import percent

MOST_ROWS = 5
"""Rows of the tables of classes and pairs."""
MOST_WARNINGS = 5
NOTABLE = 0.1
"""How far the AUROC between planted errors and suspects must be from 0.5 to call either more evident."""
IF_ALIKE = "if real errors are like the planted ones"
"""What the ends of a range take for granted that only counts planted errors."""
DETECTORS = (Column("", "detector"), FLAGGED)
PLANTED = (
    Column("", "self_confidence"),
    Column("planted errors", "planted", "share"),
    Column("", "planted", "bar", spare=1),
    Column("suspects", "suspects", "share"),
    Column("", "suspects", "bar", spare=1),
)


def show(run: Run, *, top: int, as_json: bool, quiet: bool, reported: Collection[str]) -> None:
    """Write the result of a run to stdout: a screen with ``top`` suspects, JSON, or only the path of issues.csv.

    Warnings that were ``reported`` just before are not repeated.
    """
    if as_json:
        show_json({**run.summary.to_json(), "run": str(run.folder)})
    elif not quiet:
        _show_screen(run, top=top, reported=reported)
    else:
        for one in run.summary.warnings:
            if one.startswith(LEARNED_NOTHING):  # what is in the file is no result
                show_message(one, kind="warning")
        stdout().print(text(str(run.folder / ISSUES_FILE)))


def _show_screen(run: Run, *, top: int, reported: Collection[str]) -> None:
    console, summary, folder = stdout(), run.summary, run.folder
    for line in _headline(summary):
        console.show(line)
    console.print()
    console.show(_detectors(summary, console.width))
    is_judged = summary.n_flagged and not summary.learned_nothing
    if is_judged:
        console.print()
        classes = worst_classes([CLASS, FLAGGED, LABELS, SHARE], summary.class_health).head(MOST_ROWS)
        pairs = Table.of(PAIRS, summary.confused_pairs).head(MOST_ROWS)
        named = {"Worst classes": classes, "Most confused": pairs}
        console.show(side_by_side(*(table(one, console.width, title=title) for title, one in named.items())))
    if is_judged and top:
        console.print()
        _show_top(console, run, top)
    warnings = [one for one in summary.warnings if one not in reported]
    if warnings:
        console.print()
        for one in warnings[:MOST_WARNINGS]:
            console.show(warning(one))
        if len(warnings) > MOST_WARNINGS:
            console.print(text(f"and {len(warnings) - MOST_WARNINGS:,} more warnings in summary.json"))
    if summary.self_check is not None:
        console.print()
        _show_self_check(console, summary.self_check)
    console.print()
    console.show_step("issues", str(folder / ISSUES_FILE), "bold")
    console.show_step("next", _next_step(summary, folder))
    if summary.says_count and summary.wrong_labels.source != "decisions":
        place = "that page" if summary.n_flagged else f"the page of labelscan report {shlex.quote(str(folder))}"
        console.show(text(("measure ", "dim"), f'"{OFFER}" on {place} tells how many are wrong'))


def _headline(summary: Summary) -> Iterator[Shape]:
    n_flagged, n_scored = summary.n_flagged, summary.n_scored
    count = f"none of {n_scored:,} labels is flagged"
    if n_flagged:
        verb = "is" if n_flagged == 1 else "are"
        count = f"{n_flagged:,} of {n_scored:,} labels {verb} flagged ({percent(n_flagged / n_scored)})"
        count += f"; {MAY_BE_RIGHT}" * summary.list_may_be_right
    if summary.learned_nothing:
        count = NOTHING_JUDGED
    first, *others = filter(None, [summary.known_wrong, count])
    yield text((f"{summary.data}: {first}", "bold"))
    yield from map(text, others)
    if summary.says_count:
        yield text(count_in_words(summary.wrong_labels, n_scored))
    if (of_list := list_in_words(summary.wrong_labels)) and not summary.learned_nothing:
        yield text("; ".join(of_list))
    yield text(("agreement with the given labels, held out: ", "dim"), percent(summary.out_of_fold_agreement))
    reasons = [
        f"{count:,} {word}"
        for count, word in ((summary.n_unreadable, "unreadable"), (summary.n_unscored, "unscored"))
        if count
    ]
    if reasons:
        yield text(("without a score: ", "dim"), f"{', '.join(reasons)}; scores.csv says why")


def _detectors(summary: Summary, width: int) -> Shape:
    truth = summary.against_truth
    leading = summary.detector.partition(":")[0]
    rows = [
        (dataclasses.asdict(truth.quality[name]) if truth is not None and name in truth.quality else {})
        | {"detector": f"{name} (leads)" if name == leading else name, "n_flagged": n_flagged}
        for name, n_flagged in summary.flagged_by.items()
    ]
    if len(rows) > 1:
        everyone = "both" if len(rows) == 2 else f"all {len(rows)}"
        rows.append({"detector": everyone, "n_flagged": summary.flagged_by_all})
    columns = DETECTORS if truth is None else (*DETECTORS, *QUALITY)
    return table(Table.of(columns, rows), width, title="Detectors")


def _show_top(console: Console, run: Run, top: int) -> None:
    """Write the labels most likely wrong; those that a person has decided are known, and only counted."""
    flagged = run.issues.flagged
    is_decided = flagged["example_id"].isin(list(run.decided)).to_numpy()
    if not is_decided.all():
        console.show(table(Table(SUSPECTS, flagged[~is_decided].head(top)), console.width, title="Top"))
    console.show(text((_ranked_by(run.summary, int(is_decided.sum())), "dim")))


def _show_self_check(console: Console, check: SelfCheck) -> None:
    plural = "error was" if check.n_planted == 1 else "errors were"
    console.show(text((f"Self-check: {check.n_planted:,} {plural} planted and all was done again", "bold")))
    console.show(entries(_findings(check)))
    console.print()
    console.show(table(Table.of(PLANTED, _histogram(check)), console.width, title="P(given label)"))
    console.show(text((_compared(check), "dim")))
    console.show(text((f"limits: {check.limits}", "dim")))


def _findings(check: SelfCheck) -> Iterator[tuple[str, str]]:
    recall, precision, left = check.recall, check.precision, check.wrong_labels_left
    found, right, unflagged = recall.estimate, precision.estimate, left.estimate
    if found is None:
        yield "recall", "unknown: none of the planted errors got a score"
    else:
        yield "recall", f"{percent(found, 0)} of such errors are found (95 % interval {_between(recall)})"
    if right is None:
        yield "precision", "unknown: too few labels are flagged"
    else:
        expected = check.expected_precision
        by_model = "" if expected is None else f"; {percent(expected, 0)} by P(wrong)"
        words = f"about {percent(right, 0)} of the flags are right ({_between(precision)} {IF_ALIKE})"
        yield "precision", f"{words}{by_model}"
    if unflagged is None:
        yield "left", "unknown: how many wrong labels are not flagged"
    else:
        plural = "label is" if round(unflagged) == 1 else "labels are"
        most = "or more" if left.high is None else f"to {left.high:,.0f}"
        words = f"about {unflagged:,.0f} wrong {plural} not flagged"
        yield "left", f"{words} ({left.low or 0.0:,.0f} {most} {IF_ALIKE})"


def _between(share: Estimate) -> str:
    high = 1.0 if share.high is None else share.high
    return f"{100 * (share.low or 0.0):.0f} to {100 * high:.0f} %"


def _histogram(check: SelfCheck) -> Iterator[dict[str, object]]:
    edges = [f"{edge:g}" for edge in check.self_confidence_edges]
    names = [f"below {edges[0]}", *(f"{low} to {high}" for low, high in pairwise(edges)), f"from {edges[-1]}"]
    for name, planted, suspects in zip_longest(names, check.planted.histogram, check.suspects.histogram, fillvalue=0.0):
        yield {"self_confidence": name, "planted": planted, "suspects": suspects}


def _compared(check: SelfCheck) -> str:
    """Say whether planted errors are easier to find than what else is flagged."""
    chance = check.planted_easier
    if chance is None:
        return "nothing else is flagged that planted errors could be compared with"
    words = "about as evident as the suspects"
    if abs(chance - 0.5) >= NOTABLE:
        words = f"{'more' if chance > 0.5 else 'less'} evident than the suspects"
    return f"found planted errors are {words} (AUROC {chance:.2f}; 0.50 would be equal)"


def _ranked_by(summary: Summary, n_decided: int) -> str:
    """Say what ranks the labels shown, and where issues.csv has the ``n_decided`` flagged ones that are left out."""
    decided = f"{n_decided:,} label{'' if n_decided == 1 else 's'} decided to be wrong"
    if n_decided == summary.n_flagged:
        return f"{ISSUES_FILE} has nothing but {decided}"
    leading = summary.detector.partition(":")[0]
    ranked, place = f"ranked by {POSTERIOR}, as P(wrong) is", "before"
    if leading != POSTERIOR:
        ranked, place = f"ranked by {leading}; P(wrong) is by {POSTERIOR}, a second opinion", "among"
    return f"{ranked}; {place} them in {ISSUES_FILE}: {decided}" if n_decided else ranked


def _next_step(summary: Summary, folder: Path) -> str:
    if summary.learned_nothing:
        return "see the warnings: do not believe any of this until the models learn"
    if summary.n_flagged:
        return f"labelscan report {shlex.quote(str(folder))}"
    return "scores.csv next to it has every example, most likely wrong first"
