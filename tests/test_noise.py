import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.errors import ConfigError
from labelscan.noise import NOISES, plant

BALANCED = np.repeat(np.arange(10), 50)


@pytest.mark.parametrize("name", sorted(NOISES))
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.29, 0.5, 0.9])
def test_every_class_loses_its_share(name: str, rate: float) -> None:
    given_labels = plant(BALANCED, 10, f"{name}:{rate}", seed=1)
    lost = np.bincount(BALANCED[given_labels != BALANCED], minlength=10)
    assert given_labels.dtype == np.int64
    assert lost.sum() == round(rate * 500)
    assert np.abs(lost - rate * 50).max() < 1


@given(
    labels=st.lists(st.integers(0, 6), max_size=80),
    rate=st.floats(0, 0.99),
    name=st.sampled_from(sorted(NOISES)),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_total_is_exact_within_rounding(labels: list[int], rate: float, name: str, seed: int) -> None:
    true_labels = np.array(labels, dtype=np.int64)
    given_labels = plant(true_labels, 7, f"{name}:{rate!r}", seed)
    label_errors = given_labels != true_labels
    assert abs(label_errors.sum() - rate * len(labels)) <= 0.5 + 1e-9
    assert ((given_labels >= 0) & (given_labels < 7)).all()
    for label in range(7):
        members = true_labels == label
        assert abs(label_errors[members].sum() - rate * members.sum()) < 1 + 1e-9


def test_many_small_classes_still_get_errors() -> None:
    true_labels = np.repeat(np.arange(100), 4)
    assert (plant(true_labels, 100, "symmetric:0.1", seed=0) != true_labels).sum() == 40


def test_symmetric_errors_go_to_every_other_class_alike() -> None:
    true_labels = np.full(30_000, 2)
    given_labels = plant(true_labels, 4, "symmetric:0.9", seed=3)
    counts = np.bincount(given_labels, minlength=4)
    assert counts[2] == 3_000
    assert np.abs(counts[[0, 1, 3]] - 9_000).max() < 400


def test_pair_errors_go_to_the_next_class() -> None:
    given_labels = plant(BALANCED, 10, "pair:0.2", seed=0)
    wrong = given_labels != BALANCED
    np.testing.assert_array_equal(given_labels[wrong], (BALANCED[wrong] + 1) % 10)


def test_the_same_seed_plants_the_same_errors_and_another_seed_others() -> None:
    first = plant(BALANCED, 10, "symmetric:0.3", seed=5)
    np.testing.assert_array_equal(first, plant(BALANCED, 10, "symmetric:rate=0.3", seed=5))
    assert (first != plant(BALANCED, 10, "symmetric:0.3", seed=6)).any()


def test_the_true_labels_stay_as_they_are() -> None:
    before = BALANCED.copy()
    plant(BALANCED, 10, "symmetric:0.5", seed=0)
    np.testing.assert_array_equal(BALANCED, before)


@pytest.mark.parametrize(
    "text", ["symmetric:1", "symmetric:-0.1", "pair:20", "pair:inf", "symmetric:ten", "symetric:0.1"]
)
def test_a_noise_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        plant(BALANCED, 10, text, seed=0)


def test_a_single_class_has_no_other_to_move_to() -> None:
    with pytest.raises(ConfigError, match="1 class"):
        plant(np.zeros(4, dtype=np.int64), 1, "symmetric:0.5", seed=0)
