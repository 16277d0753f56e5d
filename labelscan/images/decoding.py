"""An encoded image of any kind as upright 8-bit pixels, or the reason why there are none.

Real folders hold grey, palette, CMYK, 16-bit, transparent, rotated and animated images, which all come out the same
way, and truncated files, whose missing pixels are never guessed.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from labelscan.images.jpeg import decode_jpeg
from labelscan.images.sources import UnreadableImage

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM")
"""The formats tried on a file, whatever its name; Pillow knows others that run programs or hide their size."""

JPEG = ("JPEG", "MPO")
"""Those of JPEG files, of which the second kind holds several images."""

DRAFT_MARGIN = 2
"""A JPEG is decoded at the smallest scale that leaves this many pixels for each stored one in height and width."""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


class ImageShape(NamedTuple):
    """What is stored of an image: height and width in pixels, and 1 (grey) or 3 (RGB) channels."""

    height: int
    width: int
    channels: int


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Let Pillow decode without warnings, without its own size limit and without accepting truncated files.

    These are switches of the whole process: enter this once around all threads that decode. ``open_image`` applies
    the user's size limit.
    """
    pixels, truncated = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        Image.MAX_IMAGE_PIXELS = None
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        Image.init()  # registers the formats now: the first image of each thread would race for it
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = pixels, truncated


def open_image(content: bytes | Path, *, max_pixels: int) -> Image.Image:
    """Return an image, having read only its header.

    Raises:
        UnreadableImage: empty, not an image, or of more than ``max_pixels`` pixels.
    """
    try:
        image = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content, formats=FORMATS)
    except MemoryError:
        raise
    except Exception as error:  # hostile bytes make Pillow's parsers raise almost anything
        raise UnreadableImage("empty file" if content == b"" else reason(error)) from error
    width, height = image.size
    if width * height > max_pixels:
        image.close()
        raise UnreadableImage(f"{width:,} x {height:,} pixels, more than max_pixels = {max_pixels:,}")
    return image


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return the height and width that an opened image has once its EXIF rotation is applied."""
    width, height = image.size
    # Pillow swaps the size of a TIFF by itself, and would decode a PNG to look for metadata behind its pixels.
    known = image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info)
    return (width, height) if known and orientation(image) in _SIDEWAYS else (height, width)


def decode(image: Image.Image, *, fit: ImageShape | None = None, stretch: bool = False) -> Image.Image:
    """Return an opened image upright, in mode L or RGB; alpha is laid on white, 16 bits are divided by 256.

    Where it will be resized to ``fit``, a much larger JPEG is decoded at a reduced scale that suffices. For people to
    look at, ``stretch`` maps the range of numbers of more than 8 bits to black and white.

    Raises:
        UnreadableImage: the pixels are cut off or damaged.
    """
    try:
        if fit is not None and image.format in JPEG:
            _reduce(image, fit)
        image.load()
        turn = _UPRIGHT.get(orientation(image))  # after load: a TIFF is turned by it
        pixels = _eight_bit(image, stretch=stretch)
        return pixels if turn is None else pixels.transpose(turn)
    except MemoryError:
        raise
    except Exception as error:  # hostile bytes make Pillow's decoders raise almost anything
        raise UnreadableImage(reason(error)) from error


def pixels_of(content: bytes, shape: ImageShape, *, max_pixels: int) -> NDArray[np.uint8]:
    """Return an encoded image as (height, width, channels), decoded as ``decode`` does it and resized.

    Raises:
        UnreadableImage: it is no image, too large, cut off or damaged.
    """
    with open_image(content, max_pixels=max_pixels) as image:
        pixels, size = None, image.size
        if image.format in JPEG:
            _reduce(image, shape)
            pixels = decode_jpeg(content, image.mode, size=size, scaled=image.size)
        if pixels is None:
            return resize(np.array(decode(image, fit=shape)), shape)
        turn = _UPRIGHT.get(orientation(image))
    return resize(pixels if turn is None else np.array(from_array(pixels).transpose(turn)), shape)


def resize(pixels: NDArray[np.uint8], shape: ImageShape) -> NDArray[np.uint8]:
    """Return (H, W) or (H, W, 1) grey or (H, W, 3) RGB pixels as (height, width, channels).

    Height and width are scaled independently, with antialiasing. Nothing is cropped, since what the label describes
    may be at the border, and nothing is padded. An image that has the size already is not resampled.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 3 and shape.channels == 1:
        pixels = np.asarray(from_array(pixels).convert("L"))
    if pixels.shape[:2] != (shape.height, shape.width):
        pixels = _resize_colour(pixels, shape) if pixels.shape[2:] == (3,) else _resize_grey(pixels, shape)
    pixels = pixels.reshape(shape.height, shape.width, -1)
    return np.broadcast_to(pixels, shape)  # what is grey gets equal colours


def from_array(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return (H, W, C) pixels with 1 or 3 channels as an image of mode L or RGB."""
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def is_grey(image: Image.Image) -> bool:
    """Return whether an image of mode L or RGB has no colour."""
    if image.mode == "L":
        return True
    pixels = np.asarray(image)
    return bool((pixels[:, :, :1] == pixels[:, :, 1:]).all())


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where it is missing or broken."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except MemoryError:
        raise
    except Exception:  # broken metadata must not cost the image
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def reason(error: Exception) -> str:
    """Return why an image could not be read, in a few words."""
    if isinstance(error, UnreadableImage):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror})"
    text = " ".join(str(error).split())
    return "truncated" if "truncated" in text.lower() else f"damaged ({text or type(error).__name__})"


def _reduce(image: Image.Image, fit: ImageShape) -> None:
    """Have a JPEG decoded at a reduced scale; of a second call Pillow takes no notice."""
    size = (fit.width * DRAFT_MARGIN, fit.height * DRAFT_MARGIN)
    image.draft(None, size[::-1] if orientation(image) in _SIDEWAYS else size)  # None keeps the mode


def _resize_colour(pixels: NDArray[np.uint8], shape: ImageShape) -> NDArray[np.uint8]:
    """Return RGB pixels as torch resizes them: in a quarter of the time that Pillow takes, by a last bit otherwise."""
    from torch import from_numpy
    from torch.nn.functional import interpolate

    # Pillow's arrays and a caller's may be read-only, of which torch warns.
    image = from_numpy(np.require(pixels, requirements=["C", "W"])).permute(2, 0, 1)[None]
    resized = interpolate(image, (shape.height, shape.width), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


def _resize_grey(pixels: NDArray[np.uint8], shape: ImageShape) -> NDArray[np.uint8]:
    """Return grey pixels as Pillow resizes them; torch is up to ten times as slow at a single channel."""
    image = from_array(pixels.reshape(*pixels.shape[:2], 1))
    return np.asarray(image.resize((shape.width, shape.height), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _eight_bit(image: Image.Image, *, stretch: bool) -> Image.Image:
    if image.mode.startswith("I;16") and not stretch:
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_scaled(np.asarray(image), stretch=stretch))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _scaled(values: NDArray[np.generic], *, stretch: bool) -> NDArray[np.uint8]:
    """Return numbers as 8 bits, their range stretched to 0 .. 255; 16-bit ones are divided by 256 unless asked to."""
    numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        raise UnreadableImage("no pixel is a finite number")
    low, high = float(numbers[finite].min()), float(numbers[finite].max())
    if not stretch and values.dtype.kind == "i" and low >= 0 and high <= 0xFFFF:
        return (numbers // 256).astype(np.uint8)
    scaled = (np.where(finite, numbers, low) - low) * (255 / (high - low) if high > low else 0.0)
    return np.rint(scaled).astype(np.uint8)
