"""Detections made into one ranked table: the only home of its column names.

All examples are in it, those without a score last, so that no row is ever lost between data and result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.arrays import Index, PredProbs, Strings, as_strings
from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import CHUNK_ROWS, Evidence
from labelscan.detection.protocol import Detections

TRUE_LABEL = "true_label"
MEANINGS = {
    "rank": "1 is the most doubtful",
    "example_id": "the id column, else the path relative to the data, else the row number from 0",
    "path": "the file, where there is one",
    "given_label": "as delivered",
    "suggested_label": "the most probable other class",
    "label_quality": "of the leading detector, in [0, 1]; low is doubtful",
    "error_probability": "the probability that the given label is wrong, by noise-posterior",
    "self_confidence": "out-of-fold probability of the given label",
    "suggested_confidence": "that of the suggested label",
    "normalized_margin": "(self-confidence - largest other probability + 1) / 2",
    "train_margin": "in training: logit of the given label minus the largest other, mean over epochs and folds",
    "flagged_by": "the detectors that flag it, joined by `|`",
    "fold": "which held it out; of several repeats joined by `|`",
    "flagged": "whether the leading detector flags it",
    "status": "`scored`, or `unscored` or `unreadable` with the reason",
    TRUE_LABEL: "where it came with the data",
}
"""Every column of scores.csv with what is in it."""
SCORE_COLUMNS = tuple(name for name in MEANINGS if name != TRUE_LABEL)
"""The columns of scores.csv, in their order; ``true_label`` follows where true labels are known."""
ISSUE_COLUMNS = tuple(name for name in SCORE_COLUMNS if name not in ("flagged", "status"))
"""Those of issues.csv, which has no others."""
TEXT_COLUMNS = ("example_id", "path", "given_label", "suggested_label", "flagged_by", "fold", "status", TRUE_LABEL)
NUMBER_COLUMNS = (
    "label_quality",
    "error_probability",
    "self_confidence",
    "suggested_confidence",
    "normalized_margin",
    "train_margin",
)

ISSUES_FILE = "issues.csv"
SCORES_FILE = "scores.csv"

SCORED = "scored"
UNSCORED = "unscored"
"""How the status of an example begins that could be read but not scored; its reason follows: ``unscored: ...``."""
UNREADABLE = "unreadable"
"""How the status of an example begins that could not be read; its reason follows."""


@dataclass(frozen=True, eq=False)
class Issues:
    """All N examples, most doubtful first."""

    scores: pd.DataFrame
    """``SCORE_COLUMNS``, and ``true_label`` where known. Text is held as str objects, empty where there is none;
    numbers are float64, NaN where there is none; ``rank`` is Int64 from 1, missing where there is no score."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.scores)

    @property
    def flagged(self) -> pd.DataFrame:
        """Return ``ISSUE_COLUMNS`` of what the leading detector flags."""
        return self.scores.loc[self.scores["flagged"], list(ISSUE_COLUMNS)]


def status_is(status: Strings, kind: str) -> NDArray[np.bool_]:
    """Return (N,) whether a status is ``kind``, with a reason or without."""
    return np.fromiter((text.partition(":")[0] == kind for text in status), dtype=bool, count=len(status))


