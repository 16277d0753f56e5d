"""What stands out in the row of a table."""

import numpy as np
import pytest

from labelscan.data.inputs import FeatureTable
from labelscan.reporting.unusual_features import MOST_NOTES, UnusualFeatures


def test_a_value_is_measured_against_its_class_in_robust_deviations():
    generator = np.random.default_rng(0)
    features = generator.normal(0, 2, (2000, 2)).astype(np.float32)
    features[1000:] += 10
    features[:200] = 1e6  # a tenth of the class is nonsense, and what is usual hardly moves
    features[999] = [0.0, 9.9]
    labels = np.repeat([0, 1], 1000)
    note, usual = UnusualFeatures(FeatureTable(features, ("petal", "sepal")), labels).notes(999, given=0, suggested=1)
    assert (note.name, note.value) == ("sepal", 9.9)
    assert usual.name == "petal"
    assert abs(usual.deviations) < 1
    assert note.usual == pytest.approx(0.6, abs=0.4)
    assert note.usual_of_suggested == pytest.approx(10, abs=0.3)
    assert note.deviations == pytest.approx((9.9 - note.usual) / 2, rel=0.4)


def test_values_that_nearly_all_share_are_measured_too_and_constant_ones_are_left_out():
    features = np.zeros((100, 2), dtype=np.float32)
    features[7, 0] = -1
    (note,) = UnusualFeatures(FeatureTable(features), np.zeros(100, dtype=np.int64)).notes(7, given=0, suggested=0)
    assert note.name == "feature 0"
    assert note.deviations < -10
    (other,) = UnusualFeatures(FeatureTable(features), np.zeros(100, dtype=np.int64)).notes(8, given=0, suggested=0)
    assert (other.name, other.deviations) == ("feature 0", 0)


def test_the_strangest_come_first_and_no_more_than_can_be_read():
    features = np.random.default_rng(1).normal(size=(100, 20)).astype(np.float32)
    features[0] = np.linspace(-20, 10, 20)
    notes = UnusualFeatures(FeatureTable(features), np.zeros(100, dtype=np.int64)).notes(0, given=0, suggested=0)
    sizes = [abs(note.deviations) for note in notes]
    assert len(sizes) == MOST_NOTES
    assert sizes == sorted(sizes, reverse=True)
    assert notes[0].deviations < 0
