"""Detections as one ranked table, issues.csv and scores.csv, and the names of its columns.

It holds all examples, those without a score last, so that no row is ever lost between data and result.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.arrays import Index, PredProbs, Strings, as_strings
from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import Evidence, row_chunks
from labelscan.detection.protocol import Detections
from labelscan.errors import RunFolderError
from labelscan.files.reading import CANNOT_READ, open_text, why
from labelscan.runs.files import FRESH
from labelscan.wording.tables import write_csv

TRUE_LABEL = "true_label"
MEANINGS = {
    "rank": "1 is the most likely wrong",
    "example_id": "the id column, else the path relative to the data, else the row number from 0",
    "path": "the file, where there is one",
    "given_label": "as delivered",
    "suggested_label": "the most probable other class",
    "label_quality": "of the leading detector, in [0, 1]; low is probably wrong",
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
"""Every column of scores.csv with its meaning, in their order."""
SCORE_COLUMNS = tuple(name for name in MEANINGS if name != TRUE_LABEL)
"""The columns that scores.csv always has; ``true_label`` follows where true labels are known."""
ISSUE_COLUMNS = tuple(name for name in SCORE_COLUMNS if name not in ("flagged", "status"))
"""The columns of issues.csv."""
TEXT_COLUMNS = ("example_id", "path", "given_label", "suggested_label", "flagged_by", "fold", "status", TRUE_LABEL)
NUMBER_COLUMNS = tuple(name for name in SCORE_COLUMNS if name not in (*TEXT_COLUMNS, "rank", "flagged"))

ISSUES_FILE = "issues.csv"
SCORES_FILE = "scores.csv"

SCORED = "scored"
UNSCORED = "unscored"
"""Begins the status of an example that could be read but not scored; the reason follows: ``unscored: ...``."""
UNREADABLE = "unreadable"
"""Begins the status of an example that could not be read; the reason follows."""


@dataclass(frozen=True, eq=False)
class Issues:
    """All N examples, most likely wrong first."""

    scores: pd.DataFrame
    """``SCORE_COLUMNS``, and ``true_label`` where known. Text is str objects, empty where missing; numbers are
    float64, NaN where missing; ``rank`` is Int64 from 1, missing where there is no score."""

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def flagged(self) -> pd.DataFrame:
        """Return ``ISSUE_COLUMNS`` of what the leading detector flags."""
        return self.scores.loc[self.scores["flagged"], list(ISSUE_COLUMNS)]

    def out_of_reach(self, least: float) -> str:
        """Return in words that no error probability is as high as ``least``; empty where one is, or none is known."""
        highest = float(self.scores["error_probability"].max())
        if not highest < least:
            return ""
        return f"no label can reach {least:g} in this run: the highest is {math.floor(1000 * highest) / 1000:g}"

    def write(self, run_folder: Path) -> None:
        """Write issues.csv, what is flagged, and scores.csv, every example; both most likely wrong first."""
        write_csv(self.flagged, run_folder / ISSUES_FILE)
        write_csv(self.scores, run_folder / SCORES_FILE)

    @classmethod
    def read(cls, path: Path) -> "Issues":
        """Return the table in a scores.csv, whose numbers have 6 digits, or raise RunFolderError where it is none."""
        try:
            # A carriage return inside a cell is part of it.
            with open_text(path) as file:
                scores = pd.read_csv(file, dtype=object, keep_default_na=False, lineterminator="\n")
            if tuple(scores.columns) not in (SCORE_COLUMNS, (*SCORE_COLUMNS, TRUE_LABEL)):
                raise ValueError(f"its columns are {', '.join(map(str, scores.columns))}")
            if not {text.partition(":")[0] for text in scores["status"]} <= {SCORED, UNSCORED, UNREADABLE}:
                raise ValueError("a row is cut off")  # pandas fills it
            for name in NUMBER_COLUMNS:
                scores[name] = np.array([float(text) if text else np.nan for text in scores[name]])
            scores["rank"] = pd.array([int(text) if text else None for text in scores["rank"]], dtype="Int64")
            if not scores["flagged"].isin(["true", "false"]).all():
                raise ValueError("flagged is neither true nor false")
            scores["flagged"] = scores["flagged"].to_numpy() == "true"
        except (*CANNOT_READ, OverflowError) as error:
            problem = f"is not the table of scores of a run ({why(error)})"
            raise RunFolderError("damaged", problem, where=str(path), hint=FRESH) from error
        return cls(scores)


def status_is(status: Strings, kind: str) -> NDArray[np.bool_]:
    """Return (N,) whether a status is ``kind``, with a reason or without."""
    return np.fromiter((text.partition(":")[0] == kind for text in status), dtype=bool, count=len(status))


def rank_issues(dataset: Dataset, evidence: Evidence, detections: Detections, status: Strings) -> Issues:
    """Return one table of all N examples of the data set, most likely wrong first.

    Flagged examples come first, then all by label quality, both of the leading detector; ties by error probability and
    its log-odds before decisions, highest first, then by example id as text. Examples without a score come last, by id.
    ``status`` (N,) has the reason why: ``scored``, or ``unscored: ...``, ``unreadable: ...``.
    """
    assert len(status) == len(dataset)
    assert len(detections.error_probability) == len(evidence)
    return _ranked(_facts(dataset, evidence, status), evidence.index, detections)


def rerank(issues: Issues, evidence: Evidence, detections: Detections) -> Issues:
    """Return the table that a run has left as it is by other judgements of the same evidence."""
    table = issues.scores
    index = pd.Index(table["example_id"]).get_indexer(pd.Index(evidence.example_ids))
    return _ranked({str(name): table[name].to_numpy() for name in table}, index.astype(np.int64), detections)


def _ranked(facts: Mapping[str, NDArray[Any]], index: Index, detections: Detections) -> Issues:
    """Return the table of N examples, ranked; ``index`` are the rows of those that were judged."""
    order = _order(facts["example_id"], index, detections)
    rank = pd.Series(np.arange(1, len(order) + 1), dtype="Int64")
    flagged_by = as_strings([""] * len(index))
    for name, detection in detections.by_name.items():
        flagged_by[detection.flagged] += f"|{name}"
    columns = {
        **facts,
        "label_quality": _spread(detections.lead.label_quality, index, len(order)),
        "error_probability": _spread(detections.error_probability, index, len(order)),
        "flagged_by": _spread(as_strings([text[1:] for text in flagged_by]), index, len(order), missing=""),
        "flagged": _spread(detections.lead.flagged, index, len(order), missing=False),
    }
    table: dict[str, Any] = {"rank": rank.where(rank <= len(index))}
    for name in (name for name in MEANINGS if name in columns and name != "rank"):
        values = columns[name][order]
        table[name] = pd.Series(values, dtype=object) if name in TEXT_COLUMNS else values
    return Issues(pd.DataFrame(table))


def _order(example_ids: Strings, index: Index, detections: Detections) -> Index:
    """Return the rows as they are ranked, those without a score last."""
    ids: Sequence[str] = example_ids.tolist()
    places = np.arange(len(ids))
    if not all(earlier <= later for earlier, later in pairwise(ids)):  # data sets are mostly kept in their order
        places[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    keys = (
        places[index],
        -detections.error_log_odds,
        -detections.error_probability,
        detections.lead.label_quality,
        ~detections.lead.flagged,
    )
    unranked = np.setdiff1d(np.arange(len(ids)), index, assume_unique=True)
    return np.concatenate([index[np.lexsort(keys)], unranked[np.argsort(places[unranked])]])


def _facts(dataset: Dataset, evidence: Evidence, status: Strings) -> dict[str, NDArray[Any]]:
    """Return the columns that no judgement changes, each in the order of the data set."""
    n_examples, names = len(dataset), as_strings(dataset.class_names)
    suggested, suggested_confidence = _other_classes(evidence)
    self_confidence = evidence.self_confidence.clip(0, 1)  # rows sum to 1 but for rounding
    suggested_confidence = suggested_confidence.clip(0, 1)
    margin = (self_confidence - suggested_confidence + 1) / 2
    train_margin = np.full(len(evidence), np.nan) if evidence.train_margin is None else evidence.train_margin
    facts: dict[str, NDArray[Any]] = {
        "example_id": dataset.example_ids,
        "path": as_strings([dataset.path(index) for index in range(n_examples)]),
        "given_label": names[dataset.given_labels],
        "suggested_label": _spread(names[suggested], evidence.index, n_examples, missing=""),
        "self_confidence": _spread(self_confidence, evidence.index, n_examples),
        "suggested_confidence": _spread(suggested_confidence, evidence.index, n_examples),
        "normalized_margin": _spread(margin, evidence.index, n_examples),
        "train_margin": _spread(train_margin, evidence.index, n_examples),
        "fold": _spread(evidence.fold_names, evidence.index, n_examples, missing=""),
        "status": status,
    }
    if dataset.true_labels is not None:
        facts[TRUE_LABEL] = as_strings(dataset.true_class_names)[dataset.true_labels]
    return facts


def _spread(values: NDArray[Any], index: Index, n_examples: int, missing: float | str = np.nan) -> NDArray[Any]:
    """Return a column of all examples: ``values`` at ``index``, and ``missing`` elsewhere."""
    column = np.full(n_examples, missing, dtype=object if isinstance(missing, str) else None)
    column[index] = values
    return column


def _other_classes(evidence: Evidence) -> tuple[NDArray[np.int64], PredProbs]:
    """Return (N,) the most probable class other than the given one, and (N,) its probability."""
    labels = np.empty(len(evidence), dtype=np.int64)
    confidences = np.empty(len(evidence), dtype=evidence.pred_probs.dtype)
    for rows in row_chunks(evidence.pred_probs.shape):
        probs: PredProbs = evidence.pred_probs[rows].copy()
        each = np.arange(len(probs))
        probs[each, evidence.given_labels[rows]] = -1
        labels[rows] = probs.argmax(axis=1)
        confidences[rows] = probs[each, labels[rows]]
    return labels, confidences
