"""Means over seeds, their intervals and paired differences, against what is worked out by hand or by scipy."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from measured import DETECTORS, F1, LOSSES, NOISES, a_measurement, a_scoreboard
from scipy import stats
from tiny_run import a_dataset, an_evidence, detections_of

from labelscan.benchmarking.scoreboard import figure, judge
from labelscan.detection.metrics import quality


def averages_of(*measurements):
    return a_scoreboard(measurements=measurements).averages


def test_the_interval_of_a_mean_is_that_of_students_t():
    values = [0.5, 0.625, 0.875, 0.75]
    measurements = [a_measurement(seed=seed, f1=f1) for seed, f1 in enumerate(values)]
    row = a_scoreboard(measurements=measurements, seeds=range(4)).averages.iloc[0]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert row["f1"] == pytest.approx(np.mean(values))
    assert row["f1_interval"] == pytest.approx((high - low) / 2)
    assert row["f1_seeds"] == 4


def test_one_seed_has_a_mean_without_interval_and_none_has_nothing():
    row = averages_of(a_measurement(f1=0.75)).iloc[0]
    assert (row["f1"], row["f1_seeds"]) == (0.75, 1)
    assert math.isnan(row["f1_interval"])
    assert averages_of().empty
    assert a_scoreboard(measurements=()).to_json()["table"] == []


def test_what_people_read_has_three_decimals_and_an_interval_where_there_is_one():
    assert figure(0.93149, 0.0121) == "0.931 ± 0.012"
    assert figure(0.93149, math.nan) == "0.931"
    assert figure(0.0149, 0.002, sign="+") == "+0.015 ± 0.002"
    assert figure(-0.0001, 0.002, sign="+") == "+0.000 ± 0.002"


def test_a_difference_is_taken_seed_by_seed():
    measurements = (a_measurement(loss=loss, seed=seed, f1=f1) for loss in LOSSES for seed, f1 in enumerate(F1[loss]))
    first, second = averages_of(*measurements).to_dict("records")
    assert first["f1_difference_seeds"] == first["average_precision_difference_seeds"] == 0
    assert math.isnan(first["f1_difference"])
    differences = [a - b for a, b in zip(F1[LOSSES[1]], F1[LOSSES[0]], strict=True)]
    assert second["f1_difference"] == pytest.approx(np.mean(differences))
    assert second["f1_difference_interval"] == pytest.approx(stats.sem(differences) * stats.t.ppf(0.975, 2))
    # Far narrower than the interval of either loss: seeds differ more than losses do.
    assert second["f1_difference_interval"] < first["f1_interval"] / 1.5


def test_only_seeds_that_both_losses_have_enter_a_difference():
    table = averages_of(
        a_measurement(loss="ce", seed=0, f1=0.5),
        a_measurement(loss="ce", seed=1, f1=0.25),
        a_measurement(loss=LOSSES[1], seed=1, f1=0.75),
        a_measurement(loss=LOSSES[1], seed=2, f1=1.0),
    )
    row = table.iloc[1]
    assert (row["f1_difference"], row["f1_difference_seeds"]) == (0.5, 1)
    assert math.isnan(row["f1_difference_interval"])
    assert table["n_seeds"].tolist() == [2, 2]


@pytest.mark.parametrize("losses", [LOSSES[1:], LOSSES])
def test_a_loss_without_the_first_or_a_detector_that_trains_for_itself_has_no_difference(losses):
    measurements = [a_measurement(detector="aum:percentile=90", loss=loss) for loss in losses]
    if losses != LOSSES:
        measurements.append(a_measurement(loss=LOSSES[1]))
    table = a_scoreboard(measurements=measurements, detectors=("aum:percentile=90", DETECTORS[0])).averages
    assert set(table["f1_difference_seeds"]) == set(table["average_precision_difference_seeds"]) == {0}


def test_a_metric_without_value_in_one_seed_is_the_mean_of_the_others():
    row = averages_of(a_measurement(seed=0, ranking=None), a_measurement(seed=1, ranking=0.5)).iloc[0]
    assert (row["auroc"], row["auroc_seeds"]) == (0.5, 1)
    assert row["f1_seeds"] == 2
    unknown = a_scoreboard(measurements=[a_measurement(ranking=None)])
    assert unknown.to_json()["table"][0]["means"]["average_precision"] is None
    assert unknown.to_json()["measurements"][0]["auroc"] is None
    assert unknown.figures()["average_precision"].tolist() == ["-"]


def test_what_can_be_expected_of_detectors_is_a_mean_over_seeds_and_said_where_it_is_known():
    losses = (("ce", 0), ("ce", 1), ("blurry:gamma=0.4", 0))
    scoreboard = a_scoreboard(
        measurements=[a_measurement(loss=loss, seed=seed, ceiling=(0.5, 0.25)[seed]) for loss, seed in losses],
        planter="ridge",
    )
    assert scoreboard.note(NOISES[0]).startswith("planted by ridge;")
    assert scoreboard.note(NOISES[0]).endswith("no detector can be expected to reach more than F1 0.375")
    assert scoreboard.table["f1_ceiling"].tolist() == [0.375, 0.5]
    assert [row["f1_ceiling"] for row in scoreboard.to_json()["table"]] == [0.375, 0.5]
    assert a_scoreboard().note(NOISES[0]) == ""
    assert {row["f1_ceiling"] for row in a_scoreboard().to_json()["table"]} == {None}


def test_what_is_measured_is_the_quality_of_each_detector_against_the_true_labels():
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    true_labels = dataset.true_labels[evidence.index]
    detections = detections_of(evidence).by_name
    measured = judge(detections, evidence, true_labels, noise="pair:0.1", loss="ce", seed=3, fold_seconds=1.5)
    label_errors = true_labels != evidence.given_labels
    assert label_errors.sum() == 2
    for one in measured:
        detection = detections[one["detector"]]
        expected = asdict(quality(detection.flagged, detection.label_quality, label_errors))
        assert {name: one[name] for name in expected} == expected
        assert one["out_of_fold_accuracy"] == pytest.approx(9 / 10)  # row 8 is taken for another class
        assert (one["noise"], one["loss"], one["seed"], one["fold_seconds"]) == ("pair:0.1", "ce", 3, 1.5)
    assert [one["detector"] for one in measured] == ["confident-learning", "noise-posterior"]
    assert measured[0]["f1"] == 1.0


def test_the_tables_have_a_number_in_every_column_but_the_names():
    table, measured = a_scoreboard().table, a_scoreboard().measurements
    assert list(zip(table["noise"], table["detector"], table["loss"], strict=True)) == [
        (noise, detector, loss) for noise in NOISES for detector in DETECTORS for loss in LOSSES
    ]
    assert len(measured) == 20
    for frame in (table, measured):
        assert set(frame.select_dtypes(exclude="number").columns) == {"noise", "detector", "loss"}
