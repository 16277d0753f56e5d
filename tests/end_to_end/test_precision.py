"""Networks that gain from the matrix units of a CPU are trained in bfloat16; all else about a run stays as it is."""

import json

import pytest
from shapes import CLASSES
from tiny_detect import contents, quick
from torch import nn

import labelscan

TREES = "extra-trees:n_estimators=20"


@pytest.fixture(autouse=True)
def matrix_units(monkeypatch):
    monkeypatch.setattr("labelscan.training.device.has_matrix_units", lambda: True)


@pytest.fixture
def images(shapes):
    """The shapes at 16 x 16 pixels, from which on bfloat16 pays."""
    return shapes[0].repeat(2, axis=1).repeat(2, axis=2)


def detect(images, shapes, folder, **settings):
    return labelscan.detect(images, shapes[2], settings=quick(**settings), output=folder)


def test_a_run_in_bfloat16_says_so_gives_the_same_bytes_again_and_others_than_in_float32(images, shapes, tmp_path):
    first, second = (detect(images, shapes, tmp_path / name) for name in ("first", "second"))
    assert contents(first.folder) == contents(second.folder)
    record = json.loads((first.folder / "run.json").read_text())
    assert record["choices"]["opinions"][0]["precision"] == record["machines"][-1]["precision"] == "bfloat16"
    exact = detect(images, shapes, tmp_path / "exact", **{"device.precision": "float32"})
    assert contents(exact.folder, "scores.csv") != contents(first.folder, "scores.csv")


def test_each_model_keeps_its_own_precision_side_by_side(images, shapes, tmp_path):
    settings = {"model.name": ("small-cnn", "mlp"), "training.epochs": 2}
    alone = detect(images, shapes, tmp_path / "alone", **settings)
    beside = detect(images, shapes, tmp_path / "beside", **settings, **{"executor.processes": 2})
    assert contents(beside.folder, "scores.csv") == contents(alone.folder, "scores.csv")
    plan = labelscan.plan(images, shapes[2], settings=quick(**settings))
    assert [one.device.dtype_name for one in plan.opinions] == ["bfloat16", "float32"]
    assert plan.precisions == ("bfloat16", "float32")


def test_networks_of_the_caller_are_trained_in_float32(images, shapes):
    def make():
        return nn.Sequential(nn.Flatten(), nn.Linear(256, len(CLASSES)))

    plan = labelscan.plan(images, shapes[2], settings=quick(), model=make)
    assert plan.precisions == ("float32",)
