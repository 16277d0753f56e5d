"""The judgements of detectors, made anew where a person has decided some of the labels.

A decided label counts as known: if wrong it is flagged by every detector, if right by none. About all others
noise-posterior says what the decisions say of its log-odds (``decided_labels``), once there are some; other detectors
keep their ranking, since they have no probability that decisions could correct.
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from labelscan.detection.decided_labels import DecidedLabels, Floats, ReviewPosterior, review_posterior
from labelscan.detection.detectors.noise_posterior import highest_expected_f1
from labelscan.detection.protocol import POSTERIOR, Detections

Number = TypeVar("Number", np.bool_, np.float64)

LEAST_DECISIONS = 10
"""Fewer say little of other labels: one suspect that is right after all would clear most of the others."""


def kept_log_odds(detections: Detections) -> Floats:
    """Return (N,) log-odds with the digits that a run keeps, so that whoever reads them gets the same answers."""
    return detections.error_log_odds.astype(np.float32).astype(np.float64)


def judge_anew(detections: Detections, decided: DecidedLabels) -> tuple[Detections, ReviewPosterior]:
    """Return the judgements of N labels once some are decided, and what the decisions say about all of them."""
    posterior = review_posterior(kept_log_odds(detections), decided)
    are_few = len(decided.index) < LEAST_DECISIONS
    error_probability = _known(detections.error_probability, decided) if are_few else posterior.error_probability
    by_name = {
        name: replace(detection, flagged=_known(detection.flagged, decided))
        for name, detection in detections.by_name.items()
    }
    before = detections.by_name[POSTERIOR]
    flagged = before.flagged if are_few else highest_expected_f1(error_probability)
    by_name[POSTERIOR] = replace(
        before,
        label_quality=1 - error_probability,
        flagged=_known(flagged, decided),
        error_probability=error_probability,
        wrong_labels=posterior.n_wrong(),
    )
    judged = replace(
        detections,
        by_name=by_name,
        error_probability=error_probability,
        wrong_labels=posterior.n_wrong(),
    )
    return judged, posterior


def _known(values: NDArray[Number], decided: DecidedLabels) -> NDArray[Number]:
    """Return flags or probabilities with those of decided labels as they must be."""
    known = values.copy()
    known[decided.index] = decided.is_wrong
    return known
