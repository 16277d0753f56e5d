"""What a detector is, and what it says of the labels.

Apart from the detectors themselves, so that each of them can import it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import LabelQuality, Mask
from labelscan.detection.evidence import Evidence


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """One detector's judgement of N labels; what a detector has no opinion on is None."""

    label_quality: LabelQuality
    """(N,) in [0, 1]; low is doubtful."""
    flagged: Mask
    """(N,) the labels that are probably wrong."""
    error_probability: NDArray[np.float64] | None = None
    """(N,) in [0, 1], the probability that the given label is wrong."""
    noise_matrix: NDArray[np.float64] | None = None
    """(K, K) P(given = row if true = column); columns sum to 1."""
    notes: tuple[str, ...] = ()
    """What a user should know about how the judgement came about."""

    def __post_init__(self) -> None:
        """Refuse a judgement that is not one of N labels."""
        assert self.label_quality.shape == self.flagged.shape
        assert self.flagged.dtype == np.bool_
        assert bool(((self.label_quality >= 0) & (self.label_quality <= 1)).all()), "NaN, or outside [0, 1]"

    def __len__(self) -> int:
        """Return N."""
        return len(self.flagged)


class Detector(Protocol):
    """A way to tell wrong labels from right ones."""

    def detect(self, evidence: Evidence) -> Detection:
        """Return (N,) label quality in [0, 1], low being doubtful, and (N,) flagged.

        The judgement of an example does not depend on its row.
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """The judgements of several detectors on the same N labels."""

    leading: str
    """The detector whose flags and ranking lead, with its options, as in ``confident-learning:filter_by=both``."""
    leading_name: str
    """The same without options: its key in ``by_name``."""
    by_name: Mapping[str, Detection]
    error_probability: NDArray[np.float64]
    """(N,) always that of noise-posterior."""
    noise_matrix: NDArray[np.float64]
    """(K, K) P(given = row if true = column), that of noise-posterior too."""

    @property
    def lead(self) -> Detection:
        """Return the judgement that leads."""
        return self.by_name[self.leading_name]
