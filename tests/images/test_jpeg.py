"""JPEG files are decoded as Pillow decodes them, and damaged ones are refused as Pillow refuses them."""

import io

import numpy as np
import pytest
from PIL import Image

from labelscan.images import decoding
from labelscan.images.decoding import ImageShape, pixels_of, quiet_pillow
from labelscan.images.jpeg import decode_jpeg
from labelscan.images.sources import UnreadableImage

KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "all colour": {"subsampling": 0},
    "own tables": {"optimize": True},
    "rgb": {"keep_rgb": True},
}


def photo(mode="RGB", size=(333, 250), **options):
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def by_pillow_alone(content, shape, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "decode_jpeg", lambda *_, **__: None)
        return outcome(content, shape)


def outcome(content, shape):
    """Return the pixels of an image, or the reason why there are none."""
    try:
        with quiet_pillow():
            return pixels_of(content, shape, max_pixels=10**6)
    except UnreadableImage as error:
        return str(error)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_pixels_are_those_of_pillow_at_every_scale(mode, kind, scale):
    options = KINDS[kind] if mode == "RGB" else {key: value for key, value in KINDS[kind].items() if key != "keep_rgb"}
    content = photo(mode, **options)
    image = Image.open(io.BytesIO(content))
    size = image.size
    image.draft(None, (size[0] // scale, size[1] // scale))
    pixels = decode_jpeg(content, image.mode, size=size, scaled=image.size)
    assert image.size == (-(-size[0] // scale), -(-size[1] // scale))
    difference = np.abs(pixels.squeeze().astype(int) - np.asarray(image).astype(int))
    assert difference.mean() < 0.1
    assert difference.max() <= 4


def test_a_sound_jpeg_is_not_decoded_by_pillow(monkeypatch):
    def refuse(image, **_):
        raise AssertionError(image)

    monkeypatch.setattr(decoding, "decode", refuse)
    for size in ((333, 250), (1000, 800)):
        for mode in ("L", "RGB"):
            assert isinstance(outcome(photo(mode, size), ImageShape(40, 40, 3)), np.ndarray)


def test_ink_and_what_pillow_sees_in_another_size_or_mode_is_left_to_it(monkeypatch):
    ink, size, shape = photo("CMYK"), (333, 250), ImageShape(40, 40, 3)
    assert decode_jpeg(ink, "CMYK", size=size, scaled=size) is None
    np.testing.assert_array_equal(outcome(ink, shape), by_pillow_alone(ink, shape, monkeypatch))
    assert decode_jpeg(photo(), "RGB", size=size, scaled=size).shape == (250, 333, 3)
    assert decode_jpeg(photo(), "RGB", size=(20, 20), scaled=(20, 20)) is None
    assert decode_jpeg(photo(), "L", size=size, scaled=size) is None


@pytest.mark.parametrize("kind", ["plain", "progressive"])
def test_damage_has_the_outcome_that_it_has_with_pillow_alone(kind, monkeypatch):
    content, shape, generator = photo(**KINDS[kind]), ImageShape(20, 20, 3), np.random.default_rng(0)
    n_refused = 0
    for number in range(120):
        damaged = bytearray(content)
        if number % 3 == 0:
            del damaged[generator.integers(len(content)) :]
        else:
            place = generator.integers(700 if number % 3 == 1 else len(content))  # the tables are at the beginning
            damaged[place] ^= generator.integers(1, 256)
        found, expected = outcome(bytes(damaged), shape), by_pillow_alone(bytes(damaged), shape, monkeypatch)
        n_refused += isinstance(expected, str)
        if isinstance(expected, str):
            assert found == expected
        else:
            assert np.abs(found.astype(int) - expected).mean() < 1
    assert 12 < n_refused < 108
