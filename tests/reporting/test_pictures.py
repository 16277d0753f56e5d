"""Pictures that fit into a page."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelscan.arrays import as_strings
from labelscan.images.sources import ImageArray, ImageFiles
from labelscan.reporting.pictures import LONGEST_SIDE, TOTAL_BYTES, make_pictures

MAX_PIXELS = 1_000_000


def noise(height, width, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels)).astype(np.uint8)


def pictures_of(folder: Path, *names: str, max_pixels=MAX_PIXELS):
    images = ImageFiles(folder, as_strings(names))
    return list(make_pictures(images, range(len(names)), max_pixels=max_pixels).values())


def opened(picture):
    return Image.open(io.BytesIO(base64.b64decode(picture.uri.partition("base64,")[2])))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiny_image_is_whole_to_the_pixel(channels):
    pixels = noise(8, 64, channels)
    picture = make_pictures(ImageArray(pixels[None]), [0], max_pixels=MAX_PIXELS)[0]
    assert (picture.tiny, picture.width, picture.height) == (True, 64, 8)
    with opened(picture) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_a_photo_is_scaled_to_fit_and_keeps_its_proportions(tmp_path):
    Image.new("RGB", (600, 300), (200, 30, 30)).save(tmp_path / "wide.jpg")
    (picture,) = pictures_of(tmp_path, "wide.jpg")
    assert (picture.tiny, picture.width, picture.height) == (False, LONGEST_SIDE, LONGEST_SIDE // 2)
    with opened(picture) as image:
        assert image.size == (picture.width, picture.height)


def test_a_rotated_photo_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100)).save(tmp_path / "turned.jpg", exif=exif)
    (picture,) = pictures_of(tmp_path, "turned.jpg")
    assert (picture.width, picture.height) == (100, 200)


def test_what_cannot_be_read_says_why_and_shifts_nothing(tmp_path):
    Image.new("L", (10, 10)).save(tmp_path / "good.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no image")
    Image.new("L", (2000, 1000)).save(tmp_path / "large.png")
    (tmp_path / "a folder").mkdir()
    names = ["gone.png", "good.png", "empty.png", "text.png", "large.png", "a folder"]
    gone, good, empty, text, large, folder = pictures_of(tmp_path, *names)
    assert good.width == 10
    assert (gone, empty, text, folder) == ("no such file", "not an image", "not an image", "not a file")
    assert "more than max_pixels" in large


@pytest.mark.parametrize(("n_shown", "side"), [(24, 64), (60, 64), (24, 300)])
def test_many_pictures_stay_within_the_budget_even_of_noise(n_shown, side):
    images = ImageArray(np.broadcast_to(noise(side, side), (n_shown, side, side, 3)))
    made = make_pictures(images, range(n_shown), max_pixels=MAX_PIXELS, total_bytes=TOTAL_BYTES // 10)
    assert len(made) == n_shown
    assert sum(len(one.uri) for one in made.values()) < TOTAL_BYTES // 10 * 1.36


def test_twelve_bits_in_a_file_of_sixteen_are_not_black(tmp_path):
    values = np.linspace(0, 4095, 80 * 80).reshape(80, 80).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "scan.png")
    Image.fromarray(values).save(tmp_path / "scan.tif")
    for picture in pictures_of(tmp_path, "scan.png", "scan.tif"):
        with opened(picture) as image:
            shades = np.asarray(image.convert("L"))
        assert shades.min() < 10
        assert shades.max() > 245
