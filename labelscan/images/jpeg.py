"""JPEG files decoded straight into rows of pixels, in half the time that Pillow takes.

Pillow keeps four bytes a pixel, which cost as much to write and to copy as to decode. It reads the header nevertheless,
and decides wherever the two could differ, so that the same files are unreadable, for the same reasons.
"""

import numpy as np
import simplejpeg
from numpy.typing import NDArray

VERSION: str = simplejpeg.__version__

_COLOURS = {"L": ("GRAY", ("Gray",)), "RGB": ("RGB", ("YCbCr", "RGB"))}
"""What pixels of a mode of Pillow are called, and what the file may hold for it."""


def decode_jpeg(
    content: bytes, mode: str, *, size: tuple[int, int], scaled: tuple[int, int]
) -> NDArray[np.uint8] | None:
    """Return (H, W, 1 or 3) pixels, or None where Pillow is to decode the file, or to say why it cannot be.

    Args:
        content: the file.
        mode: of Pillow; all but ``L`` and ``RGB`` are left to it.
        size: width and height by the header.
        scaled: the same at the scale to decode at, which is 1, 1/2, 1/4 or 1/8.
    """
    if mode not in _COLOURS:
        return None
    colour, held = _COLOURS[mode]
    width, height = (0, 0) if scaled == size else scaled
    try:
        found_height, found_width, found, _ = simplejpeg.decode_jpeg_header(content, strict=True)
        if (found_width, found_height) != size or found not in held:
            return None
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, colour, min_height=height, min_width=width)
    except MemoryError:
        raise
    except Exception:  # damage that Pillow may call by name, or accept
        return None
    return pixels if pixels.shape[1::-1] == scaled else None
