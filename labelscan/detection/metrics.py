"""Metrics of flags and ranking against known errors, for benchmarks and runs with true labels."""

from dataclasses import dataclass

import numpy as np

from labelscan.arrays import LabelQuality, Mask


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionQuality:
    """Metrics of one detector's flags and ranking against the labels known to be wrong.

    Where a metric of the flags would divide by zero it is 0: precision without flags, recall without errors. Those of
    the ranking are None where there is nothing to tell apart: no errors, or nothing but errors.
    """

    n_errors: int
    n_flagged: int
    f1: float
    precision: float
    recall: float
    balanced_accuracy: float
    """Mean of the share of errors that are flagged and the share of right labels that are not."""
    auroc: float | None
    average_precision: float | None
    precision_at_k: float | None
    """Share of errors among the k labels most likely wrong, k being the number of errors."""


def quality(flagged: Mask, label_quality: LabelQuality, label_errors: Mask) -> DetectionQuality:
    """Return the metrics of one detector; ``label_errors`` are the labels known to be wrong."""
    from sklearn.metrics import average_precision_score, roc_auc_score  # a second that readers of a run need not wait

    n_errors, n_flagged = int(label_errors.sum()), int(flagged.sum())
    n_right = len(label_errors) - n_errors
    hits = int((flagged & label_errors).sum())
    recalls = [hits / n_errors] if n_errors else []
    recalls += [1 - (n_flagged - hits) / n_right] if n_right else []
    is_mixed = n_errors > 0 and n_right > 0
    error_score = 1 - label_quality
    return DetectionQuality(
        n_errors=n_errors,
        n_flagged=n_flagged,
        f1=2 * hits / (n_errors + n_flagged) if n_errors + n_flagged else 0.0,
        precision=hits / n_flagged if n_flagged else 0.0,
        recall=hits / n_errors if n_errors else 0.0,
        balanced_accuracy=sum(recalls) / len(recalls) if recalls else 0.0,
        auroc=float(roc_auc_score(label_errors, error_score)) if is_mixed else None,
        average_precision=float(average_precision_score(label_errors, error_score)) if is_mixed else None,
        precision_at_k=_precision_at_k(label_quality, label_errors) if is_mixed else None,
    )


def _precision_at_k(label_quality: LabelQuality, label_errors: Mask) -> float:
    """Return precision among as many labels as there are errors; tied labels share the last places."""
    k = int(label_errors.sum())
    cut = np.partition(label_quality, k - 1)[k - 1]
    below, tied = label_quality < cut, label_quality == cut
    places = k - int(below.sum())
    hits = int((below & label_errors).sum()) + places * float(label_errors[tied].mean())
    return hits / k
