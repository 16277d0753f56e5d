"""The cache gives back what was put in, or nothing: whatever happens to its files, and whoever else uses it."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from labelscan.config import CacheConfig
from labelscan.events import Noted, Warned
from labelscan.images import cache as cache_module
from labelscan.images.cache import Cache, open_cache

ROWS = np.arange(40, dtype="<f4").reshape(10, 4)
DIGESTS = [bytes([number]) * 16 for number in range(10)]
MADE_BY = {"backbone": "tiny", "mirrored": True}
ROW_BYTES = 16


def put(cache, first=0, last=10, made_by=MADE_BY, notify=lambda event: None):
    """Add some of the rows, in a segment of their own."""
    with cache.shelf("features", made_by, notify=notify) as shelf:
        shelf.add(DIGESTS[first:last], ROWS[first:last])


def found(cache, digests=DIGESTS, made_by=MADE_BY):
    """Return the numbers of the rows that are found; each that is must be the one that was added."""
    with cache.shelf("features", made_by) as shelf:
        rows = {number: shelf.get(digest) for number, digest in enumerate(digests)}
    there = {number: row.view("<f4") for number, row in rows.items() if row is not None}
    for number, row in there.items():
        np.testing.assert_array_equal(row, ROWS[number])
    return list(there)


def segments(cache):
    return sorted(cache.folder.glob("*/*.rows"), key=lambda path: path.stat().st_mtime_ns)


def grow_old(path, hours):
    """Have a segment be used last some hours ago."""
    then = time.time_ns() - hours * 3600 * 10**9
    os.utime(path, ns=(then, then))


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_what_was_added_is_found_in_any_order_and_selection(cache):
    put(cache, 0, 4)
    put(cache, 4, 10)
    assert found(cache) == list(range(10))
    with cache.shelf("features", MADE_BY) as shelf:
        for number in (7, 2, 2, 9):
            np.testing.assert_array_equal(shelf.get(DIGESTS[number]).view("<f4"), ROWS[number])
        assert shelf.get(b"\x01" * 15 + b"\x02") is None  # its first bytes are those of another
    assert found(cache) == list(range(10))  # which is not taken for damaged


def test_what_was_made_in_another_way_is_not_found(cache):
    put(cache)
    assert found(cache, made_by={**MADE_BY, "mirrored": False}) == []
    with cache.shelf("images", MADE_BY) as shelf:
        assert shelf.get(DIGESTS[0]) is None


def test_rows_are_saved_every_while(cache, monkeypatch):
    with cache.shelf("features", MADE_BY) as shelf:
        shelf.add(DIGESTS[:2], ROWS[:2])
        assert found(cache) == []
        monkeypatch.setattr(cache_module, "SAVE_SECONDS", 0.0)
        shelf.add(DIGESTS[2:4], ROWS[2:4])
        assert found(cache) == [0, 1, 2, 3]
        monkeypatch.setattr(cache_module, "SAVE_SECONDS", 1000.0)
        monkeypatch.setattr(cache_module, "SEGMENT_BYTES", 2 * (ROW_BYTES + 20))
        shelf.add(DIGESTS[4:6], ROWS[4:6])
        assert found(cache) == [0, 1, 2, 3, 4, 5]
        shelf.add(DIGESTS[6:7], ROWS[6:7])
        assert found(cache) == [0, 1, 2, 3, 4, 5]
    assert found(cache) == list(range(7))


DAMAGE = {
    "a byte of a row": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "another digest": lambda content: content[:24] + DIGESTS[9] + content[40:],
    "longer": lambda content: content + b"\0",
    "a foreign file": lambda content: b"PK" + content,
    "zeros, after a loss of power": lambda content: bytes(len(content)),
    "an absurd number of rows": lambda content: content[:8] + b"\xff" * 16 + content[24:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_made_again(cache, damage):
    put(cache, 0, 5)
    (path,) = segments(cache)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert set(found(cache)) < set(range(5))
    put(cache, 0, 5)
    assert found(cache) == list(range(5))
    assert len(segments(cache)) == 1


def test_whichever_byte_is_damaged_or_last_what_is_found_is_what_was_added(cache):
    put(cache, 0, 2)
    (path,) = segments(cache)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for content in (whole[:place], whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]):
            path.write_bytes(content)
            assert found(cache) != [0, 1]  # which compares those that are


def test_a_shelf_whose_label_is_damaged_is_shown_without_it(cache):
    put(cache)
    for label in cache.folder.glob("*/shelf.json"):
        label.write_text("[")
    assert [one.made_by for one in cache.shelves()] == [{}]


def test_a_row_is_found_in_its_second_copy_where_the_first_is_damaged(cache):
    put(cache)
    put(cache)
    first = segments(cache)[0]
    first.write_bytes(DAMAGE["a byte of a row"](first.read_bytes()))
    assert found(cache) == list(range(10))


def test_what_was_not_used_for_longest_goes_first(cache):
    for first in (0, 2, 4):
        put(cache, first, first + 2)
    for path, hours in zip(segments(cache), (3, 2, 1), strict=True):
        grow_old(path, hours)
    assert found(cache, DIGESTS[:1]) == [0]  # which is now the one used last
    size = segments(cache)[0].stat().st_size
    put(Cache(cache.folder, 3 * size), 6, 8)
    assert found(cache) == [0, 1, 4, 5, 6, 7]


def test_what_this_run_has_used_is_not_deleted_for_what_it_adds(tmp_path):
    received = []
    cache = Cache(tmp_path / "cache")
    put(cache, 0, 2)
    put(cache, 2, 4)
    for path in segments(cache):
        grow_old(path, 1)
    size = segments(cache)[0].stat().st_size
    run = Cache(tmp_path / "cache", 2 * size)
    assert found(run, DIGESTS[:2]) == [0, 1]
    put(run, 4, 6)  # in place of what the run does not use
    assert found(cache) == [0, 1, 4, 5]
    put(run, 6, 8, notify=received.append)
    assert found(cache) == [0, 1, 4, 5]
    assert received == [Noted("no more is added to the cache: what is in use takes all of cache.gigabytes")]


def test_what_another_process_clears_is_made_again_and_no_error(tmp_path):
    with open_cache(CacheConfig(folder=str(tmp_path / "cache")), tmp_path / "private") as cache:
        put(cache)
        with cache.shelf("features", MADE_BY) as shelf:
            assert Cache(tmp_path / "cache").clear() > 0
            assert shelf.get(DIGESTS[0]) is None
            shelf.add(DIGESTS, ROWS)
        assert found(cache) == list(range(10))
    assert Cache(tmp_path / "cache").clear() > 0
    (tag,) = (tmp_path / "cache").iterdir()
    assert tag.name == "CACHEDIR.TAG"
    assert tag.read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be killed at once")
def test_processes_that_write_at_once_and_are_killed_leave_only_whole_rows(tmp_path):
    context = multiprocessing.get_context("spawn")
    folder = tmp_path / "cache"
    processes = [context.Process(target=write_for_ever, args=(folder, number)) for number in range(2)]
    for process in processes:
        process.start()
    deadline = time.monotonic() + 60
    while len(found(Cache(folder))) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert found(Cache(folder)) == list(range(10))


def write_for_ever(folder, number):
    order = np.random.default_rng(number).permutation(10)
    while True:
        with Cache(folder, 100_000).shelf("features", MADE_BY) as shelf:
            shelf.add([DIGESTS[row] for row in order], ROWS[order])


def test_what_a_killed_process_left_unfinished_is_deleted_later(cache):
    put(cache)
    left = segments(cache)[0].with_name("0.partial")
    left.write_bytes(b"half")
    cache.shelves()
    assert left.exists()  # its process may be writing
    grow_old(left, 2)
    cache.shelves()
    assert not left.exists()


def test_a_folder_that_cannot_be_written_is_left_out_with_a_warning(tmp_path):
    (tmp_path / "file").write_text("")
    received = []
    with open_cache(CacheConfig(folder=str(tmp_path / "file")), tmp_path / "private", received.append) as cache:
        put(cache)
        assert found(cache) == list(range(10))
        assert cache.folder == tmp_path / "private"
    (warning,) = received
    assert isinstance(warning, Warned)
    assert str(tmp_path / "file") in warning.message
    assert not (tmp_path / "private").exists()


def test_a_private_cache_stays_where_the_run_is_interrupted(tmp_path):
    config = CacheConfig(folder="none")

    def run():
        with open_cache(config, tmp_path / "private") as cache, cache.shelf("features", MADE_BY) as shelf:
            shelf.add(DIGESTS, ROWS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    with open_cache(config, tmp_path / "private") as cache:
        assert found(cache) == list(range(10))
    assert not (tmp_path / "private").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_nothing_behind(cache, monkeypatch):
    put(cache, 0, 1)
    folder = segments(cache)[0].parent
    full = Path.open

    def open_on_full_disk(path, mode="r", *args):
        return full(Path("/dev/full"), "wb") if mode == "xb" else full(path, mode, *args)

    received = []
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_full_disk)
        put(cache, 1, 10, notify=received.append)
    assert received == [Warned("no more is added to the cache: No space left on device")]
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".rows"]
    assert found(cache) == [0]


def test_room_is_left_on_the_disk_and_for_the_run_itself(cache, monkeypatch):
    received = []
    monkeypatch.setattr(cache_module, "SAVE_SECONDS", 0.0)
    with cache.shelf("features", MADE_BY, run_bytes=2**62, notify=received.append) as shelf:
        shelf.add(DIGESTS[:2], ROWS[:2])
        shelf.add(DIGESTS[2:4], ROWS[2:4])  # of which nothing more is said
    assert received == [Noted("no more is added to the cache: the disk is nearly full")]
    monkeypatch.setattr(cache_module, "LEAST_FREE", 2**62)
    put(cache, notify=received.append)
    assert len(received) == 2
    assert found(cache) == []


def test_nothing_is_deleted_for_what_will_never_fit(cache):
    put(cache, 0, 4)
    put(Cache(cache.folder, 200), 4, 10)
    assert found(cache) == [0, 1, 2, 3]


def test_what_a_run_writes_is_not_deleted_for_more_also_where_a_file_server_has_another_time(tmp_path, monkeypatch):
    original = cache_module.write_segment

    def write_with_clock_behind(folder, digests, rows):
        path = original(folder, digests, rows)
        grow_old(path, 1)
        return path

    put(Cache(tmp_path / "cache"), 0, 2)
    (path,) = segments(Cache(tmp_path / "cache"))
    size = path.stat().st_size
    grow_old(path, 1)
    monkeypatch.setattr(cache_module, "write_segment", write_with_clock_behind)
    run = Cache(tmp_path / "cache", 2 * size)
    for first in (2, 4, 6):  # the first one has room, the second is in place of what is older, and the third has none
        put(run, first, first + 2)
    assert found(run) == [2, 3, 4, 5]


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_links_are_not_followed_out_of_the_cache(cache, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "0.rows").write_bytes(b"of another program")
    put(cache)
    (path,) = segments(cache)
    shelf = path.parent
    real = path.rename(tmp_path / "real.rows")
    path.symlink_to(real)
    assert found(cache) == []  # a link in place of a file
    (shelf / "shelf.json").unlink()
    (shelf / "shelf.json").symlink_to(elsewhere / "new.json")
    put(cache)
    assert found(cache) == list(range(10))
    assert not (elsewhere / "new.json").exists()
    for each in shelf.iterdir():
        each.unlink()
    shelf.rmdir()
    shelf.symlink_to(elsewhere)  # a link in place of a shelf
    received = []
    put(cache, notify=received.append)
    assert [type(event) for event in received] == [Warned]
    assert found(cache) == []
    assert cache.shelves() == []
    cache.clear()
    assert real.exists()
    assert [entry.name for entry in elsewhere.iterdir()] == ["0.rows"]


def test_a_folder_that_holds_other_things_keeps_them(tmp_path):
    (tmp_path / "images-of-mine").mkdir()
    (tmp_path / "images-of-mine" / "a.rows").write_bytes(b"mine")
    with open_cache(CacheConfig(folder=str(tmp_path)), tmp_path / "private") as cache:
        put(cache)
    cache.clear()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["images-of-mine"]
    assert (tmp_path / "images-of-mine" / "a.rows").read_bytes() == b"mine"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_files_get_the_modes_that_the_user_wants(cache):
    before = os.umask(0o027)
    try:
        put(cache)
    finally:
        os.umask(before)
    (path,) = segments(cache)
    assert [each.stat().st_mode & 0o777 for each in (path.parent, path)] == [0o750, 0o640]
