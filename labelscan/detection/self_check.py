"""Self-check: a second run, with planted errors, estimates how many errors the first run finds and how many are left.

It assumes that real errors are about as hard to find as planted ones. Often they are harder, since people mislabel
what is doubtful, so the difficulty of both is part of the result.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.detection.evidence import Evidence
from labelscan.detection.planted_errors import PlantedErrors
from labelscan.detection.protocol import Detections

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959964
"""Standard deviations on each side of the mean that contain ``CONFIDENCE`` of a normal distribution."""
MOST_EVIDENT = 0.4
"""Share of the found planted errors, the most evident ones, that precision is estimated from. It was chosen among a
quarter, two fifths, a half and two thirds on out-of-fold probabilities with known errors: the larger two made weak
models look too good, and the quarter left too few to count."""
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
SELF_CONFIDENCE_EDGES = (0.01, 0.05, 0.2, 0.5)
"""The edges between the bins of the histogram of self-confidence."""
LIMITS = (
    "planted errors are often easier than real ones: the recall of real errors is then lower, and more are left; "
    "precision may be too low with good models and too high with weak ones; "
    "errors that look right to the models cannot be counted by any of them"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number and its 95 % interval, for errors like the planted ones; None where it is unknown."""

    estimate: float | None
    low: float | None
    high: float | None


