"""The judgements of detectors, made anew where a person has decided some of the labels.

A decided label counts as known: if wrong it is flagged by every detector, if right by none. About all others
noise-posterior says what the decisions say of its log-odds (``decided_labels``); other detectors keep their ranking,
since they have no probability that decisions could correct.
"""

from dataclasses import replace

import numpy as np

from labelscan.arrays import Mask
from labelscan.detection.decided_labels import DecidedLabels, Floats, ReviewPosterior, review_posterior
from labelscan.detection.detectors.noise_posterior import highest_expected_f1
from labelscan.detection.protocol import POSTERIOR, Detection, Detections


def kept_log_odds(detections: Detections) -> Floats:
    """Return (N,) log-odds with the digits that a run keeps, so that whoever reads them gets the same answers."""
    return detections.error_log_odds.astype(np.float32).astype(np.float64)


def judge_anew(detections: Detections, decided: DecidedLabels) -> tuple[Detections, ReviewPosterior]:
    """Return the judgements of N labels once some are decided, and what the decisions say about all of them."""
    posterior = review_posterior(kept_log_odds(detections), decided)
    by_name = {
        name: replace(detection, flagged=_known(detection.flagged, decided))
        for name, detection in detections.by_name.items()
    }
    by_name[POSTERIOR] = _by_posterior(detections.by_name[POSTERIOR], posterior)
    judged = replace(
        detections,
        by_name=by_name,
        error_probability=posterior.error_probability,
        wrong_labels=posterior.n_wrong(),
    )
    return judged, posterior


def _by_posterior(before: Detection, posterior: ReviewPosterior) -> Detection:
    error_probability = posterior.error_probability
    return replace(
        before,
        label_quality=1 - error_probability,
        flagged=_known(highest_expected_f1(error_probability), posterior.decided),
        error_probability=error_probability,
        wrong_labels=posterior.n_wrong(),
    )


def _known(flagged: Mask, decided: DecidedLabels) -> Mask:
    """Return the flags with those of decided labels as they must be."""
    known = flagged.copy()
    known[decided.index] = decided.is_wrong
    return known
