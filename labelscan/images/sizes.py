"""What the images of a data set look like before they are decoded: their sizes, and whether they have colour.

The shape of the store and the model are chosen by it.
"""

from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from labelscan.images.decoding import (
    ImageShape,
    decode,
    from_array,
    is_grey,
    open_image,
    quiet_pillow,
    upright_size,
)
from labelscan.images.remote import read_each
from labelscan.images.sources import Image, ImageSource, UnreadableImage, check_image

_GREY_PROBE = ImageShape(32, 32, 3)


@dataclass(frozen=True, slots=True)
class NativeSizes:
    """What a sample of the images is like; all zero and False where none of them could be read."""

    n_probed: int
    """Images of the sample that could be read."""
    uniform: bool
    """All of them have the same height and width."""
    median_height: int
    median_width: int
    grey: bool
    """None of them has a coloured pixel."""


def probe(source: ImageSource, *, n: int = 256, max_pixels: int) -> NativeSizes:
    """Look at up to ``n`` images, evenly spaced: at their headers, and for colour until the first that has some."""
    sizes: list[tuple[int, int]] = []
    grey = True
    rows = np.unique(np.linspace(0, len(source) - 1, min(n, len(source))).astype(int)).tolist()
    with quiet_pillow(), closing(read_each(source, partial(_content, source, max_pixels), rows)) as contents:
        for content in contents:
            if isinstance(content, np.ndarray):
                sizes.append(content.shape[:2])
                grey = grey and is_grey(from_array(content))
            elif content is not None:
                with suppress(OSError, UnreadableImage), open_image(content, max_pixels=max_pixels) as image:
                    size = upright_size(image)
                    grey = grey and (image.mode == "L" or is_grey(decode(image, fit=_GREY_PROBE)))
                    sizes.append(size)  # what cannot be read, the store names, with the reason
    if not sizes:
        return NativeSizes(0, False, 0, 0, False)
    height, width = np.median(np.array(sizes), axis=0).astype(int).tolist()
    return NativeSizes(len(sizes), len(set(sizes)) == 1, height, width, grey)


def _content(source: ImageSource, max_pixels: int, row: int) -> Path | bytes | Image | None:
    """Return an image to look at, or the file that it is in; None where it cannot be read."""
    try:
        check_image(source, row, max_pixels=max_pixels)
        file = source.file(row)
        return file if file is not None else source.read(row)
    except (OSError, UnreadableImage):
        return None
