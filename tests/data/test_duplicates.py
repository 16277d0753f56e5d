import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from labelscan.data.dataset import make_dataset
from labelscan.data.duplicates import find_label_conflicts, number_equal_rows
from labelscan.data.inputs import FeatureTable


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2), elements=st.sampled_from([-0.0, 0.0, 1.0, 2.5, -1.0])))
def test_rows_have_the_same_number_when_they_are_equal_unless_that_is_chance(features):
    numbers = number_equal_rows(features)
    equal = (features[:, None] == features[None]).all(axis=2)
    few_values = 2 * len(np.unique(equal, axis=0)) < len(features)
    expected = np.eye(len(features), dtype=bool) if few_values else equal
    np.testing.assert_array_equal(numbers[:, None] == numbers[None], expected)


def test_only_equal_examples_with_different_labels_conflict():
    dataset = make_dataset(
        name="made",
        inputs=FeatureTable(np.zeros((6, 1), dtype=np.float32)),
        labels=list("abbaba"),
        example_ids=list("uvwxyz"),
        where=str,
        ids_depend_on_order=True,
    )
    conflicts = find_label_conflicts(dataset, np.array([5, 7, 7, 5, 5, 9]))
    assert conflicts == [[("u", "a"), ("x", "a"), ("y", "b")]]
