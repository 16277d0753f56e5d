"""``labelscan cache``: what earlier runs have kept, and clearing it."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from labelscan.images.cache import Cache

PHOTOS = {"size": "224 x 224 x 3", "decoder": 1, "pillow": "12.0", "jpeg": "3.1", "max_pixels": 100_000_000}
FEATURES = {"backbone": "resnet18", "mirrored": True, "size": "224 x 224 x 3", "torch": "2.9"}
THEN = 1_780_000_000


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Make a folder ``cache`` with pixels and features of four images, used in May 2026."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    cache, digests = Cache(tmp_path / "cache"), [bytes([number]) * 16 for number in range(4)]
    for kind, made_by, row_bytes in (("images", PHOTOS, 150_528), ("features", FEATURES, 2048)):
        with cache.shelf(kind, made_by) as shelf:
            shelf.add(digests, np.zeros((4, row_bytes), dtype=np.uint8))
        for path in cache.folder.glob(f"{kind}-*/*.rows"):
            os.utime(path, (THEN, THEN + (kind == "features")))
    return cache.folder


def test_it_shows_what_is_kept_and_how_it_was_made(command, kept, golden):
    ended = command("cache", "--cache", "cache")
    assert (ended.code, ended.err) == (0, "")
    golden("cache.txt", ended.out)
    golden("cache.json", command("cache", "--cache", "cache", "--json").out)
    assert command("cache", "--cache", "nothing").out == "nothing: 0 kB of 20 GB\n"


def test_clearing_says_what_went_and_deletes_it(command, kept):
    ended = command("cache", "--cache", "cache", "--clear")
    assert (ended.code, ended.out) == (0, "cleared 611 kB\ncache: 0 kB of 20 GB\n")
    assert not list(kept.glob("*/*"))


def test_clearing_says_what_the_system_does_not_let_it_delete(command, kept, monkeypatch):
    def refuse(path, missing_ok=False):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    ended = command("cache", "--cache", "cache", "--clear")
    assert ended.out.splitlines()[0] == "cleared 0 kB; kept 611 kB, which may not be deleted"


def test_a_variable_names_the_folder_and_the_limit(command, kept, monkeypatch):
    monkeypatch.setenv("LABELSCAN_CACHE", "cache")
    monkeypatch.setenv("LABELSCAN_CACHE_GIGABYTES", "0.5")
    assert command("cache").out.splitlines()[0] == "cache: 611 kB of 500 MB"
    monkeypatch.delenv("LABELSCAN_CACHE")
    monkeypatch.setenv("LABELSCAN_CACHE_FOLDER", "cache")  # by its key, as for every setting
    assert command("cache").out.splitlines()[0] == "cache: 611 kB of 500 MB"


def test_a_run_says_how_much_was_there(command, photos):
    quick = ("--epochs", "1", "--folds", "2", "--cache", "mine", "--model", "small-cnn")
    assert "cache       mine" in command("detect", "photos", *quick, "--dry-run").out
    assert "reused" not in command("detect", "photos", *quick, "-o", "first").err
    assert "12 of 12 decoded images are reused" in command("detect", "photos", *quick, "-o", "second").err
    assert not (photos.parent / "second" / "store" / "cache").exists()


def test_a_network_that_is_kept_is_not_counted_in_examples(command):
    with Cache(Path("cache")).shelf("networks", {"engine": "openvino 2026.4"}) as shelf:
        shelf.add([bytes(16)], np.zeros((1, 2000), dtype=np.uint8))
    assert "\nnetworks  compiled network, 2 kB" in command("cache", "--cache", "cache").out
