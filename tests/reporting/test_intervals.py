"""How many labels are wrong and how many flags are right, with ranges."""

import numpy as np
import pytest
from finished import ERROR_PROBABILITY, a_run

from labelscan.reporting.intervals import estimate_flagged_precision, estimate_wrong_labels

SURE = np.array(ERROR_PROBABILITY[:9])
CHECK = {
    "precision": {"estimate": 0.75, "low": 0.5, "high": 1.0},
    "wrong_labels_left": {"estimate": 2.0, "low": 1.0, "high": None},
}
TRUTH = {"n_label_errors": 5, "quality": {"noise-posterior": {"precision": 0.75}, "confident-learning": {}}}


def test_the_count_is_the_sum_of_error_probabilities_and_chance_is_that_of_coins():
    one = estimate_wrong_labels(a_run(summary={"flagged_by": {"noise-posterior": 4}}))
    generator = np.random.default_rng(0)
    counts = (generator.random((20_000, len(SURE))) < SURE).sum(axis=1)
    assert one.estimate == pytest.approx(SURE.sum()) == pytest.approx(counts.mean(), abs=0.02)
    assert one.high - one.estimate == pytest.approx(1.96 * counts.std(), abs=0.03)
    assert one.estimate - one.low == pytest.approx(one.high - one.estimate)
    assert "confident-learning" not in one.basis


def test_the_range_spans_what_confident_learning_counts():
    alone = estimate_wrong_labels(a_run(summary={"flagged_by": {"noise-posterior": 4}}))
    both = estimate_wrong_labels(a_run())
    assert both.low == pytest.approx(3 - (alone.estimate - alone.low))
    assert both.high == alone.high
    assert both.basis == (
        "The sum of all error probabilities; the range also spans the 3 that confident-learning counts. "
        "Errors that look right to the models are in neither."
    )
    assert alone.basis == "The sum of all error probabilities. Errors that look right to the models are not in it."


def test_another_rule_of_confident_learning_counts_nothing():
    run = a_run(summary={"detector": "confident-learning:filter_by=both"})
    assert "counts" not in estimate_wrong_labels(run).basis


def test_no_range_exceeds_what_is_possible():
    one = estimate_wrong_labels(a_run(summary={"flagged_by": {"confident-learning": 9}}))
    assert (one.low, one.high) == (pytest.approx(4 - (one.estimate - one.low) - (4 - one.estimate)), 9.0)
    none = estimate_wrong_labels(a_run(summary={"flagged_by": {"confident-learning": 0}}))
    assert none.low == 0.0


def test_precision_goes_down_to_what_all_detectors_flag():
    one = estimate_flagged_precision(a_run(summary={"flagged_by_all": 1}))
    assert one is not None
    assert one.estimate == pytest.approx(0.85)
    assert one.low == 0.25
    assert 0.85 < one.high <= 1.0
    assert "down to the 25 % that all detectors flag" in one.basis
    assert not one.measured


def test_detectors_that_agree_on_more_than_the_estimate_widen_nothing():
    one, other = (estimate_flagged_precision(a_run(summary={"flagged_by_all": count})) for count in (4, 3))
    assert one.low == pytest.approx(0.85 - 1.96 * np.sqrt(0.09 + 0.16 + 0.21) / 4, abs=1e-4)
    assert "all detectors" not in one.basis
    assert (other.low, other.basis) == (one.low, one.basis), "75 % is within the range of chance"


def test_a_self_check_replaces_the_estimates():
    run = a_run(summary={"self_check": CHECK})
    precision, count = estimate_flagged_precision(run), estimate_wrong_labels(run)
    assert (precision.estimate, precision.low, precision.high) == (0.75, 0.5, 1.0)
    assert (count.estimate, count.low, count.high) == (5.0, 3.0, 9.0)
    assert "self-check" in precision.basis
    assert precision.measured
    assert count.measured
    assert "add up to 4" in count.basis


def test_a_self_check_without_a_result_replaces_nothing():
    unknown = {"estimate": None, "low": None, "high": None}
    run = a_run(summary={"self_check": {"precision": unknown, "wrong_labels_left": unknown}})
    assert estimate_wrong_labels(run) == estimate_wrong_labels(a_run())


def test_true_labels_are_reported_too():
    run = a_run(summary={"against_truth": TRUTH})
    assert "5 labels are known to be wrong" in estimate_wrong_labels(run).basis
    assert "75 % are known to be right" in estimate_flagged_precision(run).basis


def test_without_flags_there_is_no_precision():
    run = a_run()
    run.issues.scores["flagged"] = False
    assert estimate_flagged_precision(run) is None


@pytest.mark.parametrize("summary", [{}, {"flagged_by_all": 1}, {"self_check": CHECK}])
def test_how_it_is_known_is_short_and_said_once(summary):
    run = a_run(summary=summary)
    bases = [estimate_wrong_labels(run).basis, estimate_flagged_precision(run).basis]
    assert all(len(basis.split()) <= 25 for basis in bases)
    assert "--self-check" not in " ".join(bases), "score has none"
    sentences = " ".join(bases).replace("Measured by the self-check; ", "").removesuffix(".").split(". ")
    assert len(set(sentences)) == len(sentences)
