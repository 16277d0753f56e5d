"""How many labels are wrong and how many flags are right, each with the range that it probably lies in.

Without a self-check a run knows these by its own error probabilities alone. Were they calibrated and errors
independent, the number of errors would have the variance sum p (1 - p), that of independent coins (a Poisson binomial).
That is chance alone, and small where there are many labels: whether the models are too sure of themselves it cannot
tell. So the range also spans the count that confident-learning comes to by another way, where a run has one. A
self-check has measured both, and is believed instead.
"""

import math
from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.finished_run import FinishedRun
from labelscan.report_page import Interval
from labelscan.self_check import NORMAL_QUANTILE

COUNTS_ERRORS = "confident-learning"
"""The detector that flags, by its default filter, as many labels as it holds for wrong in all."""
UNSEEN = "errors that look right to the models are not counted"


def estimate_wrong_labels(run: FinishedRun) -> Interval:
    """Return how many of the scored labels are wrong.

    The self-check's is the number of flags that are right over the share of errors that are found, its range that of
    both ends at once, and so wider than 95 %.
    """
    probabilities = _error_probabilities(run.issues.scores)
    n_scored, by_probability = len(probabilities), float(probabilities.sum())
    known = _known(run.summary, "n_label_errors", "{:,.0f} labels are known to be wrong")
    precision, left = _self_check(run.summary, "precision"), _self_check(run.summary, "wrong_labels_left")
    n_flagged = int(run.issues.scores["flagged"].sum())
    if precision is not None and left is not None:
        estimate, low, high = (n_flagged * one + another for one, another in zip(precision, left, strict=True))
        basis = f"by the self-check; the error probabilities add up to {by_probability:,.0f}"
        return Interval(estimate=estimate, low=low, high=min(high, float(n_scored)), basis=f"{known}{basis}; {UNSEEN}")
    centres = [by_probability, *_counted(run.summary)]
    spread = _spread(probabilities)
    basis = "the sum of the error probabilities; the range is 95 % chance, were they calibrated"
    if len(centres) > 1:
        basis += f", and spans the {centres[1]:,.0f} that {COUNTS_ERRORS} counts"
    return Interval(
        estimate=by_probability,
        low=max(min(centres) - spread, 0.0),
        high=min(max(centres) + spread, float(n_scored)),
        basis=f"{known}{basis}; {UNSEEN}",
    )


def estimate_flagged_precision(run: FinishedRun) -> Interval | None:
    """Return what share of the flags is right; None where nothing is flagged."""
    scores = run.issues.scores
    probabilities = _error_probabilities(scores[scores["flagged"]])
    if not len(probabilities):
        return None
    mean = float(probabilities.mean())
    known = _known(run.summary, "precision", "{:.1%} are known to be right")
    measured = _self_check(run.summary, "precision")
    if measured is not None:
        basis = f"by the self-check; the error probabilities say {mean:.1%}"
        return Interval(estimate=measured[0], low=measured[1], high=measured[2], basis=known + basis)
    spread = _spread(probabilities) / len(probabilities)
    return Interval(
        estimate=mean,
        low=max(mean - spread, 0.0),
        high=min(mean + spread, 1.0),
        basis=f"{known}the mean error probability of the flags; the range is 95 % chance, were it calibrated, and "
        "models that are too sure of themselves make it too high",
    )


def _error_probabilities(scores: pd.DataFrame) -> NDArray[np.float64]:
    probabilities = scores["error_probability"].to_numpy(dtype=np.float64)
    known: NDArray[np.bool_] = np.isfinite(probabilities)
    return probabilities[known]


def _spread(probabilities: NDArray[np.float64]) -> float:
    return NORMAL_QUANTILE * math.sqrt(float((probabilities * (1 - probabilities)).sum()))


def _counted(summary: Mapping[str, object]) -> list[float]:
    """Return how many errors confident-learning counts; nothing where it was told to flag by another rule."""
    flagged_by, leading = _part(summary, "flagged_by"), str(summary.get("detector", ""))
    count = flagged_by.get(COUNTS_ERRORS)
    return [] if count is None or leading.startswith(f"{COUNTS_ERRORS}:") else [cast(float, count)]


def _self_check(summary: Mapping[str, object], name: str) -> tuple[float, float, float] | None:
    """Return an estimate of the self-check with its ends; None where there is none."""
    part = _part(_part(summary, "self_check"), name)
    numbers = [part.get(key) for key in ("estimate", "low", "high")]
    estimate, low, high = (number if isinstance(number, int | float) else None for number in numbers)
    if estimate is None:
        return None
    return estimate, 0.0 if low is None else low, math.inf if high is None else high


def _known(summary: Mapping[str, object], name: str, words: str) -> str:
    """Return what the true labels say, in front of what follows; empty where there are none."""
    truth = _part(summary, "against_truth")
    leading = str(summary.get("detector", "")).partition(":")[0]
    number = truth.get(name, _part(_part(truth, "quality"), leading).get(name))
    return f"{words.format(number)}; here: " if isinstance(number, int | float) else ""


def _part(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = content.get(name)
    return part if isinstance(part, Mapping) else {}
