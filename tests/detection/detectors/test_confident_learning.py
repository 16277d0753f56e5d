import sys
import warnings
from typing import get_args

import cleanlab.filter
import numpy as np
import pytest
from refusals import refuses
from tiny_run import evidence_of

from labelscan.detection.detectors import DETECTORS, confident_learning
from labelscan.detection.detectors.confident_learning import PRUNING, ConfidentLearning, FilterBy
from labelscan.detection.evidence import Evidence
from labelscan.errors import ConfigError

FILTERS = get_args(FilterBy)


def an_evidence(n_examples: int = 300, n_classes: int = 6, seed: int = 0, absent: int | None = 3) -> Evidence:
    generator = np.random.default_rng(seed)
    true_labels = generator.integers(0, n_classes, n_examples)
    scores = 1.5 * generator.normal(size=(n_examples, n_classes)) + 3 * np.eye(n_classes)[true_labels]
    # Rounded, so that there are ties, which cleanlab breaks by position.
    scores = np.round(scores)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wrong = generator.random(n_examples) < 0.2
    given_labels = np.where(wrong, generator.integers(0, n_classes, n_examples), true_labels)
    given_labels[given_labels == absent] = 0
    return evidence_of(probs.astype(np.float32), given_labels)


def cleanlab_flags(evidence: Evidence, **options: object) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cleanlab.filter.find_label_issues(evidence.given_labels, evidence.pred_probs, n_jobs=1, **options)


@pytest.mark.parametrize("filter_by", FILTERS)
@pytest.mark.parametrize("absent", [None, 3])
@pytest.mark.parametrize("in_groups", [False, True])
def test_flags_are_exactly_those_of_cleanlab(monkeypatch, filter_by: FilterBy, absent: int | None, in_groups) -> None:
    if in_groups:
        monkeypatch.setattr(confident_learning, "GROUP_BYTES", 1)
    for seed in range(5):
        evidence = an_evidence(seed=seed, absent=absent)
        flagged = ConfidentLearning(filter_by).detect(evidence).flagged
        np.testing.assert_array_equal(flagged, cleanlab_flags(evidence, filter_by=filter_by))
        assert flagged.any()


def test_large_evidence_is_pruned_in_groups_of_at_least_two_classes_but_not_in_many(monkeypatch) -> None:
    monkeypatch.setattr(confident_learning, "GROUP_BYTES", 1)
    evidence, many = an_evidence(n_classes=7), an_evidence(300, 150, absent=None)
    assert len(list(confident_learning._groups(many.given_labels, many.pred_probs))) == 1, "each copies the joint"
    groups = list(confident_learning._groups(evidence.given_labels, evidence.pred_probs))
    assert len(groups) >= 3
    assert all(len(np.unique(evidence.given_labels[rows])) >= 2 for rows in groups)
    np.testing.assert_array_equal(np.sort(np.concatenate(groups)), np.arange(len(evidence)))


@pytest.mark.parametrize("filter_by", PRUNING)
def test_options_are_those_of_cleanlab(monkeypatch, filter_by: FilterBy) -> None:
    monkeypatch.setattr(confident_learning, "GROUP_BYTES", 1)
    evidence = an_evidence()
    detector = ConfidentLearning(filter_by, frac_noise=0.5, min_examples_per_class=30)
    expected = cleanlab_flags(evidence, filter_by=filter_by, frac_noise=0.5, min_examples_per_class=30)
    np.testing.assert_array_equal(detector.detect(evidence).flagged, expected)
    assert expected.sum() < ConfidentLearning(filter_by).detect(evidence).flagged.sum()


def test_a_share_for_a_filter_that_does_not_prune_is_refused_with_the_part() -> None:
    with refuses(ConfigError, "option-conflict", "detector confident-learning, option frac_noise"):
        DETECTORS.build("confident-learning:filter_by=confident_learning,frac_noise=0.5")


def test_label_quality_is_self_confidence() -> None:
    evidence = an_evidence()
    np.testing.assert_array_equal(ConfidentLearning().detect(evidence).label_quality, evidence.self_confidence)


def test_a_single_given_class_and_one_too_small_to_be_judged_are_no_error_but_said() -> None:
    evidence = an_evidence()
    for label in (0, 2):
        detection = ConfidentLearning().detect(evidence[evidence.given_labels == label])
        assert not detection.flagged.any()
        assert "one class" in detection.notes[0]
    keep = (evidence.given_labels != 2) | (np.cumsum(evidence.given_labels == 2) == 1)
    (note,) = ConfidentLearning().detect(evidence[keep]).notes
    assert note.endswith("classes 'class 2'")


def test_probabilities_rounded_above_1_are_accepted_and_no_copy_of_them_stays_behind() -> None:
    evidence = an_evidence()
    evidence.pred_probs[0] = np.eye(6)[0] * np.float32(1.004)
    assert ConfidentLearning("both").detect(evidence).label_quality.max() <= 1
    assert not hasattr(sys.modules["cleanlab.filter"], "pred_probs_by_class")
