import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from labelscan.data.duplicates import number_equal_rows


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2), elements=st.sampled_from([-0.0, 0.0, 1.0, 2.5, -1.0])))
def test_rows_have_the_same_number_when_they_are_equal_and_only_then(features):
    numbers = number_equal_rows(features)
    equal = (features[:, None] == features[None]).all(axis=2)
    np.testing.assert_array_equal(numbers[:, None] == numbers[None], equal)
