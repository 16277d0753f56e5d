import numpy as np
import pandas as pd
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


def test_rows_in_three_copies_are_copies_and_rows_of_few_values_are_not():
    generator = np.random.default_rng(0)
    measured = generator.normal(size=(100, 8)).astype(np.float32)
    copied = number_equal_rows(np.tile(measured, (3, 1)))
    np.testing.assert_array_equal(copied.reshape(3, 100), np.tile(copied[:100], (3, 1)))
    assert len(np.unique(copied)) == 100
    mixed = pd.DataFrame({"weight": measured[:, 0], "kind": list("ab") * 50})
    assert len(np.unique(number_equal_rows(pd.concat([mixed] * 3, ignore_index=True)))) == 100
    assert len(np.unique(number_equal_rows(measured[[0, 1] * 6]))) == 12
    people = pd.DataFrame({"age": generator.integers(20, 80, 1000), "sex": generator.choice(["f", "m"], 1000)})
    assert len(np.unique(number_equal_rows(people))) == 1000
    grades = np.round(generator.uniform(1, 4, (1000, 1)), 1).astype(np.float32)
    assert len(np.unique(number_equal_rows(grades))) == 1000
    alike = generator.integers(3, size=(1000, 4)).astype(np.float32)
    assert len(np.unique(number_equal_rows(alike))) == 1000


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
