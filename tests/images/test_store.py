"""Images in the store: each in its row, decoded once, reused while nothing has changed."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refuses

import labelscan.images.blocks as image_blocks_module
import labelscan.images.store as store_module
from labelscan.arrays import as_strings
from labelscan.errors import RunError
from labelscan.events import Noted, StepAdvanced, StepDone, StepStarted, ignore
from labelscan.files.rows_file import RowsFile
from labelscan.images.blocks import ImageBlocks, build_rows
from labelscan.images.cache import Cache
from labelscan.images.decoding import ImageShape
from labelscan.images.sizes import NativeSizes, probe
from labelscan.images.sources import ImageArray, ImageFiles
from labelscan.images.store import Store

SHAPE = ImageShape(8, 8, 3)
LIMIT = 10**6


def save(path, colour, size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)


def files(root, names):
    return ImageFiles(root, as_strings(names))


def build(source, path, shape=SHAPE, *, cache=None, max_pixels=LIMIT, notify=ignore, workers=2):
    """Build a store with a cache of its own, unless one is given."""
    cache = cache or Cache(path.with_suffix(".cache"))
    images = ImageBlocks(source=source, shape=shape, max_pixels=max_pixels, workers=workers)
    return build_rows(images, path, cache=cache, notify=notify)


@pytest.fixture
def colours(tmp_path):
    names = [f"{value}.png" for value in range(20)]
    for value, name in enumerate(names):
        save(tmp_path / "in" / name, (value, 0, 255 - value))
    return files(tmp_path / "in", names)


def test_every_image_is_in_its_row(colours, tmp_path):
    store = build(colours, tmp_path / "images.npy")
    images = store.rows()
    assert images.shape == (20, 8, 8, 3)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, 3, 3, 0], np.arange(20))
    assert store.unreadable == {}


def test_a_file_far_larger_than_any_image_is_not_read(colours, tmp_path):
    with colours.file(3).open("r+b") as file:
        file.truncate(1 << 40)  # sparse
    reason = build(colours, tmp_path / "images.npy").unreadable[3]
    assert reason == "1,099,511,627,776 bytes, more than an image of max_pixels = 1,000,000 has"


@pytest.mark.parametrize(("side", "channels", "stored"), [(8, 1, 1), (8, 3, 3), (8, 1, 3), (5, 3, 3)])
def test_arrays_are_stored_like_files_and_grey_ones_can_become_rgb(tmp_path, side, channels, stored):
    images = np.random.default_rng(0).integers(0, 256, (600, side, side, channels), dtype=np.uint8)
    rows = build(ImageArray(images), tmp_path / "images.npy", ImageShape(8, 8, stored)).rows()
    assert rows.shape == (600, 8, 8, stored)
    if side == 8:
        np.testing.assert_array_equal(rows, np.broadcast_to(images, rows.shape))


def test_the_number_of_threads_does_not_change_a_byte(colours, tmp_path):
    build(colours, tmp_path / "one.npy", workers=1)
    build(colours, tmp_path / "four.npy", workers=4)
    assert (tmp_path / "one.npy").read_bytes() == (tmp_path / "four.npy").read_bytes()
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "four.npz").read_bytes()


def test_threads_that_decode_start_none_of_torch(colours, tmp_path, monkeypatch):
    found, before = [], torch.get_num_threads()
    monkeypatch.setattr(image_blocks_module, "_decode", lambda *_: found.append(torch.get_num_threads()) or 0)
    torch.set_num_threads(3)
    try:
        build(colours, tmp_path / "images.npy")
        assert (set(found), torch.get_num_threads()) == ({1}, 3)
    finally:
        torch.set_num_threads(before)


def test_a_store_read_back_is_the_store_written(colours, tmp_path):
    colours.file(5).write_bytes(b"")
    store = build(colours, tmp_path / "images.npy")
    again = Store.read(tmp_path / "images.npy")
    assert again is not None
    assert (again.shape, again.unreadable) == (store.shape, {5: "empty file"})
    for name in ("digests", "file_sizes", "modified", "paths_digest"):
        np.testing.assert_array_equal(getattr(again, name), getattr(store, name))
    assert not len(again.changed(colours))


def test_what_is_missing_or_damaged_is_no_store(colours, tmp_path):
    path = tmp_path / "images.npy"
    assert Store.read(path) is None
    build(colours, path)
    whole = path.read_bytes()
    for length in (len(whole) - 1, 50, 0):
        path.write_bytes(whole[:length])
        assert Store.read(path) is None
    path.write_bytes(whole)
    assert Store.read(path) is not None
    side = path.with_suffix(".npz")
    side.write_bytes(side.read_bytes()[:100])
    assert Store.read(path) is None


def test_digests_are_equal_for_equal_bytes_and_differ_for_equal_pixels_of_another_shape(tmp_path):
    for name, value in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        save(tmp_path / name, (value, 0, 0))
    digests = build(files(tmp_path, ["a.png", "b.png", "c.png"]), tmp_path / "images.npy").digests
    assert digests.shape == (3, 16)
    assert digests[0].tobytes() == digests[1].tobytes() != digests[2].tobytes()
    flat = build(ImageArray(np.zeros((1, 2, 8, 1), np.uint8)), tmp_path / "a.npy", ImageShape(2, 8, 1))
    tall = build(ImageArray(np.zeros((1, 8, 2, 1), np.uint8)), tmp_path / "b.npy", ImageShape(8, 2, 1))
    assert flat.digests.tobytes() != tall.digests.tobytes()


def test_changed_files_are_named_by_row_and_one_only_touched_is_not(colours, tmp_path):
    appears = files(tmp_path / "in", [*colours.paths, "late.png"])
    store = build(appears, tmp_path / "images.npy")
    assert not len(store.changed(appears))
    save(tmp_path / "in" / "late.png", (1, 2, 3))
    save(colours.file(4), (99, 99, 99))
    os.utime(colours.file(5))
    colours.file(6).unlink()
    assert store.changed(appears).tolist() == [4, 6, 20]


def test_many_files_are_asked_for_at_once(colours, tmp_path, monkeypatch):
    store = build(colours, tmp_path / "images.npy")
    monkeypatch.setattr(store_module, "STATUS_BLOCK", 1)
    all_asked, stat = threading.Barrier(len(colours)), Path.stat

    def wait_for_the_others(path, **options):
        all_asked.wait(10)
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", wait_for_the_others)
    assert store.changed(colours).tolist() == []


def test_files_that_changed_places_with_equal_size_and_time_are_noticed(tmp_path):
    for name, value in (("a.bmp", 1), ("b.bmp", 2)):
        save(tmp_path / name, (value, 0, 0))
        os.utime(tmp_path / name, (0, 0))
    store = build(files(tmp_path, ["a.bmp", "b.bmp"]), tmp_path / "images.npy")
    assert store.changed(files(tmp_path, ["b.bmp", "a.bmp"])).tolist() == [0, 1]


def test_changed_pixels_in_memory_are_noticed(tmp_path):
    images = np.zeros((5, 8, 8, 3), dtype=np.uint8)
    store = build(ImageArray(images), tmp_path / "images.npy")
    assert not len(store.changed(ImageArray(images)))
    changed = images.copy()
    changed[2, 0, 0, 0] = 1
    assert store.changed(ImageArray(changed)).tolist() == [2]
    assert store.changed(ImageArray(images[:4])).tolist() == [0, 1, 2, 3]


def test_events_count_up_to_the_number_of_images(colours, tmp_path):
    events = []
    build(colours, tmp_path / "images.npy", notify=events.append)
    assert events[0] == StepStarted("decode", 20)
    assert events[-2] == StepAdvanced("decode", 20)
    assert isinstance(events[-1], StepDone)


def interrupt(event):
    if isinstance(event, StepAdvanced):
        raise KeyboardInterrupt


def test_an_interruption_leaves_no_file_and_no_thread(tmp_path):
    images = ImageArray(np.zeros((2000, 8, 8, 3), dtype=np.uint8))
    with pytest.raises(KeyboardInterrupt):
        build(images, tmp_path / "out" / "images.npy", notify=interrupt)
    assert list((tmp_path / "out").iterdir()) == []
    assert [thread for thread in threading.enumerate() if thread.name.startswith("decode")] == []


def test_an_interrupted_rebuild_does_not_pass_for_the_old_store_and_clears_what_a_killed_one_left(colours, tmp_path):
    path, left_over = tmp_path / "images.npy", tmp_path / ".images.npy.1234.partial"
    left_over.write_bytes(b"half")
    os.utime(left_over, (0, 0))  # of another process, which may live for a day
    build(colours, path)
    assert not left_over.exists()
    with pytest.raises(KeyboardInterrupt):
        build(colours, path, notify=interrupt)
    assert Store.read(path) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_that_says_so():
    with Path("/dev/full").open("wb", buffering=0) as full, refuses(RunError, "disk"):
        RowsFile(full, 1).put(0, np.zeros((1, 8, 8, 3), dtype=np.uint8))


@pytest.fixture
def decoded(monkeypatch):
    """Return how many images are decoded, as a list that grows with each."""
    counted, original = [], image_blocks_module._decode

    def decode(content, shape, max_pixels):
        counted.append(content)
        return original(content, shape, max_pixels)

    monkeypatch.setattr(image_blocks_module, "_decode", decode)
    return counted


def test_images_that_were_decoded_before_are_reused_in_any_order(colours, tmp_path, decoded):
    cache, received = Cache(tmp_path / "cache"), []
    build(colours, tmp_path / "first.npy", cache=cache)
    order = np.array([19, 3, 3, 7])
    save(tmp_path / "in" / "new.png", (99, 0, 0))
    more = files(tmp_path / "in", [*colours.paths[order], "new.png"])
    store = build(more, tmp_path / "second.npy", cache=cache, notify=received.append)
    assert store.rows()[:, 0, 0, 0].tolist() == [19, 3, 3, 7, 99]
    assert len(decoded) == 21
    assert Noted("4 of 5 decoded images are reused") in received
    assert not len(store.changed(more))


@pytest.mark.parametrize("other", ["size", "max_pixels", "pillow", "jpeg"])
def test_images_decoded_in_another_way_are_decoded_again(colours, tmp_path, decoded, monkeypatch, other):
    cache = Cache(tmp_path / "cache")
    build(colours, tmp_path / "first.npy", cache=cache)
    if other == "pillow":
        monkeypatch.setattr("PIL.__version__", "0.1")
    elif other == "jpeg":
        monkeypatch.setattr("labelscan.images.jpeg.VERSION", "0.1")
    shape = ImageShape(4, 16, 3) if other == "size" else SHAPE
    build(colours, tmp_path / "second.npy", shape, cache=cache, max_pixels=LIMIT - (other == "max_pixels"))
    assert len(decoded) == 40


def test_what_is_unreadable_or_in_memory_already_is_not_cached(tmp_path):
    cache = Cache(tmp_path / "cache")
    (tmp_path / "a.png").write_bytes(b"no image")
    for _ in range(2):
        assert build(files(tmp_path, ["a.png"]), tmp_path / "a.npy", cache=cache).unreadable == {0: "not an image"}
    build(ImageArray(np.zeros((3, 8, 8, 3), dtype=np.uint8)), tmp_path / "b.npy", cache=cache)
    assert cache.shelves() == []
    build(ImageArray(np.zeros((3, 9, 9, 3), dtype=np.uint8)), tmp_path / "c.npy", cache=cache)
    assert [one.n_examples for one in cache.shelves()] == [3]


def test_probe_finds_upright_sizes_and_greyness_and_skips_what_it_cannot_read(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    names = [f"{index}.png" for index in range(6)]
    for name in names:
        save(tmp_path / name, (9, 9, 9), size=(30, 20))
    save(tmp_path / "turned.jpg", (1, 1, 1), size=(20, 30), exif=exif)
    (tmp_path / "broken.jpg").write_bytes(b"x")
    found = probe(files(tmp_path, [*names, "turned.jpg", "broken.jpg", "gone.jpg"]), max_pixels=LIMIT)
    assert found == NativeSizes(7, uniform=True, median_height=20, median_width=30, grey=True)
    save(tmp_path / "5.png", (1, 2, 3), size=(30, 22))
    found = probe(files(tmp_path, names), max_pixels=LIMIT)
    assert (found.uniform, found.grey) == (False, False)
    assert probe(files(tmp_path, ["broken.jpg"]), max_pixels=LIMIT).n_probed == 0


def test_probe_reads_an_even_sample_of_arrays():
    images = np.zeros((1000, 4, 6, 3), dtype=np.uint8)
    assert probe(ImageArray(images), n=10, max_pixels=LIMIT).grey
    images[-1, 0, 0, 0] = 1
    found = probe(ImageArray(images), n=10, max_pixels=LIMIT)
    assert (found.n_probed, found.uniform, found.grey) == (10, True, False)


@pytest.mark.slow
def test_memory_stays_constant_for_a_store_larger_than_it(tmp_path):
    import resource

    source = ImageArray(np.broadcast_to(np.zeros((1, 64, 64, 3), np.uint8), (20_000, 64, 64, 3)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    build(source, tmp_path / "images.npy", ImageShape(64, 64, 3))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (tmp_path / "images.npy").stat().st_size > 240_000_000
    assert grown < 60_000  # kB
