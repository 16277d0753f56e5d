"""The estimates of a self-check, against numbers worked out by hand."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta
from tiny_run import a_dataset, a_status, an_evidence, detections_of

from labelscan.detection.planted_errors import PlantedErrors
from labelscan.detection.self_check import (
    LIMITS,
    UNKNOWN,
    Estimate,
    estimate_left,
    estimate_precision,
    estimate_recall,
    judge_by_planted,
)
from labelscan.results.issues import rank_issues
from labelscan.results.summary import summarise


def test_recall_has_the_exact_interval_and_even_where_all_are_found_some_may_be_missed():
    recall = estimate_recall(45, 50)
    assert recall.estimate == 0.9
    assert (recall.low, recall.high) == pytest.approx((beta.ppf(0.025, 45, 6), beta.ppf(0.975, 46, 5)))
    recall = estimate_recall(10, 10)
    assert (recall.estimate, recall.high) == (1, 1)
    assert recall.low == pytest.approx(0.025**0.1)
    assert estimate_recall(0, 0) == UNKNOWN


def test_precision_counts_the_suspects_as_evident_as_two_fifths_of_the_planted_errors():
    of_found = np.linspace(0.91, 1, 10)  # 4 of the 10 are at least .97
    of_suspects = np.r_[np.full(12, 0.98), np.full(28, 0.6)]  # 12 of the 40 are
    precision = estimate_precision(of_found, of_suspects)
    assert precision.estimate == pytest.approx((12 / 40) / (4 / 10))
    centre = math.log((12.5 / 41) / (4.5 / 11))
    spread = 1.959964 * math.sqrt(1 / 12.5 - 1 / 41 + 1 / 4.5 - 1 / 11)
    assert precision.low == pytest.approx(math.exp(centre - spread))
    assert precision.high == pytest.approx(min(1, math.exp(centre + spread)))


def test_precision_is_never_outside_of_what_can_be():
    above = estimate_precision(np.full(20, 0.9), np.full(50, 0.99))
    assert above.low < above.estimate == above.high == 1
    assert estimate_precision(np.ones(30), np.ones(10)).estimate == 1, "equal ones are counted on both sides"
    below = estimate_precision(np.full(20, 0.99), np.full(50, 0.5))
    assert below.low == below.estimate == 0 < below.high < 0.2
    for found, suspects in ((0, 5), (5, 0)):
        assert estimate_precision(np.ones(found), np.ones(suspects)) == UNKNOWN


def test_what_is_left_is_what_the_found_share_leaves():
    recall = Estimate(estimate=0.8, low=0.5, high=0.9)
    precision = Estimate(estimate=0.75, low=0.6, high=0.9)
    left = estimate_left(recall, precision, n_flagged=200, n_not_flagged=1000)
    assert left.estimate == pytest.approx(150 * 0.25)
    assert left.low == pytest.approx(120 / 9)
    assert left.high == pytest.approx(180)


def test_no_more_can_be_wrong_than_is_not_flagged_and_without_recall_nothing_is_known():
    half = Estimate(estimate=0.5, low=0.0, high=0.9)
    sure = Estimate(estimate=1.0, low=1.0, high=1.0)
    left = estimate_left(half, sure, n_flagged=200, n_not_flagged=50)
    assert (left.estimate, left.high) == (50, None)
    assert estimate_left(replace(half, estimate=0.0), sure, n_flagged=9, n_not_flagged=9) == UNKNOWN
    assert estimate_left(half, UNKNOWN, n_flagged=9, n_not_flagged=9) == UNKNOWN


def checked(planted_rows):
    """Compare two runs of the tiny data: the second flags rows 3 (error probability .75) and 7 (.875)."""
    evidence = an_evidence(a_dataset())
    detections = detections_of(evidence)
    planted = PlantedErrors(np.array(planted_rows), np.zeros(len(planted_rows), dtype=np.int64))
    return judge_by_planted(planted, (evidence, detections), (evidence, detections), folder="self-check")


def test_the_runs_are_compared_row_by_row():
    check = checked([3, 5, 11])  # row 11 got no score
    assert (check.n_planted, check.n_found) == (2, 1)
    assert check.recall.estimate == 0.5
    assert check.precision.estimate == 1  # the one suspect is more evident than the planted error that was found
    assert check.expected_precision == pytest.approx((0.75 + 0.875) / 2)
    assert check.wrong_labels_left.estimate == pytest.approx(2 * 1 * 0.5 / 0.5)
    assert (check.limits, check.folder) == (LIMITS, "self-check")


def test_both_difficulties_are_reported():
    check = checked([3, 5])
    assert (check.planted.count, check.planted_and_found.count, check.suspects.count) == (2, 1, 1)
    assert check.planted.self_confidence[2] == pytest.approx((0.0625 + 0.75) / 2)
    assert check.planted_and_found.self_confidence == pytest.approx([0.0625] * 5)
    assert check.planted_and_found.max_probability == pytest.approx([0.875] * 5)
    assert check.suspects.self_confidence == pytest.approx([0.125] * 5)
    assert check.suspects.error_probability == pytest.approx([0.875] * 5)
    assert check.planted.histogram == (0, 0, 0.5, 0, 0.5)
    assert check.suspects.histogram == (0, 0, 1, 0, 0)
    assert check.planted_easier == 1  # .0625 against .125
    assert checked([7]).planted_easier == 0


def test_summary_json_holds_the_check(golden):
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    detections = detections_of(evidence)
    issues = rank_issues(dataset, evidence, detections, a_status())
    summary = summarise(dataset, evidence, detections, issues, a_status())
    assert summary.to_json()["self_check"] is None
    content = replace(summary, self_check=checked([3, 5])).to_json()["self_check"]
    golden("self-check.json", json.dumps(content, indent=2) + "\n")


def test_where_no_planted_error_is_found_nothing_is_compared():
    check = checked([5])
    assert check.recall.estimate == 0
    assert check.precision == check.wrong_labels_left == UNKNOWN
    assert check.planted_easier is None
    assert check.planted_and_found.self_confidence == check.planted_and_found.histogram == ()
