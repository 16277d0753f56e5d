"""What a verdict is called, why, and what to do next: the sentences that its formats share."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from labelscan.gating.baseline import Reviewed
from labelscan.gating.verdict import RATES, Check, GateSuspect, GateVerdict
from labelscan.results.issues import ISSUES_FILE

FEWEST_DIGITS, MOST_DIGITS = 3, 17
MOST_WARNINGS = 5
MOST_NAMES = 3
"""How many stale rows of a baseline, or classes that exceed a limit, are named."""


def outcome(verdict: GateVerdict) -> str:
    """Return ``PASSED`` or ``FAILED``."""
    return "PASSED" if verdict.passed else "FAILED"


def reason(verdict: GateVerdict) -> str:
    """Return how many limits are exceeded."""
    exceeded = sum(not check.passed for check in verdict.checks)
    if not exceeded:
        return "every limit is kept" if len(verdict.checks) > 1 else "the limit is kept"
    if len(verdict.checks) == 1:
        return "the limit is exceeded"
    return f"{exceeded} of {len(verdict.checks)} limits {'is' if exceeded == 1 else 'are'} exceeded"


def findings(verdict: GateVerdict) -> str:
    """Return what was found in the data."""
    n_suspects = len(verdict.suspects)
    verb = "is a suspect" if n_suspects == 1 else "are suspects"
    share = f"{n_suspects:,} of {verdict.n_scored:,} labels {verb} ({shown('max-rate', n_suspects / verdict.n_scored)})"
    return f"{verdict.data}: {share}" + (f", {verdict.n_new:,} of them new" if verdict.baseline else "")


def doubt(suspect: GateSuspect) -> str:
    """Return what is doubtful about a label, for a list that names the place itself."""
    return (
        f"labelled {suspect.given_label}, looks like {suspect.suggested_label} "
        f"(error probability {suspect.error_probability:.3f})"
    )


def unlisted(verdict: GateVerdict, n_listed: int) -> str:
    """Return how many suspects are missing in a list of the first ones to look at; empty where none is.

    Where the gate passes, a list that is not wanted misses nothing.
    """
    if verdict.passed and not n_listed:
        return ""
    n_more, n_reviewed = len(verdict.to_look_at) - n_listed, len(verdict.suspects) - len(verdict.to_look_at)
    parts = [f"{n_more:,} more"] if n_more > 0 else []
    parts += [f"{n_reviewed:,} reviewed before"] if n_reviewed else []
    return f"and {' and '.join(parts)}" if parts else ""


def remarks(verdict: GateVerdict) -> list[tuple[str, str]]:
    """Return what else should be known, each a kind (warning or note) and a sentence."""
    found = [("warning", text) for text in verdict.warnings[:MOST_WARNINGS]]
    if verdict.gone:
        rows = "row is" if len(verdict.gone) == 1 else "rows are"
        words = f"{len(verdict.gone):,} {rows} about examples that are not in this run: {named(verdict.gone)}"
        found.append(("warning", f"{verdict.baseline}: {words}"))
    if verdict.relabelled:
        labels = "label was" if len(verdict.relabelled) == 1 else "labels were"
        words = f"{len(verdict.relabelled):,} {labels} changed since: {named(verdict.relabelled)}"
        found.append(("note", f"{verdict.baseline}: {words}"))
    return found


def named(rows: Sequence[Reviewed]) -> str:
    """Return the ids of the first rows of a baseline, and how many more there are."""
    return _first([example_id for example_id, _ in rows])


def next_steps(verdict: GateVerdict, n_listed: int) -> list[tuple[str, str]]:
    """Return what to do with the suspects, each a word and a command; nothing where there are none.

    Where the gate passes and none is listed, there is no need to do anything but for those who want to look.
    """
    if not verdict.suspects:
        return []
    run, baseline = shlex.quote(verdict.run), shlex.quote(verdict.accepts_into)
    review = ("review", f"labelscan report {run}")
    if verdict.passed and not n_listed:
        return [review]
    accept = ("accept", f"labelscan gate {run} --baseline {baseline} --update-baseline")
    return [("issues", str(Path(verdict.run) / ISSUES_FILE)), review, accept]


def limit_sentence(name: str, found: float, limit: float, what: str, exceeded_by: Sequence[str] = ()) -> str:
    """Return what was found beside what may be; ``exceeded_by`` are classes, named where there are several."""
    shown_found, shown_limit = told_apart(name, found, limit)
    sentence = f"{shown_found} {what}, {shown_limit} may be"
    if len(exceeded_by) < 2:
        return sentence
    return f"{sentence}; exceeded by {_first([repr(one) for one in exceeded_by])}"


def numbers_of(check: Check) -> tuple[str, str]:
    """Return what was found and the limit as people read them."""
    return told_apart(check.name, check.found, check.limit)


def shown(name: str, number: float, digits: int = FEWEST_DIGITS) -> str:
    """Return a number of a limit; of a share in per cent with so many significant digits, but no zeros at the end."""
    return f"{100 * number:.{digits}g} %" if name in RATES else f"{number:,.0f}"


def told_apart(name: str, found: float, limit: float) -> tuple[str, str]:
    """Return what was found and the limit, with as many digits as it takes to see which is greater."""
    enough = (
        digits
        for digits in range(FEWEST_DIGITS, MOST_DIGITS)
        if shown(name, found, digits) != shown(name, limit, digits)
    )
    digits = next(enough, FEWEST_DIGITS)  # where they are the same, the fewest
    return shown(name, found, digits), shown(name, limit, digits)


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
