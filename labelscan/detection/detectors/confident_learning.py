"""Confident learning: the flags of cleanlab, made with less memory.

They are exactly those of ``cleanlab.filter.find_label_issues`` in one process: its pool of forked processes is unsafe
once CUDA has started, and its batched variant is another filter.
"""

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import cleanlab.filter
import numpy as np
from cleanlab.count import compute_confident_joint
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Mask, PredProbs
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detection
from labelscan.registry import OptionError, check_option

FilterBy = Literal[
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_self_confidence",
    "low_normalized_margin",
]
PRUNING = ("prune_by_noise_rate", "prune_by_class", "both")
"""Filters that judge one given class after another, by one confident joint of all labels."""
GROUP_BYTES = 64 << 20
"""Probabilities given to a pruning filter at a time, or an eighth of them all, or as much as the confident joint takes,
which each call copies, if that is more."""
TOLERATED = 1e-6
"""The excess over 1 that cleanlab accepts in a probability; rounding may leave more."""
TOO_FEW = "May not flag all label issues in class"
"""The start of cleanlab's warning that a class is too small; ours names the class."""


@dataclass(frozen=True)
class ConfidentLearning:
    """Flags from the confident joint; label quality is self-confidence.

    Source: Northcutt, Jiang and Chuang, JAIR 2021, arXiv:1911.00068; the flags are cleanlab's.

    Args:
        filter_by: cleanlab's filter; its default is the one its users know.
        frac_noise: share of the estimated issues that are flagged, in (0, 1]; for the pruning filters only.
        min_examples_per_class: examples that a pruning filter leaves in each class at least.
    """

    filter_by: FilterBy = "prune_by_noise_rate"
    frac_noise: float = 1.0
    min_examples_per_class: int = 1

    def __post_init__(self) -> None:
        least = self.min_examples_per_class
        check_option(0 < self.frac_noise <= 1, self.frac_noise, "frac_noise", "above 0 and at most 1")
        check_option(least >= 0, least, "min_examples_per_class", "at least 0")
        if self.frac_noise != 1 and self.filter_by not in PRUNING:
            problem, hint = f"has no effect on filter_by={self.filter_by}", f"use it with {', '.join(PRUNING)}"
            raise OptionError("option-conflict", problem, "frac_noise", hint=hint)

    def detect(self, evidence: Evidence) -> Detection:
        """Return cleanlab's flags and self-confidence.

        The memory needed besides the probabilities is about half their size; once their size for filters that do not
        prune, and up to twice where a single class, which cannot be judged in pieces, has most of the labels.
        """
        given_labels, pred_probs = evidence.given_labels, evidence.pred_probs
        counts, notes = np.bincount(given_labels, minlength=pred_probs.shape[1]), []
        small = np.flatnonzero((counts > 0) & (counts <= self.min_examples_per_class))
        if self.filter_by in PRUNING and len(small):
            names = ", ".join(repr(evidence.class_names[label]) for label in small[:5])
            more = f" and {len(small) - 5:,} more" if len(small) > 5 else ""
            notes.append(f"too few examples for confident-learning to flag any: classes {names}{more}")
        if np.count_nonzero(counts) < 2:
            # cleanlab refuses these: no other class has a threshold to reach, so no label can be doubted.
            flagged = np.zeros(len(evidence), dtype=bool)
            notes.append("every scored label is of one class: confident-learning has nothing to compare it with")
        else:
            if pred_probs.max() > 1 + TOLERATED:  # by rounding
                pred_probs = np.minimum(pred_probs, pred_probs.dtype.type(1))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                flagged = self._flags(given_labels, pred_probs)
            messages = dict.fromkeys(str(warning.message) for warning in caught)
            notes += [f"cleanlab: {message}" for message in messages if not message.startswith(TOO_FEW)]
        return Detection(label_quality=evidence.self_confidence.clip(0, 1), flagged=flagged, notes=tuple(notes))

    def _flags(self, given_labels: GivenLabels, pred_probs: PredProbs) -> Mask:
        if self.filter_by not in PRUNING:
            return _find(given_labels, pred_probs, filter_by=self.filter_by)
        # The joint of all labels, then pruning in groups of classes, gives the same flags as one call, which would
        # copy all probabilities twice and need three times their size.
        joint = compute_confident_joint(given_labels, pred_probs)
        flagged = np.zeros(len(given_labels), dtype=bool)
        for rows in _groups(given_labels, pred_probs):
            flagged[rows] = _find(given_labels[rows], pred_probs[rows], confident_joint=joint, **asdict(self))
        return flagged


def _find(given_labels: GivenLabels, pred_probs: PredProbs, **options: Any) -> Mask:
    try:
        return np.asarray(cleanlab.filter.find_label_issues(given_labels, pred_probs, n_jobs=1, **options), dtype=bool)
    finally:
        # cleanlab leaves a copy of the probabilities in a module variable, for processes that we never start.
        vars(cleanlab.filter).pop("pred_probs_by_class", None)


def _groups(given_labels: GivenLabels, pred_probs: PredProbs) -> Iterator[slice | NDArray[np.int64]]:
    """Yield rows of whole classes, about ``GROUP_BYTES`` of them but at least two classes: cleanlab refuses one."""
    n_examples, n_classes = pred_probs.shape
    most = max(GROUP_BYTES, pred_probs.nbytes // 8, n_classes**2 * 8) // (n_classes * pred_probs.itemsize)
    if n_examples <= most:
        yield slice(None)
        return
    counts = np.bincount(given_labels, minlength=n_classes)
    by_class = np.split(np.argsort(given_labels, kind="stable"), np.cumsum(counts)[:-1])
    present = [rows for rows in by_class if len(rows)]
    group: list[NDArray[np.int64]] = []
    for left, rows in zip(range(len(present))[::-1], present, strict=True):
        group.append(rows)
        if left == 0 or (len(group) >= 2 and left >= 2 and sum(map(len, group)) >= most):
            # In the order of the data set, since cleanlab breaks ties by position.
            yield np.sort(np.concatenate(group))
            group = []
