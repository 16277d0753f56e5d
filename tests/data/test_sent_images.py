"""Images that were sent give what their files give: pixels, digests, sizes, and why some cannot be read."""

import pickle
from pathlib import Path

import numpy as np
from PIL import Image

from labelscan.arrays import as_strings
from labelscan.data.build_store import build_store
from labelscan.data.cache import Cache
from labelscan.data.decoding import ImageShape
from labelscan.data.image_blocks import ImageBlocks
from labelscan.data.inputs import ImageArray, ImageFiles
from labelscan.data.sent_images import sent

MOST_PIXELS = 10_000


def test_files_that_were_sent_make_the_same_store(tmp_path):
    random = np.random.default_rng(0)
    for number in range(4):
        image = Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8))
        image.save(tmp_path / f"{number}.{'jpg' if number % 2 else 'png'}")
    (tmp_path / "broken.png").write_bytes(b"no image")
    Image.new("RGB", (200, 200)).save(tmp_path / "large.png")
    (tmp_path / "folder.png").mkdir()
    names = ["0.png", "broken.png", "1.jpg", "large.png", "folder.png", "gone.png", "2.png", "3.jpg"]
    files = ImageFiles(tmp_path, as_strings(names))
    there = pickle.loads(pickle.dumps(sent(files, max_pixels=MOST_PIXELS)))
    for path in tmp_path.glob("*.jpg"):
        path.unlink()
    stores = []
    for name, source in (("sent", there), ("part", there.take(np.array([0, 6])))):
        blocks = ImageBlocks(source=source, shape=ImageShape(8, 8, 3), max_pixels=MOST_PIXELS)
        stores.append(build_store(blocks, tmp_path / f"{name}.npy", cache=Cache(tmp_path / "cache")))
    assert list(stores[0].unreadable) == [1, 3, 4, 5]
    assert not stores[1].unreadable
    np.testing.assert_array_equal(stores[0].rows()[[0, 6]], stores[1].rows())
    here = ImageBlocks(source=files, shape=ImageShape(8, 8, 3), max_pixels=MOST_PIXELS)
    of_files = build_store(here, tmp_path / "files.npy", cache=Cache(tmp_path / "other"))
    rows = [0, 1, 3, 4, 5, 6]  # all but the photos, which are gone by now
    for name in ("digests", "file_sizes", "modified"):
        np.testing.assert_array_equal(getattr(of_files, name)[rows], getattr(stores[0], name)[rows])
    np.testing.assert_array_equal(of_files.rows()[rows], stores[0].rows()[rows])
    assert {row: of_files.unreadable[row] for row in (1, 3, 4, 5)} == stores[0].unreadable
    assert there.path(0) == str(tmp_path / "0.png")


def test_images_in_memory_and_addresses_are_sent_as_they_are(tmp_path):
    from labelscan.data.far_images import images_at

    array = ImageArray(np.zeros((2, 4, 4, 1), dtype=np.uint8))
    assert sent(array, max_pixels=MOST_PIXELS) is array
    far = images_at("s3://bucket", ["a.png", "b.png"])
    assert sent(far, max_pixels=MOST_PIXELS) is far
    mixed = images_at(Path(tmp_path), ["s3://bucket/a.png", "b.png"])
    assert sent(mixed.take(np.array([1])), max_pixels=MOST_PIXELS) is not mixed
