import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from labelscan.training.augmentation import NO_AUGMENTATION, Augmentation, Moves


def one_by_one(images, moves):
    """Return what ``moves`` make of the images, in a plain loop over them."""
    height, width = images.shape[1:3]
    padded = functional.pad(images, (0, 0, *4 * (moves.most,)))
    moved = images.clone()
    for row, image in enumerate(padded):
        if moves.shifts is not None:
            y, x = divmod(int(moves.shifts[row]), 2 * moves.most + 1)
            moved[row] = image[y : y + height, x : x + width]
        if moves.flipped is not None and moves.flipped[row]:
            moved[row] = moved[row].flip(1)
    return moved


@pytest.fixture
def images():
    return torch.randint(0, 256, (7, 12, 20, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 4])),
    augmentation=st.builds(Augmentation, st.integers(0, 9), st.booleans()),
    seed=st.integers(0, 2**32 - 1),
)
def test_images_moved_all_at_once_are_those_moved_one_by_one(shape, augmentation, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    moves = augmentation.draw(len(images), generator)
    assert torch.equal(moves.apply(images), one_by_one(images, moves))


def test_images_are_not_changed_in_place():
    images = torch.randint(0, 256, (8, 6, 6, 3), dtype=torch.uint8)
    before = images.clone()
    crop = Augmentation(flip=True, least_area=0.6)
    for augmentation in (NO_AUGMENTATION, Augmentation(2), Augmentation(2, flip=True), Augmentation(flip=True), crop):
        augmentation.draw(8, torch.Generator()).apply(images)
    assert torch.equal(images, before)


def cropped(images, *crops):
    """Return images enlarged from ``crops``: top, left, height and width of each, in pixels."""
    height, width = images.shape[1:3]
    shares = torch.tensor(crops, dtype=torch.float32) / torch.tensor([height, width, height, width])
    return Moves(0, None, None, shares).apply(images)


def test_a_crop_of_the_whole_is_the_image(images):
    assert torch.equal(cropped(images, *len(images) * [(0, 0, 12, 20)]), images)


def test_a_crop_is_enlarged_to_the_whole_size(images):
    crops = [(2, 3, 9, 15), (0, 5, 6, 10), (3, 0, 9, 20)]
    enlarged = cropped(images[:3], *crops)
    assert (enlarged.shape, enlarged.dtype) == (images[:3].shape, torch.uint8)
    for image, (top, left, height, width), found in zip(images, crops, enlarged, strict=False):
        crop = image[top : top + height, left : left + width].permute(2, 0, 1)[None].float()
        expected = functional.interpolate(crop, (12, 20), mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
        # At its border a crop still sees its neighbours in the image.
        torch.testing.assert_close(found[2:-2, 2:-2].float(), expected[2:-2, 2:-2], rtol=0, atol=0.51)


def test_each_image_has_its_own_crop_however_many_there_are(monkeypatch, images):
    augmentation = Augmentation(flip=True, least_area=0.6)
    moves = augmentation.draw(len(images), torch.Generator().manual_seed(0))
    whole = moves.apply(images)
    assert sum(torch.equal(one, other) for one, other in zip(whole, images, strict=True)) == 0
    monkeypatch.setattr("labelscan.training.augmentation.CROPPED_AT_A_TIME", 3)
    assert torch.equal(moves.apply(images), whole)
    row = slice(4, 5)
    assert torch.equal(Moves(0, None, moves.flipped[row], moves.crops[row]).apply(images[row]), whole[row])


def test_crops_lie_in_the_image_and_show_as_much_of_it_as_they_must():
    augmentation = Augmentation(least_area=0.6)
    top, left, height, width = augmentation.draw(10_000, torch.Generator().manual_seed(0)).crops.T
    assert min(top.min(), left.min()) >= 0
    assert max((top + height).max(), (left + width).max()) <= 1 + 1e-6
    assert 0.599 < (height * width).min() < 0.61
    assert (height * width).max() > 0.98
    assert 3 / 4 - 1e-6 <= (height / width).min() < 0.77
    assert 1.3 < (height / width).max() <= 4 / 3 + 1e-6
    assert np.corrcoef(top / (1 - height).clamp(min=1e-6), left / (1 - width).clamp(min=1e-6))[0, 1] < 0.05
