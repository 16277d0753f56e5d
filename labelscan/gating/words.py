"""The sentences that the formats of a verdict share: the outcome, the reason for it, and what to do next."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from labelscan.gating.baseline import Reviewed
from labelscan.gating.verdict import RATES, GateSuspect, GateVerdict
from labelscan.results.issues import ISSUES_FILE
from labelscan.results.wrong_labels import count_in_words
from labelscan.runs.files import DECISIONS_FILE

FEWEST_DIGITS, MOST_DIGITS = 3, 17
MOST_WARNINGS = 5
MOST_NAMES = 3
"""How many stale rows of a baseline, or classes that exceed a limit, are named."""

LIST_ALONE = "only the list of suspects is judged, since no decisions measure how many labels are wrong"


def outcome(verdict: GateVerdict) -> str:
    """Return ``PASSED`` or ``FAILED``."""
    return "PASSED" if verdict.passed else "FAILED"


def reason(verdict: GateVerdict) -> str:
    """Return how many limits are not met."""
    n_failed = sum(not check.passed for check in verdict.checks)
    if len(verdict.checks) == 1:
        return "the limit is not met" if n_failed else "the limit is met"
    if not n_failed:
        return "all limits are met"
    return f"{n_failed} of {len(verdict.checks)} limits {'is' if n_failed == 1 else 'are'} not met"


def findings(verdict: GateVerdict) -> tuple[str, ...]:
    """Return how many labels are suspects, how many of them are new, how many are wrong, and whether that is known."""
    n_suspects = len(verdict.suspects)
    verb = "is a suspect" if n_suspects == 1 else "are suspects"
    share = f"{n_suspects:,} of {verdict.n_scored:,} labels {verb} ({shown('max-rate', n_suspects / verdict.n_scored)})"
    suspects = f"{verdict.data}: {share}" + (f", {verdict.n_new:,} of them new" if verdict.baseline else "")
    if n_less := verdict.n_flagged - n_suspects:
        flags = "flag does" if n_less == 1 else "flags do"
        suspects += f"; {n_less:,} more {flags} not count: P(wrong) is below {verdict.min_error_probability:g}"
    count = count_in_words(verdict.wrong_labels, verdict.n_scored)
    return (suspects, count) if verdict.wrong_labels.is_measured else (suspects, count, LIST_ALONE)


def why_flagged(suspect: GateSuspect) -> str:
    """Return why a label is flagged, for a list that also names its place."""
    return (
        f"labelled {suspect.given_label}, looks like {suspect.suggested_label} "
        f"(error probability {suspect.error_probability:.3f})"
    )


def unlisted(verdict: GateVerdict, n_listed: int) -> str:
    """Return how many suspects a list of the first ones leaves out; empty if none, or if a pass needs no list."""
    if verdict.passed and not n_listed:
        return ""
    n_more, n_reviewed = len(verdict.to_look_at) - n_listed, len(verdict.suspects) - len(verdict.to_look_at)
    parts = [f"{n_more:,} more"] if n_more > 0 else []
    parts += [f"{n_reviewed:,} reviewed before"] if n_reviewed else []
    return f"and {' and '.join(parts)}" if parts else ""


def remarks(verdict: GateVerdict) -> list[tuple[str, str]]:
    """Return the warnings of the run and the stale rows of the baseline, each a kind (warning, note) and a sentence."""
    found = [("warning", text) for text in verdict.warnings[:MOST_WARNINGS]]
    if verdict.gone:
        rows = "row is" if len(verdict.gone) == 1 else "rows are"
        words = f"{len(verdict.gone):,} {rows} about examples that are not in this run: {named(verdict.gone)}"
        found.append(("warning", f"{verdict.baseline}: {words}"))
    if verdict.relabelled:
        labels = "label has" if len(verdict.relabelled) == 1 else "labels have"
        words = f"{len(verdict.relabelled):,} {labels} changed since: {named(verdict.relabelled)}"
        found.append(("note", f"{verdict.baseline}: {words}"))
    return found


def named(rows: Sequence[Reviewed]) -> str:
    """Return the ids of the first rows of a baseline, and how many more there are."""
    return first_of([example_id for example_id, _ in rows])


def next_steps(verdict: GateVerdict, n_listed: int) -> list[tuple[str, str]]:
    """Return what to do with the suspects, each a word and a command; a pass without a list only offers the review."""
    if not verdict.suspects:
        return []
    run, own_decisions = shlex.quote(verdict.run), Path(verdict.run) / DECISIONS_FILE
    is_own = bool(verdict.baseline) and Path(verdict.baseline) == own_decisions
    review = ("review", f"labelscan report {run}{' --serve' if is_own else ''}")  # which saves into that baseline
    if verdict.passed and not n_listed:
        return [review]
    issues = [("issues", str(Path(verdict.run) / ISSUES_FILE))] if verdict.is_as_written else []
    if not verdict.accepts_into or not verdict.n_new:
        return [*issues, review]
    decisions = f" --decisions {shlex.quote(verdict.decisions)}" if verdict.decisions else ""
    baseline = shlex.quote(verdict.accepts_into)
    return [*issues, review, ("accept", f"labelscan gate {run}{decisions} --baseline {baseline} --update-baseline")]


def shown(name: str, number: float, digits: int = FEWEST_DIGITS) -> str:
    """Return a number as the limit ``name`` counts: a share as per cent, with ``digits`` significant digits."""
    return f"{100 * number:.{digits}g} %" if name in RATES else f"{number:,.0f}"


def distinct(name: str, found: float, limit: float) -> tuple[str, str]:
    """Return what was found and the limit, with as many digits as it takes to see which is greater."""
    pairs = ((shown(name, found, digits), shown(name, limit, digits)) for digits in range(FEWEST_DIGITS, MOST_DIGITS))
    return next((pair for pair in pairs if pair[0] != pair[1]), (shown(name, found), shown(name, limit)))


def first_of(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
