"""Examples whose label looks right, to compare suspects with."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from labelscan.arrays import Mask

QUANTILES = (0.5, 0.9)
"""Which examples are typical, by self-confidence among the labels of a class that look right: a usual one and a clear
one, not the extreme one, which is often as odd as a suspect."""
MOST_ERROR_PROBABILITY = 0.5
MOST_EXAMPLES = 400
"""With more than half as many classes, each has one typical example; beyond as many, classes have none."""


def choose_typical(scores: pd.DataFrame, class_names: Collection[str]) -> Mapping[str, Sequence[int]]:
    """Return by class up to two rows of ``scores`` whose label looks right; the most important classes come first."""
    names = list(dict.fromkeys(class_names))[:MOST_EXAMPLES]
    quantiles = QUANTILES if 2 * len(names) <= MOST_EXAMPLES else QUANTILES[:1]
    places = pd.Index(names, dtype=object).get_indexer(pd.Index(scores["given_label"], dtype=object))
    self_confidence = scores["self_confidence"].to_numpy(dtype=np.float64)
    rows = np.flatnonzero((places >= 0) & looks_right(scores))
    rows = rows[np.lexsort((self_confidence[rows], places[rows]))]  # stable: ties stay in the order of the table
    ends = np.searchsorted(places[rows], np.arange(len(names) + 1))
    chosen: dict[str, Sequence[int]] = {}
    for name, start, end in zip(names, ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        if end > start:
            picks = [start + round(quantile * (end - start - 1)) for quantile in quantiles]
            chosen[name] = rows[list(dict.fromkeys(picks))].tolist()
    return chosen


def looks_right(scores: pd.DataFrame) -> Mask:
    """Return (N,) whether nothing speaks against a label."""
    is_scored = np.isfinite(scores["self_confidence"].to_numpy(dtype=np.float64))
    is_likely = scores["error_probability"].to_numpy(dtype=np.float64) <= MOST_ERROR_PROBABILITY
    return np.asarray(is_scored & is_likely & ~scores["flagged"].to_numpy(dtype=bool))
