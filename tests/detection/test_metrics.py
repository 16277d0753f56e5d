import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from labelscan.detection.metrics import quality

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.booleans()), min_size=2, max_size=40)


@settings(max_examples=50)
@given(ROWS.filter(lambda rows: 0 < sum(error for _, _, error in rows) < len(rows)))
def test_values_are_those_of_scikit_learn(rows: list[tuple[bool, int, bool]]) -> None:
    flagged, sixths, label_errors = (np.array(column) for column in zip(*rows, strict=True))
    label_quality = sixths / 6
    result = quality(flagged, label_quality, label_errors)
    assert result.f1 == pytest.approx(sk.f1_score(label_errors, flagged, zero_division=0))
    assert result.precision == pytest.approx(sk.precision_score(label_errors, flagged, zero_division=0))
    assert result.recall == pytest.approx(sk.recall_score(label_errors, flagged))
    assert result.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(label_errors, flagged))
    assert result.auroc == pytest.approx(sk.roc_auc_score(label_errors, -label_quality))
    assert result.average_precision == pytest.approx(sk.average_precision_score(label_errors, -label_quality))


def test_precision_at_k_looks_at_as_many_as_there_are_errors_whatever_the_order_of_ties() -> None:
    label_errors = np.array([True, False, True, False, True])
    result = quality(np.zeros(5, dtype=bool), np.array([0.1, 0.2, 0.3, 0.4, 0.5]), label_errors)
    assert result.precision_at_k == pytest.approx(2 / 3)
    label_errors = np.array([True, False, True, False])
    tied = quality(np.zeros(4, dtype=bool), np.array([0.1, 0.5, 0.5, 0.5]), label_errors)
    turned = quality(np.zeros(4, dtype=bool), np.array([0.5, 0.5, 0.5, 0.1]), label_errors[::-1])
    assert tied.precision_at_k == turned.precision_at_k == pytest.approx((1 + 1 / 3) / 2)


def test_without_errors_or_with_nothing_else_the_ranking_has_no_value() -> None:
    result = quality(np.array([True, False]), np.array([0.1, 0.9]), np.zeros(2, dtype=bool))
    assert (result.f1, result.precision, result.recall, result.balanced_accuracy) == (0, 0, 0, 0.5)
    assert result.auroc is result.average_precision is result.precision_at_k is None
    result = quality(np.ones(2, dtype=bool), np.array([0.1, 0.9]), np.ones(2, dtype=bool))
    assert (result.f1, result.balanced_accuracy, result.auroc) == (1, 1, None)


def test_without_flags_precision_is_0() -> None:
    result = quality(np.zeros(2, dtype=bool), np.array([0.1, 0.9]), np.array([True, False]))
    assert (result.f1, result.precision, result.recall) == (0, 0, 0)
    assert result.auroc == 1
