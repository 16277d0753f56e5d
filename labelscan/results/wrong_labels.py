"""How many labels are wrong, how sure that is, and the sentences that say so on every screen and report.

Probabilities alone cannot tell how many labels are wrong: models doubt hard examples as they doubt wrong labels, and
none sees the errors that they make alike. So a run says how many labels are wrong at least, and more only where it is
known: for images, whose models err apart, and where a person has decided some labels.
"""

from dataclasses import dataclass
from typing import Literal

from labelscan.detection.decisions.interval import Measurement
from labelscan.detection.estimates import Range
from labelscan.detection.protocol import POSTERIOR, Detections

Source = Literal["one opinion", "opinions", "earlier decisions", "decisions"]
OFFER = "Measure: decide 50 labels"
"""What the page of a report calls the measurement."""
MAY_BE_RIGHT = "most of them may be right"
"""What is said of flagged labels where neither models nor decisions tell that half of them are wrong."""
WIDEST = 5
"""How many times the lower end an upper end is at most that is said without decisions: a wider range says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredBefore:
    """What was measured of these labels before some of them were corrected."""

    low: float
    high: float
    """The ends of the number of wrong labels then, a 95 % interval."""
    n_decided: int
    """Decided labels of the measured sample."""
    n_fixed: int
    """Labels decided to be wrong and corrected or dropped since."""
    low_left: float
    high_left: float
    """The ends of the number of wrong labels that are left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongLabels:
    """How many of the scored labels are wrong, flagged or not."""

    estimate: float
    """The most likely number of wrong labels."""
    low: float
    """With decisions the lower end of the 95 % interval, else how many are wrong at least by the models."""
    high: float | None
    """The upper end; null where nothing measured it. Without decisions it is said of images alone, where the agreement
    of models has been right (tests/bench/RESULTS.md), and only if it is not far above ``low``."""
    share: float
    """``estimate`` as a share of the scored examples."""
    share_low: float
    share_high: float | None
    source: Source
    """Where the numbers come from: ``one opinion`` or the ``opinions`` of several models; ``earlier decisions``, of a
    person on the labels before they were corrected; or ``decisions``."""
    n_decided: int
    """Decided labels of the measured sample, from which the numbers come; with source ``decisions``, those of
    ``before`` come on top."""
    precision: Range | None
    """The share of the flags that are right: estimate, low, high; null without decisions or flags."""
    found: Range | None
    """The share of all wrong labels that are flagged, in the same form; null without decisions."""
    worth_a_look: int | None
    """The rank down to which at least one label in ten is wrong; null without decisions, or where another detector than
    noise-posterior ranks."""
    decisions_to_halve: int | None
    """About how many more decisions would halve the interval, at most those that are left; null without decisions."""
    before: MeasuredBefore | None = None
    """What decisions measured before labels were corrected, where the numbers come from it, alone or with new ones."""

    @property
    def is_measured(self) -> bool:
        """Return whether decisions of a person say how many labels are wrong."""
        return self.source in ("earlier decisions", "decisions")


