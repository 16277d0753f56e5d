"""Pictures small enough for hundreds of them to fit into one page.

Tiny images stay whole, pixel by pixel; photos are scaled down, and further if the page would exceed its budget. Only
what is shown is read, one image a thread at a time. A large JPEG is decoded at a reduced scale, which other formats do
not offer: a PNG of 12 megapixels takes some tenths of a second.

More than 8 bits are stretched from the least to the greatest value of the image, so that 12 bits in a file of 16 are
not black. The models saw them unstretched.
"""

import base64
import io
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, features

from labelscan.errors import StorageError
from labelscan.events import Listener, StepAdvanced, StepDone, StepStarted, ignore
from labelscan.images.decoding import ImageShape, decode, from_array, open_image, quiet_pillow, reason
from labelscan.images.sources import ImageSource, check_image
from labelscan.reporting.page import Picture

TOTAL_BYTES = 3_200_000
"""The budget for all pictures of a page, before base64 adds a third: it leaves the rest of 5 MB to text."""
MOST_BYTES, LEAST_BYTES = 15_000, 4_000
"""The budget for one picture. With so many pictures that each would get less than the least, the page grows."""
LONGEST_SIDE, SHORTEST_LONG_SIDE = 224, 48
"""Pixels of a photo's longer side, and where scaling it further down ends."""
TINY_SIDE = 64
"""An image whose longer side is at most this stays whole."""
QUALITIES = (75, 50)
MOST_THREADS = 8


def make_pictures(
    images: ImageSource,
    rows: Sequence[int],
    *,
    max_pixels: int,
    total_bytes: int = TOTAL_BYTES,
    notify: Listener = ignore,
) -> Mapping[int, Picture | str]:
    """Return by row its picture, or the reason why there is none; images of more than ``max_pixels`` are refused."""
    n_bytes = min(MOST_BYTES, max(LEAST_BYTES, total_bytes // max(len(rows), 1)))
    started = time.monotonic()
    notify(StepStarted("pictures", len(rows)))
    made: dict[int, Picture | str] = {}
    with quiet_pillow(), ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
        pictures = threads.map(lambda row: _make(images, row, max_pixels=max_pixels, n_bytes=n_bytes), rows)
        for row, picture in zip(rows, pictures, strict=True):
            made[row] = picture
            notify(StepAdvanced("pictures", len(made)))
    notify(StepDone("pictures", time.monotonic() - started))
    return made


def _make(images: ImageSource, row: int, *, max_pixels: int, n_bytes: int) -> Picture | str:
    try:
        file = images.file(row)
        check_image(images, row, max_pixels=max_pixels)
        content = file if file is not None else images.read(row)
        if isinstance(content, np.ndarray):
            return _encode(from_array(content), n_bytes=n_bytes)
        with open_image(content, max_pixels=max_pixels) as image:  # a large JPEG is decoded at a scale that suffices
            upright = decode(image, fit=ImageShape(LONGEST_SIDE, LONGEST_SIDE, 3), stretch=True)
        return _encode(upright, n_bytes=n_bytes)
    except (MemoryError, StorageError):
        raise
    except Exception as error:  # hostile bytes make Pillow raise almost anything
        return reason(error)


def _encode(image: Image.Image, *, n_bytes: int) -> Picture:
    tiny = max(image.size) <= TINY_SIDE
    if not tiny:
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    for (width, height), kind, content in _attempts(image, tiny=tiny):
        uri = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
        picture = Picture(uri=uri, width=width, height=height, tiny=tiny)
        if len(content) <= n_bytes:
            break
    return picture


def _attempts(image: Image.Image, *, tiny: bool) -> Iterator[tuple[tuple[int, int], str, bytes]]:
    """Yield encodings, each with its size in pixels and smaller than the one before."""
    if tiny:
        yield image.size, "png", _bytes(image, "png", optimize=True)
    lossy = "webp" if features.check("webp") else "jpeg"
    while True:
        for quality in QUALITIES:
            yield image.size, lossy, _bytes(image, lossy, quality=quality, method=2)
        if tiny or max(image.size) * 3 // 4 < SHORTEST_LONG_SIDE:
            return
        image = image.resize([max(side * 3 // 4, 1) for side in image.size], Image.Resampling.LANCZOS)


def _bytes(image: Image.Image, kind: str, **options: int | bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
