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


def test_photos_are_moved_as_one_by_one():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 224, 224, 3), dtype=torch.uint8, generator=generator)
    moves = Augmentation(8, flip=True).draw(len(images), generator)
    assert torch.equal(moves.apply(images), one_by_one(images, moves))


def test_images_are_not_changed_in_place():
    images = torch.randint(0, 256, (8, 6, 6, 3), dtype=torch.uint8)
    before = images.clone()
    for augmentation in (NO_AUGMENTATION, Augmentation(2), Augmentation(2, flip=True), Augmentation(flip=True)):
        augmentation.draw(8, torch.Generator()).apply(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("shift", [0, 24])
def test_the_extreme_shifts_reach_all_that_was_added_around_an_image(shift):
    image = torch.arange(1, 13, dtype=torch.uint8).view(1, 3, 4, 1)
    moved = Moves(2, torch.tensor([shift]), None).apply(image)[0, :, :, 0]
    corner = torch.zeros(3, 4, dtype=torch.uint8)
    if shift == 0:
        corner[2:, 2:] = image[0, :1, :2, 0]
    else:
        corner[:1, :2] = image[0, 2:, 2:, 0]
    assert torch.equal(moved, corner)
