from itertools import product

import numpy as np
import pytest
import torch

from labelscan.training.augmentation import NO_AUGMENTATION, Augmentation
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.device import Device

CPU = Device("cpu")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(1, 256, (40, 6, 5, 3), dtype=np.uint8)


def stored(tmp_path, array, cache_bytes=2**20):
    np.save(tmp_path / "inputs.npy", array)
    return StoredInputs(tmp_path / "inputs.npy", cache_bytes)


def raw(batches, values):
    """Return model inputs as the stored values that they came from, (B, H, W, C)."""
    values = values.permute(0, 2, 3, 1) if values.ndim == 4 else values
    return ((values - batches.normalise.offset) / batches.normalise.gain).round()


def epoch(batches, index, batch_size=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return list(batches.training(torch.from_numpy(index), batch_size, generator))


def test_an_epoch_holds_every_training_example_once_and_no_other(tmp_path, images):
    index = np.arange(3, 33)
    batches = Batches(stored(tmp_path, images), index, CPU, NO_AUGMENTATION)
    seen = torch.cat([positions for positions, _ in epoch(batches, index)])
    assert sorted(seen.tolist()) == list(range(30))
    for positions, inputs in epoch(batches, index):
        np.testing.assert_array_equal(raw(batches, inputs), images[index[positions]])


@pytest.mark.parametrize("n_examples", [2, 3, 7, 8, 9, 17, 33])
@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_batches_are_of_nearly_equal_size_and_none_is_of_one_example(tmp_path, images, n_examples, batch_size):
    index = np.arange(n_examples)
    batches = Batches(stored(tmp_path, images), index, CPU, NO_AUGMENTATION)
    sizes = [len(positions) for positions, _ in epoch(batches, index, batch_size)]
    assert sum(sizes) == n_examples
    assert max(sizes) <= max(batch_size, 3)
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2


def test_chunks_smaller_than_the_epoch_give_the_same_examples(tmp_path, images):
    index = np.arange(40)
    batches = Batches(stored(tmp_path, images), index, CPU, NO_AUGMENTATION)
    batches.chunk = 16
    for positions, inputs in epoch(batches, index):
        np.testing.assert_array_equal(raw(batches, inputs), images[index[positions]])


def test_each_image_is_shifted_and_mirrored_by_its_own_draw_and_loses_nothing_else(tmp_path, images):
    index = np.arange(40)
    batches = Batches(stored(tmp_path, images), index, CPU, Augmentation(max_shift=2, flip=True))
    shifts, n_flipped = set(), 0
    for positions, inputs in epoch(batches, index):
        for position, moved in zip(positions.tolist(), raw(batches, inputs).numpy(), strict=True):
            sides = [np.pad(image, ((2, 2), (2, 2), (0, 0))) for image in (images[position], images[position][:, ::-1])]
            ((flipped, y, x),) = (
                place for place in product((0, 1), range(5), range(5)) if np.array_equal(moved, window(sides, *place))
            )
            shifts.add((y, x))
            n_flipped += flipped
    assert len(shifts) > 10
    assert 8 <= n_flipped <= 32


def window(sides, flipped, y, x):
    return sides[flipped][y : y + 6, x : x + 5]


def test_prediction_sees_each_image_as_it_is_first_then_moved_and_mirrored(tmp_path, images):
    batches = Batches(stored(tmp_path, images), np.arange(40), CPU, Augmentation(max_shift=2, flip=True))
    rows = torch.tensor([5, 3])
    (views,) = [list(views) for views in batches.views(rows, 8)]
    assert len(views) == 10
    np.testing.assert_array_equal(raw(batches, views[0]), images[[5, 3]])
    np.testing.assert_array_equal(raw(batches, views[5]), images[[5, 3]][:, :, ::-1])
    np.testing.assert_array_equal(raw(batches, views[1])[:, 1:], images[[5, 3]][:, :-1])


def test_inputs_are_normalised_by_the_training_examples_alone(tmp_path, images):
    images = images.copy()
    images[20:] = 255
    index = np.arange(20)
    batches = Batches(stored(tmp_path, images), index, CPU, NO_AUGMENTATION)
    inputs = torch.cat([values for _, values in epoch(batches, index)])
    torch.testing.assert_close(inputs.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(inputs.std(dim=(0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_a_feature_that_never_varies_stays_finite(tmp_path):
    features = np.c_[np.full(10, 7.0), np.arange(10)].astype(np.float32)
    batches = Batches(stored(tmp_path, features), np.arange(10), CPU, NO_AUGMENTATION)
    inputs = torch.cat([values for _, values in epoch(batches, np.arange(10))])
    assert torch.isfinite(inputs).all()
    assert (inputs[:, 0] == 0).all()


def test_a_feature_is_scaled_by_all_training_examples(tmp_path):
    features = np.zeros((20_000, 2), dtype=np.float32)
    features[1::4, 0] = 1000  # the same in every fourth row, and not elsewhere
    batches = Batches(stored(tmp_path, features), np.arange(20_000), CPU, NO_AUGMENTATION)
    assert 1 / batches.normalise.gain[0].item() == pytest.approx(features[:, 0].std(), rel=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_file_beyond_the_limit_is_read_by_rows_with_the_same_values(tmp_path, images, dtype):
    inputs = stored(tmp_path, images.astype(dtype), cache_bytes=1)
    rows = torch.tensor([4, 0, 39, 4])
    np.testing.assert_array_equal(inputs.take(rows), images[rows])
    assert inputs.take(rows).dtype == stored(tmp_path, images.astype(dtype)).take(rows).dtype


def test_a_copy_for_a_device_is_whole(tmp_path, images):
    copy = stored(tmp_path, images).copy_to(torch.device("cpu"), 7)
    np.testing.assert_array_equal(copy, images)
