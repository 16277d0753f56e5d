"""How many labels are wrong and how many flags are right, each with the range that it probably lies in.

Without a self-check a run knows these by its own error probabilities alone. Were they calibrated and errors
independent, the number of errors would have the variance sum p (1 - p), that of independent coins (a Poisson binomial).
That is chance alone, and small where there are many labels; whether the models are too sure of themselves it cannot
tell. So each range also spans what detectors do not agree on: the number of errors that confident-learning counts by
another way, and the share of the flags that all detectors raise. Where models are weak or people made the errors
that is still far too sure, so it is called the models' own estimate wherever it is shown. A self-check has measured
both, and is believed instead. How each is known is said in two short sentences, for people who know none of this.
"""

import math
from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.detection.self_check import NORMAL_QUANTILE
from labelscan.reporting.page import Interval
from labelscan.results.finished_run import FinishedRun, part_of
from labelscan.wording import percent

COUNTS_ERRORS = "confident-learning"
"""The detector that flags, by its default filter, as many labels as it holds for wrong in all."""
UNSEEN = "Errors that look right to the models are in neither."
UNSEEN_BY_ONE = "Errors that look right to the models are not in it."
TOO_SURE = "Weak models are too sure of themselves."


def estimate_wrong_labels(run: FinishedRun) -> Interval:
    """Return how many of the scored labels are wrong.

    The self-check's is the number of flags that are right over the share of errors that are found, its range that of
    both ends at once, and so wider than 95 %.
    """
    probabilities = _error_probabilities(run.issues.scores)
    n_scored, by_probability = len(probabilities), float(probabilities.sum())
    known = _known(run.summary, "n_label_errors", lambda number: f"{number:,.0f} labels are known to be wrong.")
    measured = _measured_count(run.summary, n_flagged=int(run.issues.scores["flagged"].sum()))
    if measured is not None:
        estimate, low, high = measured
        basis = f"Measured by the self-check; the error probabilities add up to {by_probability:,.0f}. {UNSEEN}{known}"
        return Interval(estimate=estimate, low=low, high=min(high, float(n_scored)), basis=basis, measured=True)
    counted, spread = _counted(run.summary), _spread(probabilities)
    centres = [by_probability, *counted]
    others = [f"; the range also spans the {count:,.0f} that {COUNTS_ERRORS} counts. {UNSEEN}" for count in counted]
    return Interval(
        estimate=by_probability,
        low=max(min(centres) - spread, 0.0),
        high=min(max(centres) + spread, float(n_scored)),
        basis=f"The sum of all error probabilities{''.join(others) or f'. {UNSEEN_BY_ONE}'}{known}",
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
    measured = _self_check(run.summary, "precision")
    if measured is not None:
        basis = f"Measured by the self-check; by the error probabilities it is {percent(mean, 0)}.{known}"
        return Interval(estimate=measured[0], low=measured[1], high=min(measured[2], 1.0), basis=basis, measured=True)
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


def _measured_count(summary: Mapping[str, object], *, n_flagged: int) -> tuple[float, float, float] | None:
    """Return how many labels are wrong by the self-check: flags that are right, and what is left; None without one."""
    precision, left = _self_check(summary, "precision"), _self_check(summary, "wrong_labels_left")
    if precision is None or left is None:
        return None
    estimate, low, high = (n_flagged * share + count for share, count in zip(precision, left, strict=True))
    return estimate, low, high


def _agreed_share(summary: Mapping[str, object]) -> float:
    """Return the share of the flags that all detectors raise."""
    agreed, flagged = summary.get("flagged_by_all"), summary.get("n_flagged")
    return agreed / flagged if isinstance(agreed, int) and isinstance(flagged, int) and flagged else 1.0


def _counted(summary: Mapping[str, object]) -> list[float]:
    """Return how many errors confident-learning counts; nothing where it flags by another rule."""
    flagged_by, leading = part_of(summary, "flagged_by"), str(summary.get("detector", ""))
    count = flagged_by.get(COUNTS_ERRORS)
    return [] if count is None or leading.startswith(f"{COUNTS_ERRORS}:") else [cast(float, count)]


def _self_check(summary: Mapping[str, object], name: str) -> tuple[float, float, float] | None:
    """Return an estimate of the self-check with its ends; None where there is none."""
    part = part_of(part_of(summary, "self_check"), name)
    numbers = [part.get(key) for key in ("estimate", "low", "high")]
    estimate, low, high = (number if isinstance(number, int | float) else None for number in numbers)
    if estimate is None:
        return None
    return estimate, 0.0 if low is None else low, math.inf if high is None else high


def _known(summary: Mapping[str, object], name: str, sentence: Callable[[float], str]) -> str:
    """Return what the true labels say, behind what is estimated; empty where there are none."""
    truth = part_of(summary, "against_truth")
    leading = str(summary.get("detector", "")).partition(":")[0]
    number = truth.get(name, part_of(part_of(truth, "quality"), leading).get(name))
    return f" {sentence(number)}" if isinstance(number, int | float) else ""
