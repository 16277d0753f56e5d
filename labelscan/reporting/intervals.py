"""How many labels are wrong and how many flags are right, each with its probable range.

Without a self-check, a run knows these only by its own error probabilities. If they were calibrated and errors
independent, the number of errors would have the variance sum p (1 - p), that of independent coins (a Poisson binomial).
That is chance alone, small if there are many labels, and says nothing about overconfident models. So each range also
spans the disagreement of the detectors: the number of errors that confident-learning counts in another way, and the
share of the flags that all detectors raise. With weak models or human errors that is still far too narrow, so it is
called the models' own estimate wherever it is shown. A self-check measures both, and replaces them. Two short sentences
say how each is known, for people who know none of this.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.detection.self_check import NORMAL_QUANTILE
from labelscan.reporting.page import Interval
from labelscan.results.finished_run import FinishedRun, part_of
from labelscan.wording import percent

COUNTS_ERRORS = "confident-learning"
"""The detector whose default filter flags as many labels as it estimates to be wrong in all."""
UNSEEN = "Errors that look right to the models are in neither."
UNSEEN_BY_ONE = "Errors that look right to the models are not in it."
TOO_SURE = "Weak models are too sure of themselves."


def estimate_wrong_labels(run: FinishedRun) -> Interval:
    """Return how many of the scored labels are wrong.

    With a self-check it is the flags that are right plus the errors that are left. The range adds the ends of both, and
    so covers more than 95 %.
    """
    probabilities = _error_probabilities(run.issues.scores)
    n_scored, by_probability = len(probabilities), float(probabilities.sum())
    known = _known(run.summary, "n_label_errors", lambda number: f"{number:,.0f} labels are known to be wrong.")
    precision, left = _self_check(run.summary, "precision"), _self_check(run.summary, "wrong_labels_left")
    if precision and left:
        n_flagged = int(run.issues.scores["flagged"].sum())
        estimate, low, high = (n_flagged * share + count for share, count in zip(precision, left, strict=True))
        basis = f"Measured by the self-check; the error probabilities add up to {by_probability:,.0f}. {UNSEEN}{known}"
        return Interval(estimate=estimate, low=low, high=min(high, float(n_scored)), basis=basis, measured=True)
    counted, spread = _counted(run.summary), _spread(probabilities)
    basis = f"The sum of all error probabilities. {UNSEEN_BY_ONE}"
    if counted is None:
        counted = by_probability
    else:
        also = f"the range also spans the {counted:,.0f} that {COUNTS_ERRORS} counts"
        basis = f"The sum of all error probabilities; {also}. {UNSEEN}"
    return Interval(
        estimate=by_probability,
        low=max(min(by_probability, counted) - spread, 0.0),
        high=min(max(by_probability, counted) + spread, float(n_scored)),
        basis=f"{basis}{known}",
        measured=False,
    )


def estimate_flagged_precision(run: FinishedRun) -> Interval | None:
    """Return what share of the flags is right; None where nothing is flagged."""
    scores = run.issues.scores
    probabilities = _error_probabilities(scores[scores["flagged"]])
    if not len(probabilities):
        return None
    mean, spread = float(probabilities.mean()), _spread(probabilities) / len(probabilities)
    known = _known(run.summary, "precision", lambda share: f"{percent(share, 0)} are known to be right.")
    if measured := _self_check(run.summary, "precision"):
        estimate, low, high = measured
        basis = f"Measured by the self-check; by the error probabilities it is {percent(mean, 0)}.{known}"
        return Interval(estimate=estimate, low=low, high=min(high, 1.0), basis=basis, measured=True)
    agreed = _agreed_share(run.summary)
    down_to = f"; down to the {percent(agreed, 0)} that all detectors flag" if agreed < mean - spread else ""
    return Interval(
        estimate=mean,
        low=max(min(mean - spread, agreed), 0.0),
        high=min(mean + spread, 1.0),
        basis=f"The mean error probability of the flags{down_to}. {TOO_SURE}{known}",
        measured=False,
    )


def _error_probabilities(scores: pd.DataFrame) -> NDArray[np.float64]:
    probabilities = scores["error_probability"].to_numpy(dtype=np.float64)
    known: NDArray[np.bool_] = np.isfinite(probabilities)
    return probabilities[known]


def _spread(probabilities: NDArray[np.float64]) -> float:
    return NORMAL_QUANTILE * math.sqrt(float((probabilities * (1 - probabilities)).sum()))


def _agreed_share(summary: Mapping[str, object]) -> float:
    """Return the share of the flags that all detectors raise."""
    agreed, flagged = summary.get("flagged_by_all"), summary.get("n_flagged")
    return agreed / flagged if isinstance(agreed, int) and isinstance(flagged, int) and flagged else 1.0


def _counted(summary: Mapping[str, object]) -> float | None:
    """Return how many errors confident-learning counts; None if it flags by another rule."""
    count = part_of(summary, "flagged_by").get(COUNTS_ERRORS)
    has_options = str(summary.get("detector", "")).startswith(f"{COUNTS_ERRORS}:")
    return None if has_options or not isinstance(count, int | float) else count


def _self_check(summary: Mapping[str, object], name: str) -> tuple[float, float, float] | None:
    """Return an estimate of the self-check and the ends of its range, or None."""
    part = part_of(part_of(summary, "self_check"), name)
    estimate, low, high = (part.get(key) for key in ("estimate", "low", "high"))
    if not isinstance(estimate, int | float):
        return None
    return estimate, low if isinstance(low, int | float) else 0.0, high if isinstance(high, int | float) else math.inf


def _known(summary: Mapping[str, object], name: str, sentence: Callable[[float], str]) -> str:
    """Return a sentence about the true labels, to follow an estimate; empty if they are not known."""
    truth = part_of(summary, "against_truth")
    leading = str(summary.get("detector", "")).partition(":")[0]
    number = truth.get(name, part_of(part_of(truth, "quality"), leading).get(name))
    return f" {sentence(number)}" if isinstance(number, int | float) else ""
