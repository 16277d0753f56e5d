"""How many labels are wrong, how sure that is, and the sentences that say so on every screen and report.

Probabilities alone cannot tell how many labels are wrong: models doubt hard examples as they doubt wrong labels. So a
run gives a range, and only decisions of a person make it an interval that holds the truth with a known chance.
"""

from dataclasses import dataclass
from typing import Literal

from labelscan.detection.decisions.decided_labels import ReviewPosterior
from labelscan.detection.estimates import Range
from labelscan.detection.protocol import POSTERIOR, Detections

Source = Literal["one opinion", "opinions", "decisions"]
OFFER = "Measure: decide 50 labels"
"""What the page of a report calls the measurement."""
WIDEST_CLAIM = 0.2
"""Models whose range of the precision is wider do not know it."""
FEWEST_UNDOUBTED = 3
"""With fewer decided labels that no model doubts, how many of these are wrong is taken from the prior."""
IF_ALL_ARE_DOUBTED = ", if the models doubt all wrong labels"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongLabels:
    """How many of the scored labels are wrong, flagged or not."""

    estimate: float
    """The most likely number of wrong labels."""
    low: float
    high: float
    """With decisions the 95 % interval, else the range of what the probabilities allow."""
    share: float
    """``estimate`` as a share of the scored examples."""
    share_low: float
    share_high: float
    source: Source
    """Where the numbers come from: ``one opinion``, as is the pool of several models of a table; ``opinions`` of
    several models; or ``decisions`` of a person."""
    n_decided: int
    """Labels known to be right or wrong by the decisions that the numbers come from."""
    precision: Range | None
    """The share of the flags that are right: estimate, low, high; null where nothing is flagged."""
    found: Range | None
    """The share of all wrong labels that are flagged, in the same form; null without decisions."""
    worth_a_look: int | None
    """The rank down to which at least one label in ten is wrong; null without decisions, or where another detector than
    noise-posterior ranks."""
    decisions_to_halve: int | None
    """About how many more decisions would halve the interval, at most those that are left; null without decisions."""
    n_undoubted: int | None = None
    """How many decided labels are outside of the quarter most likely wrong, where errors are that no model sees; null
    without decisions."""

    @property
    def knows_precision(self) -> bool:
        """Return whether it is known how many of the flags are right, by decisions or by models that agree."""
        if self.precision is None:
            return False
        return self.source == "decisions" or self.precision.high - self.precision.low <= WIDEST_CLAIM


def estimate_wrong_labels(
    detections: Detections, posterior: ReviewPosterior | None = None, *, by_agreement: bool = False
) -> WrongLabels:
    """Return how many labels are wrong: by decisions, where there are some, else as the models of ``detections`` say.

    ``by_agreement`` is whether the agreement of several models gave that number.
    """
    count, flagged, n_scored = detections.wrong_labels, detections.lead.flagged, len(detections.error_probability)
    precision = None
    if flagged.any() and posterior:
        precision = posterior.precision(flagged)
    elif flagged.any():
        from labelscan.detection.decisions.rescoring import error_probability_if  # loads scikit-learn

        # The mean error probability of the flags, and what it is at each end of the count.
        ends = (error_probability_if(detections, end)[flagged].mean() for end in (count.low, count.high))
        precision = Range(float(detections.error_probability[flagged].mean()), *map(float, ends))
    by_posterior = detections.lead is detections.by_name[POSTERIOR]
    models: Source = "opinions" if by_agreement else "one opinion"
    return WrongLabels(
        estimate=count.estimate,
        low=count.low,
        high=count.high,
        share=count.estimate / n_scored,
        share_low=count.low / n_scored,
        share_high=count.high / n_scored,
        source="decisions" if posterior else models,
        n_decided=len(posterior.decided) if posterior else 0,
        precision=precision,
        found=posterior.found(flagged) if posterior else None,
        worth_a_look=posterior.n_worth_a_look() if posterior and by_posterior else None,
        decisions_to_halve=posterior.decisions_to_halve() if posterior else None,
        n_undoubted=posterior.n_undoubted() if posterior else None,
    )


def count_in_words(one: WrongLabels, n_scored: int) -> str:
    """Return a sentence without its full stop: between how many labels are wrong."""
    low, high, likely = (f"{number:,.0f}" for number in (one.low, one.high, one.estimate))
    of_all = f"of {n_scored:,} labels {'is' if high in '01' else 'are'}"
    if one.source == "decisions":
        decisions = f"{one.n_decided:,} decision{'' if one.n_decided == 1 else 's'}"
        count = f"{low} to {high}" if low != high else "none" if high == "0" else high
        sees_all = one.n_undoubted is None or one.n_undoubted >= FEWEST_UNDOUBTED or one.n_decided == n_scored
        return f"{count} {of_all} wrong (95 % interval from {decisions}{'' if sees_all else IF_ALL_ARE_DOUBTED})"
    if low == high:
        return f"probably {'hardly any' if high == '0' else f'about {high}'} {of_all} wrong"
    return f"between {low} and {high} {of_all} probably wrong (most likely {likely})"


def list_in_words(one: WrongLabels) -> list[str]:
    """Return clauses about the list of flags: what it holds, how many are right, how far to review it."""
    clauses = []
    if one.found is not None:
        clauses.append(f"the list holds {_between(one.found)} % of them")
    if one.precision is not None:
        share, probably = _between(one.precision), "" if one.source == "decisions" else "probably "
        clauses.append(
            f"{share} in 100 of the listed are {probably}wrong"
            if one.knows_precision
            else f"the models cannot tell how many of the listed are wrong: {share} in 100"
        )
    if one.worth_a_look is not None:
        clauses.append(f"a review pays down to rank {one.worth_a_look:,}" if one.worth_a_look else "no review pays")
    if one.decisions_to_halve:
        decisions = f"{one.decisions_to_halve:,} more decision{'' if one.decisions_to_halve == 1 else 's'}"
        clauses.append(f"about {decisions} would halve the interval")
    return clauses


def _between(share: Range) -> str:
    low, high = f"{100 * share.low:.0f}", f"{100 * share.high:.0f}"
    return low if low == high else f"{low} to {high}"