UNKNOWN = Estimate(estimate=None, low=None, high=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difficulty:
    """How hard a group of labels is to find for the models of the second run.

    A wrong label with a high self-confidence or a low error probability is hard to find. Where the largest probability
    is low, the models do not recognise the example.
    """

    count: int
    self_confidence: tuple[float, ...]
    """At ``QUANTILES``, as are the next two; empty without labels."""
    error_probability: tuple[float, ...]
    max_probability: tuple[float, ...]
    histogram: tuple[float, ...]
    """Shares of the labels by self-confidence: below the first of ``SELF_CONFIDENCE_EDGES``, ..., at least the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfCheck:
    """The result of a second run with planted errors."""

    n_planted: int
    """Planted errors that got a score."""
    n_found: int
    """Planted errors that the leading detector flags."""
    recall: Estimate
    """Share of errors like these that are found."""
    precision: Estimate
    """Share of the flags that are right."""
    expected_precision: float | None
    """The same by the error probabilities of the first run, which are overconfident where models are weak or people
    made the errors."""
    wrong_labels_left: Estimate
    """Wrong labels that the first run does not flag."""
    planted_easier: float | None
    """Chance that a planted error that was found has a lower self-confidence than another flagged label: 0.5 if both
    are equally evident, more if the planted ones are easier. None if there is nothing to compare."""
    quantiles: tuple[float, ...] = QUANTILES
    self_confidence_edges: tuple[float, ...] = SELF_CONFIDENCE_EDGES
    planted: Difficulty
    planted_and_found: Difficulty
    suspects: Difficulty
    """The other labels that the second run flags: real errors mixed with right labels, which look less evident."""
    limits: str = LIMITS
    folder: str
    """The second run's folder, inside the run folder."""


def judge_by_planted(
    planted: PlantedErrors, first: tuple[Evidence, Detections], second: tuple[Evidence, Detections], *, folder: str
) -> SelfCheck:
    """Return the result of a self-check: of a ``first`` run, by a ``second`` one with planted errors in ``folder``."""
    evidence, detections = second
    is_planted, flagged = np.isin(evidence.index, planted.index), detections.lead.flagged
    found, suspects = is_planted & flagged, flagged & ~is_planted
    n_planted, n_found = int(is_planted.sum()), int(found.sum())
    of_first, probability = first[1].lead.flagged, detections.error_probability
    recall = estimate_recall(n_found, n_planted)
    precision = estimate_precision(probability[found], probability[suspects])
    left = estimate_left(recall, precision, n_flagged=int(of_first.sum()), n_not_flagged=int((~of_first).sum()))
    return SelfCheck(
        n_planted=n_planted,
        n_found=n_found,
        recall=recall,
        precision=precision,
        expected_precision=float(first[1].error_probability[of_first].mean()) if of_first.any() else None,
        wrong_labels_left=left,
        planted_easier=_chance_of_less(evidence.self_confidence[found], evidence.self_confidence[suspects]),
        planted=_difficulty(evidence, probability, is_planted),
        planted_and_found=_difficulty(evidence, probability, found),
        suspects=_difficulty(evidence, probability, suspects),
        folder=folder,
    )


def estimate_recall(n_found: int, n_planted: int) -> Estimate:
    """Return the share of planted errors that were found, with the exact interval of Clopper and Pearson (1934).

    The interval holds for errors drawn as the planted ones were, and for models trained as these were.
    """
    if not n_planted:
        return UNKNOWN
    from scipy.stats import binomtest  # a second that those who read a finished run need not wait

    interval = binomtest(n_found, n_planted).proportion_ci(CONFIDENCE, method="exact")
    return Estimate(estimate=n_found / n_planted, low=float(interval.low), high=float(interval.high))


def estimate_precision(of_found: NDArray[np.float64], of_suspects: NDArray[np.float64]) -> Estimate:
    """Return the share of flags that are right, from the number of flags that are as evident as planted errors.

    The suspects, flags that are not planted errors, are a mixture of real errors and right labels. If real errors are
    as evident as planted ones, and no right label is among the most evident flags, then the share of suspects that
    are at least as evident as the most evident two fifths of the planted errors found, divided by the same share of
    those planted errors, is the share of real errors among the suspects (the mixture proportion of learning from
    positive and unlabelled examples: Elkan and Noto, KDD 2008; Blanchard, Lee and Scott, JMLR 2010). The estimate is
    too low if real errors are less evident than planted ones, and too high if models are so weak that right labels
    look as wrong as errors do.

    The interval is that of the logarithm of a ratio of two shares (Katz and others, Biometrics 1978), with half an
    example added to those at least that evident and another half to the rest.

    Args:
        of_found: (F,) error probabilities of the planted errors that are flagged.
        of_suspects: (S,) error probabilities of all other flagged labels.
    """
    n_found, n_suspects = len(of_found), len(of_suspects)
    if not n_found or not n_suspects:
        return UNKNOWN
    cut = np.sort(of_found)[::-1][math.ceil(MOST_EVIDENT * n_found) - 1]
    evident, suspected = int((of_found >= cut).sum()), int((of_suspects >= cut).sum())
    ratio = (suspected / n_suspects) / (evident / n_found)
    counts = ((suspected + 0.5, n_suspects + 1), (evident + 0.5, n_found + 1))
    centre = math.log(counts[0][0] / counts[0][1]) - math.log(counts[1][0] / counts[1][1])
    spread = NORMAL_QUANTILE * math.sqrt(sum(1 / part - 1 / whole for part, whole in counts))
    return Estimate(
        estimate=min(1.0, ratio),
        low=min(1.0, ratio, math.exp(centre - spread)),
        high=min(1.0, max(ratio, math.exp(centre + spread))),
    )


def estimate_left(recall: Estimate, precision: Estimate, *, n_flagged: int, n_not_flagged: int) -> Estimate:
    """Return how many wrong labels are not flagged, given the recall and the precision of the flags.

    The interval combines the ends of both others, and is as wrong as these are where real errors are not like them.
    """

    def left(share_right: float | None, share_found: float | None) -> float | None:
        if share_right is None or not share_found:
            return None
        return min(n_flagged * share_right * (1 - share_found) / share_found, float(n_not_flagged))

    estimate = left(precision.estimate, recall.estimate)
    ends = left(precision.low, recall.high), left(precision.high, recall.low)
    return UNKNOWN if estimate is None else Estimate(estimate=estimate, low=ends[0], high=ends[1])


def _chance_of_less(planted: NDArray[np.float64], others: NDArray[np.float64]) -> float | None:
    """Return the chance that a value of ``planted`` is below one of ``others``, ties counted half."""
    if not len(planted) or not len(others):
        return None
    from sklearn.metrics import roc_auc_score  # see above

    is_other = np.repeat([False, True], [len(planted), len(others)])
    return float(roc_auc_score(is_other, np.r_[planted, others]))


def _difficulty(evidence: Evidence, error_probability: NDArray[np.float64], chosen: Mask) -> Difficulty:
    count, self_confidence = int(chosen.sum()), evidence.self_confidence[chosen]
    bins = np.bincount(np.digitize(self_confidence, SELF_CONFIDENCE_EDGES), minlength=len(SELF_CONFIDENCE_EDGES) + 1)
    max_probability = evidence.pred_probs[chosen].max(axis=1).astype(np.float64)

    def at_quantiles(values: NDArray[np.float64]) -> tuple[float, ...]:
        return tuple(np.quantile(values, QUANTILES).tolist()) if count else ()

    return Difficulty(
        count=count,
        self_confidence=at_quantiles(self_confidence),
        error_probability=at_quantiles(error_probability[chosen]),
        max_probability=at_quantiles(max_probability),
        histogram=tuple((bins / count).tolist()) if count else (),
    )
