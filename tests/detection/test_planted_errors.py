"""Errors planted on labels judged right: how many, where, and in which shape."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_run import a_dataset, evidence_of

from labelscan.detection.estimates import Range
from labelscan.detection.evidence import Evidence
from labelscan.detection.planted_errors import PlantedErrors, count_wanted, noise_shape, plant_errors
from labelscan.detection.protocol import Detection, Detections

MATRIX = np.array([[0.8, 0.1, 0.0], [0.2, 0.9, 0.0], [0.0, 0.0, 1.0]])
"""Classes 0 and 1 are taken for each other; nobody errs about class 2."""


def planted_in(counts, matrix, *, rate=0.02, seed=0, flagged=None, alone=None) -> tuple[Evidence, PlantedErrors]:
    """Plant errors in so many labels of each class; every other row of the data set got no score."""
    n, flagged = sum(counts), flagged or {"confident-learning": [], "noise-posterior": []}
    probs = np.full((n, len(counts)), 1 / len(counts), dtype=np.float32)
    evidence = evidence_of(probs, np.repeat(np.arange(len(counts)), counts), index=2 * np.arange(n))
    detections = Detections(
        leading="confident-learning",
        by_name={
            name: Detection(label_quality=np.ones(n), flagged=np.isin(np.arange(n), rows))
            for name, rows in flagged.items()
        },
        error_probability=np.zeros(n),
        error_log_odds=np.zeros(n),
        wrong_labels=Range(0.0, 0.0, 0.0),
        noise_matrix=matrix,
    )
    alone = np.ones(n, dtype=bool) if alone is None else alone
    return evidence, plant_errors(evidence, detections, alone=alone, rate=rate, seed=seed)


def pairs_of(evidence: Evidence, planted: PlantedErrors) -> np.ndarray:
    pairs = np.zeros((len(evidence.class_names),) * 2, dtype=int)
    np.add.at(pairs, (planted.labels, evidence.given_labels[planted.index // 2]), 1)
    return pairs


@pytest.mark.parametrize(("rate", "n", "count"), [(0.02, 10_000, 200), (0.02, 1000, 50), (0.1, 300, 30), (0.02, 9, 0)])
def test_at_least_fifty_are_planted_where_a_tenth_of_the_labels_is_more(rate, n, count):
    assert count_wanted(rate, n) == count


def test_the_shape_is_what_the_matrix_expects_of_so_many_examples_and_a_little_of_everything():
    shape = noise_shape(np.array([[0.8, 0.1], [0.2, 0.9]]), np.array([10, 30]))
    # 3 of the 30 and 2 of the 10 are wrong; spread evenly, three quarters would be among the 30.
    assert shape == pytest.approx(np.array([[0, 0.99 * 0.6 + 0.01 * 0.75], [0.99 * 0.4 + 0.01 * 0.25, 0]]))


def test_without_estimated_errors_the_shape_is_uniform():
    uniform = np.array([[0, 10, 20], [10, 0, 20], [10, 10, 0]]) / 80
    assert noise_shape(np.eye(3), np.array([10, 10, 20])) == pytest.approx(uniform)


def test_planted_errors_have_the_shape_of_the_estimated_noise():
    evidence, planted = planted_in((2000, 2000, 2000), MATRIX, rate=0.03)
    pairs = pairs_of(evidence, planted)
    assert len(planted) == 180
    assert pairs[1, 0] == pytest.approx(0.99 * 120, abs=2)
    assert pairs[0, 1] == pytest.approx(0.99 * 60, abs=2)
    assert pairs.sum() - pairs[1, 0] - pairs[0, 1] <= 4


def test_what_a_full_class_cannot_take_goes_to_others():
    evidence, planted = planted_in((40, 1000, 1000), MATRIX, rate=0.05)
    pairs = pairs_of(evidence, planted)
    # A tenth of 40 moves out of class 0 and as many into it; the rest is what the uniform part is there for.
    assert pairs[:, 0].sum() == 4
    assert pairs[0].sum() <= 5
    assert len(planted) == pytest.approx(102, abs=1)


def test_flagged_labels_and_copies_are_left_alone():
    flagged = {"confident-learning": list(range(0, 300, 3)), "noise-posterior": list(range(1, 300, 3))}
    alone = np.arange(300) % 2 == 0
    _, planted = planted_in((100, 100, 100), MATRIX, flagged=flagged, alone=alone)
    assert 25 <= len(planted) <= 30  # the classes are full
    chosen = planted.index // 2
    assert (chosen % 3 == 2).all()
    assert alone[chosen].all()


def test_where_nothing_is_judged_right_nothing_is_planted():
    everything = {"confident-learning": list(range(60)), "noise-posterior": []}
    assert len(planted_in((20, 20, 20), MATRIX, flagged=everything)[1]) == 0
    assert len(planted_in((9, 9, 9), MATRIX)[1]) == 0


def test_the_seed_decides_which():
    one, again, other = (planted_in((100, 100, 100), MATRIX, seed=seed)[1] for seed in (0, 0, 1))
    assert (one.index == again.index).all()
    assert (one.labels == again.labels).all()
    assert set(one.index) != set(other.index)


@given(
    counts=st.lists(st.integers(1, 200), min_size=2, max_size=5),
    rate=st.floats(0.001, 0.1),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_planted_label_is_wrong_and_no_class_is_swamped(counts, rate, seed):
    generator = np.random.default_rng(seed)
    matrix = generator.dirichlet(np.full(len(counts), 0.3), len(counts)).T
    evidence, planted = planted_in(tuple(counts), matrix, rate=rate, seed=seed)
    pairs = pairs_of(evidence, planted)
    assert set(planted.index) <= set(evidence.index)
    assert (np.diff(planted.index) > 0).all()
    assert not pairs.diagonal().any()
    assert (pairs.sum(axis=0) <= np.array(counts) // 10).all()
    assert (pairs.sum(axis=1) <= np.array(counts) // 10 + len(counts)).all()
    assert len(planted) <= count_wanted(rate, len(evidence))


def test_planted_labels_are_put_in_place_and_written(tmp_path):
    dataset = replace(a_dataset(), given_labels=np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]))
    planted = PlantedErrors(np.array([1, 8]), np.array([2, 0]))
    assert planted.in_place(dataset.given_labels).tolist() == [0, 2, 0, 0, 1, 1, 1, 1, 0, 2, 2, 2]
    planted.write(tmp_path / "planted.csv", dataset)
    expected = "example_id,given_label,planted_label\n01.png,cat,fox\n08.png,fox,cat\n"
    assert (tmp_path / "planted.csv").read_text() == expected
