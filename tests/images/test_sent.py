"""Images that were sent give what their files give: pixels, digests, sizes, and why some cannot be read."""

import os
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image
from refusals import refuses

from labelscan.arrays import as_strings
from labelscan.errors import StorageError
from labelscan.images.blocks import ImageBlocks, build_rows
from labelscan.images.cache import Cache
from labelscan.images.decoding import ImageShape
from labelscan.images.remote import images_at, sent
from labelscan.images.sources import ImageArray, ImageFiles, SentImages

MOST_PIXELS = 10_000
UNREADABLE = {
    1: "not an image",
    2: "empty file",
    4: "40,000 x 1 pixels, more than max_pixels = 10,000",
    5: "not a file",
    6: "no such file",
    7: "truncated",
    10: "not a file",
}
NAMES = ["0.png", "no.png", "empty.png", "1.jpg", "large.png", "folder.png", "gone.png", "cut.jpg", "2.png", "3.jpg"]


@pytest.fixture
def files(tmp_path):
    """Return images of several formats and sizes, among them all kinds that cannot be read."""
    folder, random = tmp_path / "files", np.random.default_rng(0)
    folder.mkdir()
    for number in range(4):
        image = Image.fromarray(random.integers(0, 256, (20, 30 + number, 3), dtype=np.uint8))
        image.save(folder / f"{number}.{'jpg' if number % 2 else 'png'}")
    (folder / "no.png").write_bytes(b"no image")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.jpg").write_bytes((folder / "1.jpg").read_bytes()[:700])
    Image.new("RGB", (40_000, 1)).save(folder / "large.png")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    return ImageFiles(folder, as_strings([*NAMES, "pipe.png"]))


def store_of(source, path):
    """Return the store of images, made without any cache of others."""
    blocks = ImageBlocks(source=source, shape=ImageShape(8, 8, 3), max_pixels=MOST_PIXELS)
    return build_rows(blocks, path, cache=Cache(path.with_suffix(".cache")))


def test_files_that_were_sent_make_the_same_store_where_there_are_none_of_them(files, tmp_path):
    here = store_of(files, tmp_path / "here.npy")
    assert here.unreadable == UNREADABLE
    assert [row for row in range(len(files)) if not here.rows()[row].any()] == list(UNREADABLE)
    there = pickle.loads(pickle.dumps(sent(files, max_pixels=MOST_PIXELS)))
    paths = [files.path(row) for row in range(len(files))]
    shutil.rmtree(files.root)
    store = store_of(there, tmp_path / "there.npy")
    assert store.unreadable == UNREADABLE
    for name in ("digests", "file_sizes", "modified", "paths_digest"):
        np.testing.assert_array_equal(getattr(store, name), getattr(here, name), err_msg=name)
    np.testing.assert_array_equal(store.rows(), here.rows())
    assert [there.path(row) for row in range(len(there))] == paths
    assert (tmp_path / "there.npy").read_bytes() == (tmp_path / "here.npy").read_bytes()


def test_some_of_the_images_that_were_sent_are_taken_in_any_order(files):
    there = sent(files, max_pixels=MOST_PIXELS).take(np.array([8, 0]))
    assert [there.path(row) for row in range(len(there))] == [files.path(8), files.path(0)]
    assert [there.read(row) for row in range(len(there))] == [files.read(8), files.read(0)]


def test_images_in_memory_and_addresses_are_sent_as_they_are(files):
    array = ImageArray(np.zeros((2, 4, 4, 1), dtype=np.uint8))
    assert sent(array, max_pixels=MOST_PIXELS) is array
    far = images_at("s3://bucket", ["a.png", "b.png"])
    assert sent(far, max_pixels=MOST_PIXELS) is far
    once = sent(files, max_pixels=MOST_PIXELS)
    assert sent(once, max_pixels=MOST_PIXELS) is once


def test_files_among_addresses_are_sent_by_their_contents(files, tmp_path):
    mixed = images_at(files.root, ["s3://bucket/a.png", "0.png", "no.png"]).take(np.array([1, 2]))
    there = sent(mixed, max_pixels=MOST_PIXELS)
    assert isinstance(there, SentImages)
    assert there.read(0) == (files.root / "0.png").read_bytes()
    assert there.file(0) is None
    assert store_of(there, tmp_path / "there.npy").unreadable == {1: UNREADABLE[1]}


def test_storage_that_does_not_answer_is_no_state_of_an_image(files, monkeypatch):
    def fail(*_):
        raise StorageError("storage-unavailable", "the bucket does not answer")

    monkeypatch.setattr(ImageFiles, "read", fail)
    with refuses(StorageError, "storage-unavailable"):
        sent(files, max_pixels=MOST_PIXELS)