def estimate_wrong_labels(
    detections: Detections,
    measurement: Measurement | None = None,
    *,
    before: MeasuredBefore | None = None,
    by_agreement: bool = False,
    of_images: bool = False,
) -> WrongLabels:
    """Return how many labels are wrong: by decisions, where these measure, else as the models of ``detections`` say.

    What was measured ``before`` counts too: the number is within both intervals, unless they contradict each other;
    then the new one alone says it. ``by_agreement`` is whether the agreement of several models gave the number without
    decisions, ``of_images`` whether it is one of images.
    """
    count, n_scored = detections.wrong_labels, len(detections.error_probability)
    if before:
        n_known = float(detections.decided.is_wrong.sum())
        least, most = max(before.low_left, n_known), max(before.high_left, n_known)
        if measurement:
            least, most = max(least, count.low), min(most, count.high)
        if least <= most:
            count = Range(min(max(least, count.estimate), most), least, most)
        else:
            before = None
    by_posterior = detections.lead is detections.by_name[POSTERIOR]
    models: Source = "opinions" if by_agreement else "one opinion"
    agreed = by_agreement and of_images and count.high <= WIDEST * count.low
    high = count.high if measurement or before or agreed else None
    return WrongLabels(
        estimate=count.estimate,
        low=count.low,
        high=high,
        share=count.estimate / n_scored,
        share_low=count.low / n_scored,
        share_high=None if high is None else high / n_scored,
        source="decisions" if measurement else "earlier decisions" if before else models,
        n_decided=len(measurement.drawn) if measurement else before.n_decided if before else 0,
        precision=measurement.precision() if measurement else None,
        found=measurement.found() if measurement else None,
        worth_a_look=measurement.n_worth_a_look() if measurement and by_posterior else None,
        decisions_to_halve=measurement.decisions_to_halve() if measurement else None,
        before=before,
    )


def count_in_words(one: WrongLabels, n_scored: int) -> str:
    """Return a sentence without its full stop: how many labels are wrong, as far as it is known."""
    low, likely = (f"{number:,.0f}" for number in (one.low, one.estimate))
    if one.high is None:
        at_least = f"at least {low}" if low != "0" else "an unknown number"
        return (
            f"{at_least} of {n_scored:,} labels {'is' if low == '1' else 'are'} probably wrong; nobody has measured it"
        )
    high = f"{one.high:,.0f}"
    if one.before and one.source == "earlier decisions":
        then, n_fixed = f"{one.before.low:,.0f} to {one.before.high:,.0f}", one.before.n_fixed
        fixed = f"{n_fixed:,} {'was' if n_fixed == 1 else 'were'} fixed"
        left = f"{low} to {high} of {n_scored:,} are left"
        return f"{then} labels were measured to be wrong before, {fixed}: {left}, until measured anew"
    of_all = f"of {n_scored:,} labels {'is' if high in '01' else 'are'}"
    if one.source == "decisions":
        count = f"{low} to {high}" if low != high else "none" if high == "0" else high
        most_likely = f", most likely {likely}" if low != high else ""
        return f"{count} {of_all} wrong (95 % interval from {decided_in_words(one)}{most_likely})"
    if low == high:
        return f"probably {'hardly any' if high == '0' else f'about {high}'} {of_all} wrong"
    return f"between {low} and {high} {of_all} probably wrong (most likely {likely})"


def decided_in_words(one: WrongLabels) -> str:
    """Return how many decisions measure the number, before and after a correction."""
    decisions = f"{one.n_decided:,} decision{'' if one.n_decided == 1 else 's'}"
    if one.source == "earlier decisions":
        return f"{decisions} before the correction"
    return f"{decisions} and {one.before.n_decided:,} before the correction" if one.before else decisions


def list_in_words(one: WrongLabels) -> list[str]:
    """Return clauses about the list of flags: what it holds, how many are right, how far to review it."""
    clauses = []
    if one.found is not None:
        clauses.append(f"the list holds {_between(one.found)} % of them")
    if one.precision is not None:
        clauses.append(f"{_between(one.precision)} in 100 of the listed are wrong")
    if one.worth_a_look is not None:
        rank = f"{one.worth_a_look:,} of scores.csv"
        clauses.append(f"a review pays down to rank {rank}" if one.worth_a_look else "no review pays")
    if one.decisions_to_halve:
        decisions = f"{one.decisions_to_halve:,} more decision{'' if one.decisions_to_halve == 1 else 's'}"
        clauses.append(f'about {decisions} under "Measure" would halve the interval')
    return clauses


def _between(share: Range) -> str:
    low, high = f"{100 * share.low:.0f}", f"{100 * share.high:.0f}"
    return low if low == high else f"{low} to {high}"
