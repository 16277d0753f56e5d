import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.detection.aum_trainings import draw_threshold_examples, n_threshold
from labelscan.errors import DatasetError


@given(n_classes=st.integers(2, 30), more=st.integers(1, 200), seed=st.integers(0, 2**63 - 1))
def test_runs_relabel_as_many_as_an_average_class_has_and_none_twice(n_classes: int, more: int, seed: int) -> None:
    n_examples = n_classes + more
    is_threshold = draw_threshold_examples(n_examples, n_classes, seed=seed)
    assert is_threshold.shape == (n_examples, 2)
    assert is_threshold.sum(axis=0).tolist() == [n_examples // (n_classes + 1)] * 2
    assert not is_threshold.all(axis=1).any()
    np.testing.assert_array_equal(draw_threshold_examples(n_examples, n_classes, seed=seed), is_threshold)


def test_another_seed_draws_others() -> None:
    first, second = (draw_threshold_examples(200, 4, seed=seed) for seed in (0, 1))
    assert (first != second).any()


@pytest.mark.parametrize(("n_examples", "n_classes"), [(2, 2), (10, 10), (0, 2)])
def test_too_few_examples_are_refused(n_examples: int, n_classes: int) -> None:
    with pytest.raises(DatasetError, match="too few for aum"):
        draw_threshold_examples(n_examples, n_classes, seed=0)
    assert n_threshold(n_classes + 1, n_classes) == 1
