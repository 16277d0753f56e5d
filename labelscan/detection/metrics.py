"""How well flags and ranking match errors that are known: what benchmarks, and runs with true labels, report."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from labelscan.arrays import LabelQuality, Mask


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionQuality:
    """Flags and ranking of one detector against the labels known to be wrong.

    What would divide by zero is 0 for the flags (precision without flags, recall without errors). The ranking
    has no value, None, where there is nothing to tell apart: no errors, or nothing but errors.
    """

    n_errors: int
    n_flagged: int
    f1: float
    precision: float
    recall: float
    balanced_accuracy: float
    """Mean of the shares of errors that are flagged and of right labels that are not; of those that exist."""
    auroc: float | None
    average_precision: float | None
    precision_at_k: float | None
    """Share of errors among the k most doubtful labels, k being the number of errors."""


def quality(flagged: Mask, label_quality: LabelQuality, label_errors: Mask) -> DetectionQuality:
    """Return how well one detector did.

    Args:
        flagged: (N,) what it takes for wrong.
        label_quality: (N,) in [0, 1], low is doubtful.
        label_errors: (N,) what is wrong.
    """
    n_errors, n_flagged = int(label_errors.sum()), int(flagged.sum())
    n_right = len(label_errors) - n_errors
    hits = int((flagged & label_errors).sum())
    recalls = [hits / n_errors] if n_errors else []
    recalls += [1 - (n_flagged - hits) / n_right] if n_right else []
    told_apart = n_errors > 0 and n_right > 0
    doubt = 1 - label_quality
    return DetectionQuality(
        n_errors=n_errors,
        n_flagged=n_flagged,
        f1=2 * hits / (n_errors + n_flagged) if n_errors + n_flagged else 0.0,
        precision=hits / n_flagged if n_flagged else 0.0,
        recall=hits / n_errors if n_errors else 0.0,
        balanced_accuracy=sum(recalls) / len(recalls) if recalls else 0.0,
        auroc=float(roc_auc_score(label_errors, doubt)) if told_apart else None,
        average_precision=float(average_precision_score(label_errors, doubt)) if told_apart else None,
        precision_at_k=_precision_at_k(label_quality, label_errors) if told_apart else None,
    )


def _precision_at_k(label_quality: LabelQuality, label_errors: Mask) -> float:
    """Return precision among as many labels as there are errors; equal qualities share the places that are left."""
    k = int(label_errors.sum())
    cut = np.partition(label_quality, k - 1)[k - 1]
    below, tied = label_quality < cut, label_quality == cut
    places = k - int(below.sum())
    hits = int((below & label_errors).sum()) + places * float(label_errors[tied].mean())
    return hits / k
