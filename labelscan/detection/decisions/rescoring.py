"""The results of detectors, re-scored where a person has decided some of the labels.

A decided label counts as known: if wrong it is flagged by every detector, if right by none. About all others
noise-posterior says what the decisions say of its log-odds (``decided_labels``), once there are some; other detectors
keep their ranking, since they have no probability that decisions could correct.

After a correction, labels that are still as they were decided are mostly right: these are known, and measure nothing.
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index
from labelscan.detection.decisions.decided_labels import DecidedLabels, Floats, error_probability_by_decisions
from labelscan.detection.decisions.interval import DrawnLabels, Measurement
from labelscan.detection.decisions.measured_sample import NO_ROWS
from labelscan.detection.detectors.noise_posterior import error_probability_of, least_flagged
from labelscan.detection.estimates import Range
from labelscan.detection.protocol import POSTERIOR, Detections

Number = TypeVar("Number", np.bool_, np.float64)

LEAST_DECISIONS = 10
"""Fewer say little of other labels: one suspect that is right after all would clear most of the others, and an interval
would come from the priors alone."""


def kept_log_odds(detections: Detections) -> Floats:
    """Return (N,) log-odds with the digits that a run keeps, so that whoever reads them gets the same answers."""
    return detections.error_log_odds.astype(np.float32).astype(np.float64)


def rescore(
    detections: Detections,
    decided: DecidedLabels,
    *,
    right: Index = NO_ROWS,
    drawn: DrawnLabels | None = None,
    number_by_agreement: float | None = None,
) -> tuple[Detections, Measurement | None]:
    """Return the judgements of N labels once some are decided, and what the decisions measure.

    Other rows are known to be ``right`` from before the labels were corrected, and measure nothing. ``drawn`` are the
    decided labels of the measured sample; None where decisions say nothing about other labels than their own. Fewer
    than ``LEAST_DECISIONS`` of them say nothing of others either, however many of the list are decided: what is true of
    the likeliest errors does not carry over (``tests/bench/RESULTS.md``). Nor do decisions of which none is right:
    whoever notes only what is wrong does not say how often he looked. ``number_by_agreement`` is as in
    ``error_probability_by_decisions``.
    """
    index = np.concatenate([decided.index, right])
    known = DecidedLabels(index=index, is_wrong=np.append(decided.is_wrong, np.zeros(len(right), dtype=np.bool_)))
    of_all, wrong_labels, measurement = detections.error_probability, _count(detections, known), None
    flagged = {name: detection.flagged for name, detection in detections.by_name.items()}
    if drawn is not None and len(drawn) >= LEAST_DECISIONS and not decided.is_wrong.all():
        log_odds = kept_log_odds(detections)
        of_all = error_probability_by_decisions(log_odds, decided, number_by_agreement=number_by_agreement)
        error_probability = _known(of_all, known)
        flagged[POSTERIOR] = of_all > least_flagged(error_probability)
        listed = flagged[detections.leading]
        measurement = Measurement(error_probability=error_probability, decided=known, drawn=drawn, listed=listed)
        wrong_labels = measurement.n_wrong()
    by_name = {
        name: replace(detection, flagged=_known(flagged[name], known)) for name, detection in detections.by_name.items()
    }
    error_probability = _known(of_all, known)
    by_name[POSTERIOR] = replace(
        by_name[POSTERIOR],
        label_quality=1 - error_probability,
        error_probability=error_probability,
        wrong_labels=wrong_labels,
    )
    judged = replace(detections, by_name=by_name, decided=known)
    return replace(judged, error_probability=error_probability, wrong_labels=wrong_labels), measurement


def error_probability_if(detections: Detections, n_wrong: float) -> Floats:
    """Return (N,) error probabilities as they are if ``n_wrong`` labels are wrong; 0 or 1 for decided ones."""
    decided = detections.decided
    left = np.ones(len(detections.error_log_odds), dtype=bool)
    left[decided.index] = False
    error_probability = np.empty(len(left))
    error_probability[decided.index] = decided.is_wrong
    error_probability[left] = error_probability_of(detections.error_log_odds[left], n_wrong - decided.is_wrong.sum())
    return error_probability


def _count(detections: Detections, decided: DecidedLabels) -> Range:
    """Return how many labels are wrong as the models estimate it for those that are not decided.

    At least those are that are known to be, and of the flagged others as many as the models say at least.
    """
    count = detections.wrong_labels
    low, high = (error_probability_if(detections, one) for one in (count.low, count.high))
    of_flagged = np.where(detections.by_name[POSTERIOR].flagged, low, 0.0)
    estimate = float(_known(detections.error_probability, decided).sum())
    return Range(estimate, min(float(_known(of_flagged, decided).sum()), estimate), float(_known(high, decided).sum()))


def _known(values: NDArray[Number], decided: DecidedLabels) -> NDArray[Number]:
    """Return flags or probabilities with those of decided labels as they must be."""
    known = values.copy()
    known[decided.index] = decided.is_wrong
    return known
