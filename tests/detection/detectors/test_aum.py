import dataclasses

import numpy as np
from refusals import refuses
from tiny_run import evidence_of

from labelscan.detection.detectors import DETECTORS, needs_threshold_runs
from labelscan.detection.detectors.aum import FEW, Aum
from labelscan.detection.evidence import Evidence
from labelscan.errors import ConfigError


def of_runs(train_margin: np.ndarray, is_threshold: np.ndarray) -> Evidence:
    probs = np.full((len(train_margin), 2), 0.5, dtype=np.float32)
    margins = {"aum_train_margin": train_margin.astype(np.float32), "aum_is_threshold": is_threshold}
    return evidence_of(probs, np.zeros(len(probs)), **margins)


def by_hand() -> Evidence:
    """Return two runs that each relabel one example, so that its margin is the cut: 0 in the first, 1 in the second."""
    train_margin = np.array([[0, 5], [3, 1], [2, 3], [-2, -3], [4, 0.5], [-1, 3]])
    is_threshold = np.zeros((6, 2), dtype=bool)
    is_threshold[0, 0] = is_threshold[1, 1] = True
    return of_runs(train_margin, is_threshold)


def test_quality_is_the_distance_to_the_cut_in_deviations_and_no_run_judges_what_it_relabelled() -> None:
    detection = Aum().detect(by_hand())
    first = np.array([np.nan, 3, 2, -2, 4, -1]) / np.std([3, 2, -2, 4, -1])
    second = np.array([4, np.nan, 2, -4, -0.5, 2]) / np.std([5, 3, -3, 0.5, 3])
    distance = np.nanmean([first, second], axis=0)
    np.testing.assert_allclose(detection.label_quality, 1 / (1 + np.exp(-distance)), rtol=1e-6)
    np.testing.assert_array_equal(detection.flagged, [False, False, False, True, False, False])


def test_the_cut_is_a_percentile_of_the_relabelled_alone() -> None:
    generator = np.random.default_rng(0)
    train_margin = np.r_[generator.normal(8, 2, 800), generator.normal(0, 1, 200)][:, None].repeat(2, axis=1)
    is_threshold = np.zeros((1000, 2), dtype=bool)
    is_threshold[800:900, 0] = is_threshold[900:, 1] = True
    aum = train_margin.astype(np.float32).astype(np.float64)
    for percentile in (99.0, 50.0):
        cuts = np.percentile(aum[800:900, 0], percentile), np.percentile(aum[900:, 1], percentile)
        flagged = Aum(percentile).detect(of_runs(train_margin, is_threshold)).flagged
        np.testing.assert_array_equal(flagged[800:900], aum[800:900, 1] < cuts[1])
        np.testing.assert_array_equal(flagged[900:], aum[900:, 0] < cuts[0])
        assert abs(flagged[800:].mean() - percentile / 100) < 0.1
        assert flagged[:800].mean() < 0.02


def test_margins_that_are_all_the_same_flag_nothing() -> None:
    detection = Aum().detect(dataclasses.replace(by_hand(), aum_train_margin=np.ones((6, 2), dtype=np.float32)))
    np.testing.assert_array_equal(detection.label_quality, 0.5)
    assert not detection.flagged.any()


def test_a_cut_by_few_relabelled_examples_is_called_uncertain() -> None:
    assert "only 1 relabelled" in Aum().detect(by_hand()).notes[0]
    is_threshold = np.repeat(np.eye(3, 2, dtype=bool), FEW, axis=0)
    assert not Aum().detect(of_runs(np.ones((3 * FEW, 2)), is_threshold)).notes


def test_evidence_without_its_trainings_is_refused_with_what_to_do() -> None:
    with refuses(ConfigError, "needs-training"):
        Aum().detect(dataclasses.replace(by_hand(), aum_train_margin=None, aum_is_threshold=None))


def test_it_alone_asks_for_more_trainings() -> None:
    assert [name for name in DETECTORS if needs_threshold_runs(name)] == ["aum"]
    assert needs_threshold_runs("aum:95")
