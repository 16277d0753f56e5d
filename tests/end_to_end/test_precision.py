"""Networks that gain from the matrix units of a CPU are trained in bfloat16; all else about a run stays as it is."""

import json
from importlib.util import find_spec

import pytest
from refusals import refuses
from shapes import CLASSES
from tiny_detect import contents, quick
from torch import nn

import labelscan
from labelscan.errors import Interrupted, RunFolderError
from labelscan.events import FoldDone, ignore
from labelscan.pipeline.run_plan import run_plan
from labelscan.training.models.timm_model import lite0_installed

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


@pytest.mark.skipif(not lite0_installed() or find_spec("openvino") is None, reason="needs labelscan[lite0,cpu]")
def test_an_interrupted_run_keeps_no_features_of_another_engine(images, shapes, tmp_path, monkeypatch):
    def run(name, has_units, notify=ignore):
        monkeypatch.setattr("labelscan.training.engines.has_matrix_units", lambda: has_units)
        settings = {"model.name": "efficientnet-lite0", "store.image_size": 32, "training.epochs": 2}
        return labelscan.detect(images, shapes[2], settings=quick(**settings), output=tmp_path / name, notify=notify)

    def stop(event):
        if isinstance(event, FoldDone):
            raise Interrupted("interrupted", "enough")

    with pytest.raises(Interrupted):
        run("resumed", False, stop)
    features = tmp_path / "resumed" / "store" / "features.npy"
    assert features.is_file()
    resumed, fresh = (run(name, True) for name in ("resumed", "fresh"))
    assert contents(resumed.folder, "scores.csv") == contents(fresh.folder, "scores.csv")


@pytest.mark.skipif(not lite0_installed() or find_spec("openvino") is None, reason="needs labelscan[lite0,cpu]")
def test_a_machine_with_another_engine_merges_what_others_have_made(images, shapes, tmp_path, monkeypatch):
    settings = {"model.name": "efficientnet-lite0", "store.image_size": 32, "training.epochs": 2}
    settings |= {"store.images_per_part": 100, "cache.folder": "none"}
    given = {"settings": quick(**settings), "output": tmp_path / "run"}
    labelscan.run_only(labelscan.plan(images, shapes[2], **given), ["features"])
    blocks = contents(tmp_path / "run" / "store", "features-part-0-of-2/output.npz")
    monkeypatch.setattr("labelscan.training.engines.has_matrix_units", lambda: False)
    with refuses(RunFolderError, "jobs-not-done"):
        labelscan.detect(images, shapes[2], merge=True, **given)
    assert not list((tmp_path / "run" / "store").glob("features-part-*")), "they have been put together"
    assert blocks


@pytest.mark.skipif(not lite0_installed() or find_spec("openvino") is None, reason="needs labelscan[lite0,cpu]")
def test_runs_that_share_features_take_none_of_another_engine(images, shapes, tmp_path, monkeypatch):
    def run(name, has_units, inputs):
        monkeypatch.setattr("labelscan.training.engines.has_matrix_units", lambda: has_units)
        settings = {"model.name": "efficientnet-lite0", "store.image_size": 32, "training.epochs": 2}
        plan = labelscan.plan(images, shapes[2], settings=quick(**settings), output=tmp_path / name)
        return contents(run_plan(plan, inputs=tmp_path / inputs).folder, "scores.csv")

    first, second = run("first", False, "shared"), run("second", True, "shared")
    assert second == run("alone", True, "its own") != first


def test_each_model_keeps_its_own_precision_side_by_side(images, shapes, tmp_path):
    settings = {"model.name": ("small-cnn", "mlp"), "training.epochs": 2}
    alone = detect(images, shapes, tmp_path / "alone", **settings)
    beside = detect(images, shapes, tmp_path / "beside", **settings, **{"executor.processes": 2})
    assert contents(beside.folder, "scores.csv") == contents(alone.folder, "scores.csv")
    plan = labelscan.plan(images, shapes[2], settings=quick(**settings))
    assert [one.dtype_name for one in plan.devices.values()] == ["bfloat16", "float32"]
    assert plan.precisions == ("bfloat16", "float32")


def test_networks_of_the_caller_are_trained_in_float32(images, shapes):
    def make():
        return nn.Sequential(nn.Flatten(), nn.Linear(256, len(CLASSES)))

    plan = labelscan.plan(images, shapes[2], settings=quick(), model=make)
    assert plan.precisions == ("float32",)
