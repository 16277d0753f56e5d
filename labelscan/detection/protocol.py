"""The detector protocol and its results, in a module of their own that every detector can import."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import LabelQuality, Mask
from labelscan.detection.decisions.decided_labels import NONE_DECIDED, DecidedLabels
from labelscan.detection.estimates import Range
from labelscan.detection.evidence import Evidence

POSTERIOR = "noise-posterior"
"""The detector whose error probabilities every run has, whichever leads."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """One detector's judgement of N labels."""

    label_quality: LabelQuality
    """(N,) in [0, 1]; low is probably wrong."""
    flagged: Mask
    """(N,) the labels that are probably wrong."""
    error_probability: NDArray[np.float64] | None = None
    """(N,) in [0, 1], the probability that the given label is wrong; None if the detector does not estimate it."""
    noise_matrix: NDArray[np.float64] | None = None
    """(K, K) P(given = row if true = column), columns summing to 1; None if the detector does not estimate it."""
    error_log_odds: NDArray[np.float64] | None = None
    """(N,) what ranks the labels, before their number is estimated; None if the detector does not estimate it."""
    wrong_labels: Range | None = None
    """How many labels are wrong; None if the detector does not estimate it."""
    notes: tuple[str, ...] = ()
    """Remarks for the user on how the judgement was made."""

    def __post_init__(self) -> None:
        assert self.label_quality.shape == self.flagged.shape
        assert self.flagged.dtype == np.bool_
        assert bool(((self.label_quality >= 0) & (self.label_quality <= 1)).all()), "NaN, or outside [0, 1]"

    def __len__(self) -> int:
        return len(self.flagged)


class Detector(Protocol):
    """A way to tell wrong labels from right ones."""

    def detect(self, evidence: Evidence) -> Detection:
        """Return (N,) label quality in [0, 1], low being probably wrong, and (N,) flagged.

        The judgement of an example does not depend on its row.
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """The judgements of several detectors on the same N labels."""

    leading: str
    """The detector whose flags and ranking lead, with its options: ``confident-learning:filter_by=both``."""
    by_name: Mapping[str, Detection]
    """By the names of detectors, without options."""
    error_probability: NDArray[np.float64]
    """(N,) as noise-posterior estimates it, whatever leads."""
    error_log_odds: NDArray[np.float64]
    """(N,) by which noise-posterior ranks labels: what decided labels are compared with."""
    wrong_labels: Range
    """How many of the N labels are wrong, as noise-posterior estimates it."""
    noise_matrix: NDArray[np.float64]
    """(K, K) P(given = row if true = column), as noise-posterior estimates it."""
    decided: DecidedLabels = NONE_DECIDED
    """Those of the N labels that a person has decided, as all judgements have them."""

    @property
    def lead(self) -> Detection:
        """Return the judgement of the leading detector."""
        return self.by_name[self.leading.partition(":")[0]]
