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

from labelscan.detection.decisions.decided_labels import DecidedLabels, Floats, ReviewPosterior, review_posterior
from labelscan.detection.detectors.noise_posterior import error_probability_of, highest_expected_f1
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
    detections: Detections, decided: DecidedLabels, *, measure: bool = True
) -> tuple[Detections, ReviewPosterior | None]:
    """Return the judgements of N labels once some are decided, and what the decisions say about all of them.

    With ``measure`` off, too few of them, or none that is right, they say nothing about other labels than their own:
    whoever notes only what is wrong does not say how often he looked.
    """
    before = detections.by_name[POSTERIOR]
    posterior = None
    if measure and len(decided) >= LEAST_DECISIONS and not decided.is_wrong.all():
        posterior = review_posterior(kept_log_odds(detections), decided)
        error_probability, wrong_labels = posterior.error_probability, posterior.n_wrong()
        flagged = highest_expected_f1(error_probability)
    else:
        error_probability, wrong_labels = _known(detections.error_probability, decided), _count(detections, decided)
        flagged = before.flagged
    own = replace(before, label_quality=1 - error_probability, flagged=flagged)
    own = replace(own, error_probability=error_probability, wrong_labels=wrong_labels)
    by_name = {
        name: replace(detection, flagged=_known(detection.flagged, decided))
        for name, detection in {**detections.by_name, POSTERIOR: own}.items()
    }
    judged = replace(detections, by_name=by_name, decided=decided)
    return replace(judged, error_probability=error_probability, wrong_labels=wrong_labels), posterior


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
    """Return how many labels are wrong as the models estimate it for those that are not decided."""
    ends = detections.wrong_labels.low, detections.wrong_labels.high
    low, high = (_known(error_probability_if(detections, end), decided).sum() for end in ends)
    return Range(float(_known(detections.error_probability, decided).sum()), float(low), float(high))


def _known(values: NDArray[Number], decided: DecidedLabels) -> NDArray[Number]:
    """Return flags or probabilities with those of decided labels as they must be."""
    known = values.copy()
    known[decided.index] = decided.is_wrong
    return known
