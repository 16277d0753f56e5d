"""Runs share what they decode and compute, and their results are the same bytes as if they did not."""

import json
import os
import shutil
import signal

import numpy as np
import pytest
import torch
from refusals import refuses
from shapes import draw_shapes, plant_errors, write_folder
from tiny_detect import Recorder, contents
from torchvision.models import resnet18

import labelscan
from labelscan.errors import Interrupted
from labelscan.events import Noted, StepAdvanced, Warned
from labelscan.images import blocks
from labelscan.training.models import frozen_backbone

N_IMAGES = 42
N_KEPT = 32
"""Features in the cache when a run is killed: two batches."""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Return a folder of images in class folders, four of them in the wrong one."""
    images, labels = draw_shapes(N_IMAGES)
    return write_folder(tmp_path_factory.mktemp("images") / "in", images, plant_errors(labels, [4, 11, 20, 33]))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Return a file of weights, so that a backbone counts as pretrained; they are random."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pt"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(resnet18(num_classes=2).state_dict(), path)
    return path


def quick(weights, cache, **flags):
    flags = {"cache": str(cache), "loss": "ce", "model": "resnet18", **flags}
    overrides = {"executor.processes": 1, "executor.threads": 1, "device.engine": "torch"}  # openvino is compiled first
    if flags["model"] == "resnet18":
        flags["weights"] = str(weights)
    return labelscan.settings(overrides=overrides, image_size=16, folds=3, epochs=3, **flags)


@pytest.fixture
def settings(weights, tmp_path):
    """Return a function that gives settings of quick runs which share a cache."""
    return lambda **flags: quick(weights, **{"cache": tmp_path / "cache", **flags})


def detect(data, settings, output):
    """Return the run, and of how many images features (or pixels, where these are wanted) were reused and made."""
    received = Recorder()
    run = labelscan.detect(data, settings=settings, output=output, notify=received)
    notes = [event.message.split() for event in received.of(Noted) if event.message.endswith(" are reused")]
    assert len(notes) <= 1
    n_reused = sum(int(n_reused) for n_reused, *_ in notes)
    return run, n_reused, run.summary.n_examples - n_reused


@pytest.fixture(scope="module")
def first_of_all(images, weights, tmp_path_factory):
    """Return a finished run on the images, with nothing in the cache before; tests only read it."""
    folder = tmp_path_factory.mktemp("first")
    run, reused, computed = detect(images, quick(weights, folder / "cache"), folder / "first")
    assert (reused, computed) == (0, N_IMAGES)
    return run


@pytest.fixture
def first(first_of_all, tmp_path):
    """Return that run, and have a copy of the cache that it left."""
    shutil.copytree(first_of_all.folder.with_name("cache"), tmp_path / "cache")
    return first_of_all


@pytest.mark.parametrize("other", [{"loss": "gce"}, {"seed": 1}], ids=str)
def test_another_loss_or_seed_decodes_and_computes_nothing_and_the_log_says_so(
    images, settings, first, tmp_path, other
):
    run, reused, computed = detect(images, settings(**other), tmp_path / "second")
    assert (reused, computed) == (N_IMAGES, 0)
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert f"{N_IMAGES} of {N_IMAGES} features are reused" in [line.get("message") for line in lines]


def test_corrected_labels_decode_and_compute_nothing(first, settings, tmp_path):
    applied = labelscan.apply(first.folder, relabel=True, min_error_probability=0.0, output=tmp_path / "corrected.csv")
    _, reused, computed = detect(applied.output, settings(), tmp_path / "second")
    assert (reused, computed) == (N_IMAGES, 0)


def test_a_moved_and_a_new_file_cost_what_is_new(first, images, settings, tmp_path):
    copy = shutil.copytree(images, tmp_path / "copy")
    (copy / "bar" / "0000.png").rename(copy / "cross" / "moved.png")
    (new, *_), _ = draw_shapes(1, seed=9)
    write_folder(copy, np.array([new]), np.array([2]))
    _, reused, computed = detect(copy, settings(), tmp_path / "second")
    assert (reused, computed) == (N_IMAGES, 1)


def test_results_are_the_same_bytes_with_and_without_the_cache(first, images, settings, tmp_path):
    alone, reused, computed = detect(images, settings(cache="none"), tmp_path / "alone")
    assert (reused, computed) == (0, N_IMAGES)
    assert contents(alone.folder) == contents(first.folder)
    again, reused, _ = detect(images, settings(), tmp_path / "again")
    assert reused == N_IMAGES
    assert contents(again.folder) == contents(first.folder)
    assert [entry.name for entry in (alone.folder / "store").iterdir()] == ["features.npz"]


@pytest.mark.parametrize("cache", ["cache", "none"])
def test_pixels_that_only_a_frozen_backbone_sees_are_stored_nowhere(images, settings, tmp_path, cache):
    seen = set()

    def look(event):
        seen.update(path.name.partition("-")[0] for path in tmp_path.rglob("*"))

    chosen = settings(cache=cache if cache == "none" else str(tmp_path / cache))
    labelscan.detect(images, settings=chosen, output=tmp_path / "run", notify=look)
    assert {"features.npy", "features.npz", "features"} <= seen  # the last is the shelf of the cache
    assert not [name for name in seen if "images" in name]


def test_a_run_can_be_interrupted_while_it_reads_the_cache(first, images, settings, tmp_path):
    def stop(event):
        if isinstance(event, StepAdvanced) and event.step == "features":
            raise Interrupted("interrupted", "while features are read")

    with refuses(Interrupted, "interrupted"):
        labelscan.detect(images, settings=settings(seed=1), output=tmp_path / "run", notify=stop)


def test_a_finished_run_needs_nothing_of_the_cache(first, tmp_path):
    shutil.rmtree(tmp_path / "cache")
    assert labelscan.report(first.folder).is_file()
    assert labelscan.gate(first.folder, max_rate=1.0).passed
    assert labelscan.diff(first.folder, first.folder)


def test_a_cache_that_cannot_be_used_is_a_warning(first, images, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    received = Recorder()
    run = labelscan.detect(
        images, settings=settings(cache=str(tmp_path / "file")), output=tmp_path / "second", notify=received
    )
    (warning,) = [event.message for event in received.of(Warned) if "cache" in event.message]
    assert f"the cache {tmp_path / 'file'} is left out: it cannot be written" in warning
    assert contents(run.folder) == contents(first.folder)
    assert [entry.name for entry in (run.folder / "store").iterdir()] == ["features.npz"]


@pytest.mark.parametrize("cache", ["cache", "none"])
def test_an_interrupted_decoding_goes_on_where_it_was(images, settings, tmp_path, monkeypatch, cache):
    monkeypatch.setattr(blocks, "MAX_BLOCK_ROWS", 5)
    monkeypatch.setattr(blocks, "SECONDS_BETWEEN_EVENTS", 0.0)
    chosen = settings(model="small-cnn", cache=cache if cache == "none" else str(tmp_path / cache))

    def stop(event):
        if isinstance(event, StepAdvanced) and event.step == "decode" and event.done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        labelscan.detect(images, settings=chosen, output=tmp_path / "run", notify=stop)
    run, reused, _ = detect(images, chosen, tmp_path / "run")
    assert reused == 20
    assert [entry.name for entry in (run.folder / "store").iterdir()] == ["images.npz"]


def be_killed(images, settings, output):
    """Run with rows that are saved at once, until there are features of some images."""
    from labelscan.images import cache

    cache.SAVE_SECONDS = 0.0
    frozen_backbone.available_cores = lambda: 1

    def kill(event):
        if isinstance(event, StepAdvanced) and event.step == "features" and event.done >= N_KEPT:
            os.kill(os.getpid(), signal.SIGKILL)

    labelscan.detect(images, settings=settings, output=output, notify=kill)


@pytest.mark.parametrize("cache", ["cache", "none"])
def test_a_killed_run_goes_on_within_its_features(images, settings, first_of_all, tmp_path, processes, cache):
    chosen = settings(cache=cache if cache == "none" else str(tmp_path / cache))
    process = processes.Process(target=be_killed, args=(images, chosen, tmp_path / "run"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    run, n_features, computed = detect(images, chosen, tmp_path / "run")
    assert (n_features, computed) == (N_KEPT, N_IMAGES - N_KEPT)
    assert contents(run.folder) == contents(first_of_all.folder)


def be_one_of_several(images, settings, output, barrier):
    barrier.wait(60)
    labelscan.detect(images, settings=settings, output=output)


def test_runs_at_the_same_time_do_not_disturb_each_other(images, settings, tmp_path, processes):
    barrier, losses = processes.Barrier(2), ("ce", "gce")
    running = [
        processes.Process(target=be_one_of_several, args=(images, settings(loss=loss), tmp_path / loss, barrier))
        for loss in losses
    ]
    for process in running:
        process.start()
    for process in running:
        process.join()
        assert process.exitcode == 0
    for loss in losses:
        alone, reused, _ = detect(images, settings(loss=loss), tmp_path / f"{loss}-alone")
        assert reused == N_IMAGES
        assert contents(alone.folder) == contents(tmp_path / loss)
