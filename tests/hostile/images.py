"""Images of every damage: each keeps its row, with the reason, or is read as people see it."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from hostile.kinds import Kind, Make, file, link, locked, png

SMALL = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4)


def saved(form: str, image: Image.Image = SMALL, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of(width: int, height: int, pixels: bytes, *extra: bytes) -> bytes:
    """Return a grey PNG that says its size, whatever its pixels are."""
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + b"".join(extra) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def with_exif(exif: bytes) -> bytes:
    return saved("JPEG", exif=b"Exif\0\0" + exif)


def cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8))
SCANS = saved("PNG", Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000))
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
XXE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
FLAT = bytes(5) * 4

LINE = "detect data --folds 2 --epochs 1 --model small-cnn --image-size 8 --set executor.processes=1 -q -o run"
"""One run reads all images."""


def entry(name: str, what: str, make: Make, *, kept: str = "", as_root: bool = True) -> Kind:
    """Return the kind of what is found under a name in a class folder."""
    return Kind(what, make, line=LINE, names=f"cat/{name}", kept=kept, as_root=as_root)


def image(name: str, what: str, content: bytes | str, *, kept: str = "") -> Kind:
    return entry(name, what, file(f"data/cat/{name}", content), kept=kept)


KINDS = [
    image("empty.jpg", "an empty file", b"", kept="empty file"),
    image("text.png", "text", "this is not an image", kept="not an image"),
    image("zeros.jpg", "a megabyte of zeros", bytes(1 << 20), kept="not an image"),
    image("cut.jpg", "a JPEG that is cut off", cut(saved("JPEG", NOISE), 0.5), kept="truncated"),
    image("cut.png", "a PNG that is cut off", cut(saved("PNG", NOISE), 0.5), kept="truncated"),
    image("cut.gif", "a GIF that is cut off", cut(saved("GIF", NOISE), 0.5), kept="truncated"),
    image("cut.webp", "a WebP that is cut off", cut(saved("WEBP", NOISE), 0.5), kept="damaged"),
    image("cut.bmp", "a BMP that is cut off", cut(saved("BMP", NOISE), 0.5), kept="truncated"),
    image("cut.tiff", "a TIFF that is cut off", cut(saved("TIFF", NOISE), 0.5), kept="truncated"),
    image("start.jpg", "the start of a JPEG alone", saved("JPEG")[:20], kept="not an image"),
    image("start.png", "the start of a PNG alone", png()[:8], kept="not an image"),
    image("wrong.png", "a PNG with a wrong checksum", png().replace(b"IDAT", b"IDAU"), kept="not an image"),
    image("none.png", "a PNG of no pixels", png_of(0, 0, b""), kept="not an image"),
    image(
        "bomb.png",
        "a PNG bomb of 4 gigapixels",
        png_of(1 << 16, 1 << 16, bytes(1 << 16)),
        kept="65,536 x 65,536 pixels",
    ),
    image(
        "wide.png",
        "a PNG that says 2 gigapixels in a line",
        png_of((1 << 31) - 1, 1, b"\0"),
        kept="2,147,483,647 x 1 pixels",
    ),
    image(
        "vast.bmp",
        "a BMP that says it is vast",
        b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, 1 << 30, 1 << 30, 1, 24, 0, 0, 0, 0, 0, 0),
        kept="pixels, more than",
    ),
    image("vast.pgm", "a PGM that says it is vast", b"P5 99999999 99999999 255\n", kept="pixels, more than"),
    image("odd.pgm", "a PGM of text", b"P2 8 8 255\n" + b"abc " * 64, kept="damaged"),
    image(
        "text.png.png",
        "a PNG whose text unpacks to 64 MB",
        png_of(8, 8, bytes(72), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26)))),
        kept="too large",
    ),
    image(
        "profile.png",
        "a PNG whose colour profile unpacks to 64 MB",
        png_of(8, 8, bytes(72), chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26)))),
        kept="too large",
    ),
    image("loop.tiff", "a TIFF whose pages go in a circle", saved("TIFF")[:-4] + struct.pack("<I", 8)),
    image("drawing.png", "an SVG with a program", SVG, kept="not an image"),
    image("entity.png", "XML that names another file", XXE, kept="not an image"),
    image("page.jpg", "a web page in place of an image", "<!DOCTYPE html><html>404</html>", kept="not an image"),
    image(
        "program.png", "a PostScript program", "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", kept="not an image"
    ),
    image("phone.jpg", "a HEIC of a phone", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), kept="not an image"),
    image("archive.png", "a zip file", b"PK\x05\x06" + bytes(18), kept="not an image"),
    image("exif.jpg", "EXIF that is broken", with_exif(b"MM\0*\xff\xff\xff\xff")),
    image(
        "turned.jpg",
        "EXIF with an orientation that is none",
        with_exif(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0\0\0\0\0"),
    ),
    image("really.png", "a JPEG called .png", saved("JPEG")),
    image("moving.gif", "a GIF that moves", saved("GIF", save_all=True, append_images=[SMALL.rotate(90)])),
    image("print.jpg", "CMYK", saved("JPEG", SMALL.convert("CMYK"))),
    image("scan.png", "16 bits", SCANS),
    image("palette.png", "a palette", saved("PNG", NOISE.convert("P"))),
    image("clear.png", "transparent pixels", saved("PNG", NOISE.convert("RGBA"))),
    image("bit.tiff", "one bit", saved("TIFF", SMALL.convert("1"))),
    image(
        "floats.tiff",
        "a TIFF of floats, some not finite",
        saved("TIFF", Image.fromarray(np.where(np.eye(8), np.nan, 0.5).astype(np.float32))),
    ),
    image(
        "nan.tiff",
        "a TIFF of NaN only",
        saved("TIFF", Image.fromarray(np.full((8, 8), np.nan, np.float32))),
        kept="no pixel is a finite number",
    ),
    image("dot.png", "one pixel", saved("PNG", SMALL.crop((0, 0, 1, 1)))),
    image("line.png", "2,000 pixels in a line", saved("PNG", Image.new("L", (2000, 1)))),
    entry("gone.png", "a link to nowhere", link("data/cat/gone.png", "nowhere.png"), kept="no such file"),
    entry("self.png", "a link to itself", link("data/cat/self.png", "self.png"), kept="cannot be read"),
    entry("zero.png", "a link to a device", link("data/cat/zero.png", "/dev/zero"), kept="not a file"),
    entry(
        "mine.png",
        "an image that may not be read",
        locked("data/cat/mine.png"),
        kept="permission denied",
        as_root=False,
    ),
]