def other_classes(evidence: Evidence) -> tuple[NDArray[np.int64], NDArray[np.float32 | np.float64]]:
    """Return (N,) the most probable class beside the given one, and (N,) its probability."""
    n_examples = len(evidence)
    labels = np.empty(n_examples, dtype=np.int64)
    confidences = np.empty(n_examples, dtype=evidence.pred_probs.dtype)
    for start in range(0, n_examples, CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        probs: PredProbs = evidence.pred_probs[rows].copy()
        each = np.arange(len(probs))
        probs[each, evidence.given_labels[rows]] = -1
        labels[rows] = probs.argmax(axis=1)
        confidences[rows] = probs[each, labels[rows]]
    return labels, confidences


def rank_issues(dataset: Dataset, evidence: Evidence, detections: Detections, status: Strings) -> Issues:
    """Return one table of all examples, most doubtful first.

    Flagged examples come first, then all by label quality, both of the leading detector; ties by error
    probability, highest first, then by example id as text. Examples without a score come last, by id.

    Args:
        dataset: N examples.
        evidence: the scored ones among them.
        detections: judgements of the rows of ``evidence``.
        status: (N,) ``scored``, or the reason why not: ``unscored: ...``, ``unreadable: ...``.
    """
    assert len(status) == len(dataset)
    assert len(detections.error_probability) == len(evidence)
    order, n_scored = _order(dataset, evidence, detections)
    columns = _columns(dataset, evidence, detections, status)
    table: dict[str, Any] = {"rank": _ranks(n_scored, len(order))}
    for name in [*SCORE_COLUMNS[1:], TRUE_LABEL]:
        if name in columns:
            values = columns[name][order]
            table[name] = pd.Series(values, dtype=object) if name in TEXT_COLUMNS else values
    return Issues(pd.DataFrame(table))


def _order(dataset: Dataset, evidence: Evidence, detections: Detections) -> tuple[Index, int]:
    """Return the rows of the data set as they are ranked, and how many of them have a score."""
    places = np.empty(len(dataset), dtype=np.int64)
    places[_sorted_by_text(dataset.example_ids)] = np.arange(len(dataset))
    keys = (
        places[evidence.index],
        -detections.error_probability,
        detections.lead.label_quality,
        ~detections.lead.flagged,
    )
    ranked = evidence.index[np.lexsort(keys)]
    unranked = np.setdiff1d(np.arange(len(dataset)), evidence.index, assume_unique=True)
    return np.concatenate([ranked, unranked[np.argsort(places[unranked])]]), len(ranked)


def _sorted_by_text(example_ids: Strings) -> Index:
    ids: Sequence[str] = example_ids.tolist()
    if all(earlier <= later for earlier, later in pairwise(ids)):
        return np.arange(len(ids))  # the usual case: data sets are kept in the order of their ids
    return np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)


def _columns(
    dataset: Dataset, evidence: Evidence, detections: Detections, status: Strings
) -> dict[str, NDArray[np.generic]]:
    """Return all columns but ``rank``, in the order of the data set."""
    n_examples, names = len(dataset), as_strings(dataset.class_names)

    def numbers(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        column = np.full(n_examples, np.nan)
        column[evidence.index] = values
        return column

    def texts(values: Strings) -> Strings:
        column = as_strings([""] * n_examples)
        column[evidence.index] = values
        return column

    suggested, suggested_confidence = other_classes(evidence)
    margin = (evidence.self_confidence - suggested_confidence + 1) / 2
    flagged = np.zeros(n_examples, dtype=bool)
    flagged[evidence.index] = detections.lead.flagged
    columns: dict[str, NDArray[Any]] = {
        "example_id": dataset.example_ids,
        "path": as_strings([dataset.path(index) for index in range(n_examples)]),
        "given_label": names[dataset.given_labels],
        "suggested_label": texts(names[suggested]),
        "label_quality": numbers(detections.lead.label_quality),
        "error_probability": numbers(detections.error_probability),
        "self_confidence": numbers(evidence.self_confidence),
        "suggested_confidence": numbers(suggested_confidence),
        "normalized_margin": numbers(margin.clip(0, 1)),
        "train_margin": numbers(_train_margin(evidence)),
        "flagged_by": texts(_flagged_by(detections)),
        "fold": texts(evidence.fold_names),
        "flagged": flagged,
        "status": status,
    }
    if dataset.true_labels is not None:
        columns[TRUE_LABEL] = as_strings(dataset.true_class_names)[dataset.true_labels]
    return columns


def _train_margin(evidence: Evidence) -> NDArray[np.float32]:
    if evidence.train_margin is not None:
        return evidence.train_margin
    return np.full(len(evidence), np.nan, dtype=np.float32)


def _flagged_by(detections: Detections) -> Strings:
    """Return (N,) the names of the detectors that flag an example, joined by ``|``."""
    names = list(detections.by_name)
    # Few detectors, so every set of them gets a number and each number its text.
    sets = np.zeros(len(detections.error_probability), dtype=np.int64)
    for position, name in enumerate(names):
        sets |= detections.by_name[name].flagged.astype(np.int64) << position
    texts = ["|".join(name for bit, name in enumerate(names) if number >> bit & 1) for number in range(1 << len(names))]
    return as_strings(texts)[sets]


def _ranks(n_scored: int, n_examples: int) -> pd.Series:
    ranks = pd.Series(pd.NA, index=range(n_examples), dtype="Int64")
    ranks.iloc[:n_scored] = np.arange(1, n_scored + 1)
    return ranks
