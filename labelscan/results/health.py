"""Health checks: when not to believe a run, and what in the data deserves a look.

A detector flags something whatever it is fed. Whether the models learned anything at all, and whether the flags
can be errors rather than a broken label column, has to be asked apart from it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, PredProbs
from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import CHUNK_ROWS, Evidence
from labelscan.detection.protocol import Detections

CHANCE_DEVIATIONS = 2.0
"""Standard deviations above chance that agreement must reach: 1 in 40 models that learned nothing gets there, and
all right on 8 examples of 2 classes is enough."""
MANY_FLAGGED = 0.3
"""Share of flagged labels from which on it is likelier that something is wrong with the run than with the labels."""
EXTREME_IMBALANCE = 100
"""How many times as many examples the largest class has as the smallest, for that to be worth a warning."""
UNIFORM = 1e-6
"""Rows whose probabilities differ by no more than this say nothing."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often predicted and given labels agree, and how often they would if they had nothing to do with each other.

    Chance is the share expected if the given labels were dealt out anew, which models that always name the
    largest class reach but do not exceed. The bare share of the largest class would be the wrong yardstick: where
    it is 95 %, models that find half of the rest have learned a lot and may agree with fewer than 95 %.
    """

    share: float
    chance: float
    deviation: float
    """Standard deviation of the share under chance; 0 where the predictions are all of one class."""

    @classmethod
    def of(cls, predicted_labels: NDArray[np.int64], given_labels: GivenLabels, n_classes: int) -> "Agreement":
        """Return the agreement of two times (N,) labels."""
        n = len(given_labels)
        predicted = np.bincount(predicted_labels, minlength=n_classes).astype(np.float64)
        given = np.bincount(given_labels, minlength=n_classes).astype(np.float64)
        pairs = float(predicted @ given)
        mean = pairs / n
        # Moments of the number of fixed agreements when N labels are dealt out at random, by classes.
        clashes = float(np.sum(predicted * given * (predicted + given - 1)))
        variance = (pairs**2 - clashes) / (n * (n - 1)) + mean - mean**2 if n > 1 else 0.0
        share = float(np.mean(predicted_labels == given_labels))
        return cls(share, mean / n, math.sqrt(max(variance, 0.0)) / n)

    @property
    def learned_nothing(self) -> bool:
        """Return whether the agreement is not above chance by a significant margin."""
        return self.share - self.chance <= max(CHANCE_DEVIATIONS * self.deviation, 1e-9)


def warnings_about(
    dataset: Dataset,
    evidence: Evidence,
    detections: Detections,
    agreement: Agreement,
    *,
    n_label_conflicts: int,
    small_classes: Sequence[str],
) -> Iterator[str]:
    """Yield what a user should be wary of, the worst first.

    Not how many examples have no score: these are counts of the summary, and each has its reason in scores.csv.
    """
    yield from _about_the_models(evidence.pred_probs, agreement)
    flagged_rate = float(detections.lead.flagged.mean())
    if flagged_rate > MANY_FLAGGED:
        yield (
            f"{flagged_rate:.0%} of the labels are flagged: check that the labels belong to these examples, "
            "or train a better model"
        )
    scored = np.bincount(evidence.given_labels, minlength=len(dataset.class_names))
    yield from _about_the_data(dataset, scored, n_label_conflicts=n_label_conflicts, small_classes=small_classes)
    for detection in detections.by_name.values():
        yield from detection.notes


def _about_the_models(pred_probs: PredProbs, agreement: Agreement) -> Iterator[str]:
    if _all_uniform(pred_probs):
        yield "every class has the same probability everywhere: the models say nothing"
    if agreement.learned_nothing:
        yield (
            f"the models learned nothing: they agree with {agreement.share:.1%} of the given labels, "
            f"which is no more than chance ({agreement.chance:.1%}); the flags mean nothing: "
            "train longer, choose another model, or check the labels"
        )


def _about_the_data(
    dataset: Dataset, scored: NDArray[np.int64], *, n_label_conflicts: int, small_classes: Sequence[str]
) -> Iterator[str]:
    if n_label_conflicts:
        groups = "1 group" if n_label_conflicts == 1 else f"{n_label_conflicts:,} groups"
        yield f"{groups} of identical examples with different labels"
    # A class without any score has its reason in scores.csv: that its scores are poor would be too much said of it.
    judged = {name for name, count in zip(dataset.class_names, scored.tolist(), strict=True) if count}
    small = [name for name in small_classes if name in judged]
    if small:
        names = ", ".join(map(repr, small[:5])) + (f" and {len(small) - 5:,} more" if len(small) > 5 else "")
        verb = "class has" if len(small) == 1 else "classes have"
        yield f"{len(small):,} {verb} fewer examples than folds, so that scores there are poor: {names}"
    counts = np.bincount(dataset.given_labels, minlength=len(dataset.class_names))
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    if counts[largest] >= EXTREME_IMBALANCE * max(1, counts[smallest]):
        yield (
            f"class {dataset.class_names[largest]!r} has {counts[largest]:,} examples and "
            f"{dataset.class_names[smallest]!r} has {counts[smallest]:,}: rare classes are judged less well"
        )


def _all_uniform(pred_probs: PredProbs) -> bool:
    starts = range(0, len(pred_probs), CHUNK_ROWS)
    return all(bool((np.ptp(pred_probs[start : start + CHUNK_ROWS], axis=1) <= UNIFORM).all()) for start in starts)
