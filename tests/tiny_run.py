"""A data set of twelve examples with evidence and judgements, small enough to be checked by hand."""

from pathlib import Path

import numpy as np
from scipy.special import logit

from labelscan.arrays import Strings, as_strings
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.detection.estimates import Range
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detection, Detections
from labelscan.images.sources import ImageFiles

CLASSES = ("cat", "dog", "fox")
GIVEN = (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2)
TRUE = (0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2)
STATUS = ("scored",) * 10 + ("unscored: only member of its group", "unreadable: truncated")


def a_dataset(*, true_labels: bool = True, names: tuple[str, ...] = CLASSES, paths: list[str] | None = None) -> Dataset:
    paths = paths or [f"{row:02}.png" for row in range(12)]
    return make_dataset(
        name="pets",
        inputs=ImageFiles(Path("pets"), as_strings(paths)),
        labels=[names[label] for label in GIVEN],
        example_ids=paths,
        where=str,
        ids_depend_on_order=False,
        true_labels=[names[label] for label in TRUE] if true_labels else None,
    )


def a_status() -> Strings:
    return as_strings(STATUS)


def evidence_of(pred_probs: np.ndarray, given_labels: np.ndarray, **columns: object) -> Evidence:
    """Return evidence of any (N, K) probabilities, with what it says besides; examples have their rows as ids."""
    n_examples, n_classes = pred_probs.shape
    usual = {
        "class_names": tuple(f"class {label}" for label in range(n_classes)),
        "example_ids": as_strings([f"{row:05}" for row in range(n_examples)]),
        "index": np.arange(n_examples),
        "fold_names": as_strings([""] * n_examples),
    }
    return Evidence(pred_probs=pred_probs, given_labels=given_labels.astype(np.int64), **{**usual, **columns})


def an_evidence(dataset: Dataset) -> Evidence:
    """Return evidence of the first ten examples; rows 3 and 7 are taken for the next class, row 8 for the first."""
    predicted = np.array([0, 0, 0, 1, 1, 1, 1, 2, 0, 2])
    probs = np.full((10, 3), 0.125, dtype=np.float32)
    probs[np.arange(10), predicted] = 0.75
    probs[3] = [0.0625, 0.875, 0.0625]
    return Evidence(
        pred_probs=probs,
        given_labels=dataset.given_labels[:10],
        class_names=dataset.class_names,
        example_ids=dataset.example_ids[:10],
        index=np.arange(10),
        fold_names=as_strings([str(row % 2) for row in range(10)]),
        train_margin=np.array([np.nan, *range(1, 10)], dtype=np.float32),
    )


def detections_of(evidence: Evidence) -> Detections:
    """Return judgements: confident-learning leads and flags rows 3 and 7, noise-posterior rows 7 and 8."""
    self_confidence = evidence.pred_probs[np.arange(len(evidence)), evidence.given_labels].astype(np.float64)
    error_probability = np.full(len(evidence), 0.0625)
    error_probability[[3, 7, 8]] = [0.75, 0.875, 0.75]
    posterior = Detection(
        label_quality=1 - error_probability,
        flagged=np.isin(np.arange(len(evidence)), [7, 8]),
        error_probability=error_probability,
        error_log_odds=logit(error_probability),
        wrong_labels=Range(float(error_probability.sum()), 2.0, 4.0),
        noise_matrix=np.eye(3),
    )
    leading = Detection(
        label_quality=self_confidence, flagged=np.isin(np.arange(len(evidence)), [3, 7]), notes=("a note",)
    )
    return Detections(
        leading="confident-learning",
        by_name={"confident-learning": leading, "noise-posterior": posterior},
        error_probability=error_probability,
        error_log_odds=logit(error_probability),
        wrong_labels=Range(float(error_probability.sum()), 2.0, 4.0),
        noise_matrix=np.eye(3),
    )
