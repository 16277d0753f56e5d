import numpy as np
import pytest

from labelscan.training.agreement import Agreement


def agreement(predicted: np.ndarray, given: np.ndarray) -> Agreement:
    return Agreement.of(predicted, given, int(max(predicted.max(), given.max())) + 1)


def test_chance_is_what_shuffled_labels_give() -> None:
    generator = np.random.default_rng(0)
    given = generator.choice(3, size=200, p=[0.7, 0.2, 0.1])
    predicted = generator.choice(3, size=200, p=[0.5, 0.2, 0.3])
    shares = [float(np.mean(generator.permutation(given) == predicted)) for _ in range(4000)]
    result = agreement(predicted, given)
    assert result.chance == pytest.approx(np.mean(shares), abs=0.002)
    assert result.deviation == pytest.approx(np.std(shares), rel=0.05)


def test_random_predictions_have_learned_nothing() -> None:
    given = np.repeat(np.arange(4), 100)
    shuffled = [np.random.default_rng(seed).permutation(given) for seed in range(200)]
    assert sum(agreement(predicted, given).learned_nothing for predicted in shuffled) > 185


def test_naming_the_largest_class_is_nothing_learned() -> None:
    given = np.repeat([0, 1], [95, 5])
    result = agreement(np.zeros(100, dtype=np.int64), given)
    assert result.learned_nothing
    assert result.share == result.chance == 0.95


def test_finding_a_rare_class_is_something_learned_also_below_the_share_of_the_largest() -> None:
    given = np.repeat([0, 1], [950, 50])
    predicted = given.copy()
    predicted[:60] = 1
    result = agreement(predicted, given)
    assert result.share < 0.95
    assert not result.learned_nothing


@pytest.mark.parametrize(("n_examples", "nothing"), [(1, True), (4, True), (8, False), (12, False), (5000, False)])
def test_right_predictions_count_once_there_are_enough_of_them(n_examples: int, nothing: bool) -> None:
    given = np.arange(n_examples) % 2
    assert agreement(given, given).learned_nothing == nothing


def test_predictions_that_are_worse_than_chance_have_learned_nothing() -> None:
    given = np.arange(100) % 2
    assert agreement(1 - given, given).learned_nothing
