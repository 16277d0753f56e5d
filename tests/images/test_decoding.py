"""Every kind of image that real folders hold, decoded; and every kind of damage, named."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from labelscan.images.decoding import ImageShape, is_grey, pixels_of, quiet_pillow, resize
from labelscan.images.sources import UnreadableImage

RED = ImageShape(6, 6, 3)
GREY = ImageShape(6, 6, 1)


def encode(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(content, shape=RED, max_pixels=10**6):
    with quiet_pillow():
        return pixels_of(content, shape, max_pixels=max_pixels)


def why_unreadable(content, **options):
    with pytest.raises(UnreadableImage) as caught:
        decoded(content, **options)
    return str(caught.value)


def noise_image(mode="RGB", size=(64, 48)):
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "GIF"])
def test_a_red_image_is_red_in_every_lossless_format(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decoded(encode(Image.new("RGB", (6, 6), (255, 0, 0)), kind, **options))
    np.testing.assert_array_equal(pixels, np.broadcast_to(np.array([255, 0, 0], np.uint8), (6, 6, 3)))


@pytest.mark.parametrize(
    ("mode", "kind", "colour", "expected"),
    [
        ("1", "PNG", 1, 255),
        ("L", "PNG", 77, 77),
        ("LA", "PNG", (100, 255), 100),
        ("LA", "PNG", (0, 0), 255),
        ("I;16", "PNG", 0x8000, 128),
        ("I;16", "PNG", 0xFFFF, 255),
        ("I;16", "TIFF", 0x1234, 0x12),
        ("I", "TIFF", 0x8000, 128),
        ("CMYK", "JPEG", (0, 0, 0, 0), 255),
        ("CMYK", "TIFF", (0, 0, 0, 255), 0),
        ("RGBA", "PNG", (10, 10, 10, 255), 10),
        ("RGBA", "PNG", (10, 10, 10, 0), 255),
        ("RGBA", "WEBP", (0, 0, 0, 0), 255),
        ("F", "TIFF", 3.5, 0),
    ],
)
@pytest.mark.parametrize("shape", [RED, GREY])
def test_every_mode_comes_out_as_8_bits_on_white(mode, kind, colour, expected, shape):
    pixels = decoded(encode(Image.new(mode, (6, 6), colour), kind), shape)
    assert pixels.shape == (6, 6, shape.channels)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.astype(int), expected, atol=1)


@pytest.mark.parametrize(
    ("transparency", "expected"), [(None, [0, 200, 0]), (1, [255] * 3), (b"\xff\x00", [255] * 3)], ids=str
)
def test_a_palette_image_has_the_colours_of_its_palette_and_is_white_where_it_is_transparent(transparency, expected):
    image = Image.new("P", (6, 6), 1)
    image.putpalette([0, 0, 0, 0, 200, 0])
    options = {} if transparency is None else {"transparency": transparency}
    np.testing.assert_array_equal(decoded(encode(image, "PNG", **options))[0, 0], expected)


def test_a_transparent_colour_of_an_rgb_image_is_white():
    content = encode(Image.new("RGB", (6, 6), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
    np.testing.assert_array_equal(decoded(content)[0, 0], [255, 255, 255])


def test_sixteen_bits_keep_their_order_and_are_not_clipped():
    ramp = np.linspace(0, 0xFFFF, 36).astype(np.uint16).reshape(6, 6)
    pixels = decoded(encode(Image.fromarray(ramp), "PNG"), GREY)
    np.testing.assert_array_equal(pixels[:, :, 0], ramp >> 8)


def test_a_float_image_reaches_from_black_to_white_and_survives_nan():
    values = np.linspace(-1, 1, 36, dtype=np.float32).reshape(6, 6)
    values[0, 1] = np.nan
    pixels = decoded(encode(Image.fromarray(values), "TIFF"), GREY)[:, :, 0]
    assert (pixels[0, 0], pixels[0, 1], pixels[-1, -1]) == (0, 0, 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(kind, orientation):
    upright = np.zeros((32, 64), dtype=np.uint8)
    upright[:16, :32] = 255  # white top left
    undo = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM}
    undo |= {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}
    undo |= {8: Image.Transpose.ROTATE_270}
    image = Image.fromarray(upright).convert("RGB")
    stored = image.transpose(undo[orientation]) if orientation in undo else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decoded(encode(stored, kind, exif=exif), ImageShape(32, 64, 3))
    np.testing.assert_allclose(pixels[:, :, 0].astype(int), upright, atol=40)


def test_only_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        content = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        np.testing.assert_allclose(decoded(content)[0, 0].astype(int), [255, 0, 0], atol=2)


def test_a_grey_target_makes_one_channel_of_colour():
    assert decoded(encode(Image.new("RGB", (9, 9), (0, 255, 0))), GREY)[0, 0, 0] == 150


def test_sides_are_scaled_each_for_itself_and_nothing_is_cropped():
    pixels = np.zeros((40, 160, 3), dtype=np.uint8)
    pixels[:, :20] = 255  # a mark at the very left
    small = decoded(encode(Image.fromarray(pixels)), ImageShape(8, 8, 3))
    assert small[:, 0].min() == 255 or small[:, 0].mean() > 200
    assert small[:, -1].max() == 0


def test_an_image_of_the_right_size_is_not_resampled():
    image = noise_image(size=(6, 6))
    np.testing.assert_array_equal(decoded(encode(image)), np.asarray(image))


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize(("size", "shape"), [((48, 64), (20, 30)), ((48, 64), (96, 70)), ((1000, 40), (16, 16))])
def test_colour_is_resized_as_pillow_does_it(size, shape, writable):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    pixels.flags.writeable = writable
    expected = np.asarray(Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.BILINEAR)).astype(int)
    np.testing.assert_allclose(resize(pixels, ImageShape(*shape, 3)).astype(int), expected, atol=1)


def test_grey_among_colours_gets_three_equal_ones():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)
    resized = resize(pixels, ImageShape(12, 16, 3))
    assert resized.shape == (12, 16, 3)
    np.testing.assert_array_equal(resized, resize(pixels, ImageShape(12, 16, 1)).repeat(3, axis=2))


def test_a_large_jpeg_decoded_at_reduced_scale_looks_like_the_whole():
    smooth = np.add.outer(np.linspace(0, 120, 800), np.linspace(0, 120, 1200)).astype(np.uint8)
    content = encode(Image.fromarray(smooth).convert("RGB"), "JPEG", quality=95)
    expected = np.asarray(Image.fromarray(smooth).resize((32, 32), Image.Resampling.BOX)).astype(int)
    np.testing.assert_allclose(decoded(content, ImageShape(32, 32, 1))[:, :, 0].astype(int), expected, atol=4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_a_file_that_is_cut_off_is_unreadable_at_every_length(kind):
    content = encode(noise_image("P" if kind == "GIF" else "RGB"), kind)
    for share in (0.05, 0.3, 0.6, 0.9):
        assert why_unreadable(content[: int(len(content) * share)])


def test_the_switches_of_pillow_are_as_before_afterwards():
    before = Image.MAX_IMAGE_PIXELS
    with quiet_pillow():
        warnings.warn_explicit("odd", UserWarning, "PIL/x.py", 1, module="PIL.Image")
    assert before == Image.MAX_IMAGE_PIXELS


def test_grey_is_recognised_by_pixels_not_by_mode():
    assert is_grey(Image.new("RGB", (4, 4), (9, 9, 9)))
    assert not is_grey(Image.new("RGB", (4, 4), (9, 9, 8)))
