import dataclasses

import numpy as np
import pytest
import torch
from refusals import refuses

import labelscan
from labelscan.errors import UsageError
from labelscan.events import Chosen
from labelscan.pipeline.job_names import JobNames
from labelscan.pipeline.plan_facts import facts_to_json, job_facts, plan_facts, plan_to_json
from labelscan.pipeline.run_plan import jobs_in_blocks
from labelscan.training.hardware import hardware
from labelscan.training.models.timm_model import lite0_installed


def test_a_plan_says_what_would_run_and_nothing_of_what_would_not():
    plan = labelscan.plan(np.eye(20, 3, dtype=np.float32), np.arange(20) % 2, settings=labelscan.settings(folds=4))
    facts = dict(plan_facts(plan))
    assert (facts["examples"], facts["inputs"], facts["folds"]) == ("20", "rows of features", "4")
    assert not {"threshold runs", "self-check"} & facts.keys()
    settings = labelscan.settings(detector="aum", overrides={"detection.self_check": 0.05, "folds.repeats": 2})
    fuller = dict(plan_facts(labelscan.plan(np.zeros((60, 8, 8), np.uint8), np.arange(60) % 2, settings=settings)))
    assert (fuller["inputs"], fuller["folds"]) == ("8 x 8, grey", "5 x 2 repeats")
    assert fuller["threshold runs"] == "2 on all examples"
    assert fuller["self-check"] == "all of it again with about 6 planted errors"


def test_json_has_counts_as_numbers_and_labels_as_keys():
    plan = labelscan.plan(np.eye(20, 3, dtype=np.float32), np.arange(20) % 2)
    content = plan_to_json(plan)
    assert (content["examples"], content["classes"], content["run_folder"]) == (20, 2, str(plan.folder))
    assert content["choices"] == dataclasses.asdict(plan.choices)
    assert facts_to_json([("run folder", "a"), ("self-check", "b")]) == {"run_folder": "a", "self_check": "b"}


@pytest.fixture
def of_two_models():
    """Return the plan of two models on images of two sizes, with threshold runs."""
    settings = labelscan.settings(
        model=("small-cnn", "linear"),
        detector="aum",
        device="cpu",
        image_size=4,
        overrides={"folds.repeats": 2, "store.images_per_part": 25},
    )
    return labelscan.plan(np.zeros((60, 8, 8), np.uint8), np.arange(60) % 2, settings=settings)


def test_jobs_are_listed_as_they_are_asked_for_and_the_list_names_all_of_them(of_two_models):
    label, text = job_facts(of_two_models.plan)
    assert (label, text) == ("jobs", "images:0-2, fold:0-0..1-4, aum:0..1, folds of 2 models each")
    asked = [JobNames.of(name) for name in text.split(", ")[:-1]]
    every = jobs_in_blocks(of_two_models.plan)
    assert len(every) == 3 + 2 * 10 + 2
    assert [name for name in every if any(one.has(name) for one in asked)] == every


def test_a_plan_of_some_jobs_says_how_many_these_are(of_two_models):
    assert job_facts(of_two_models.plan, ["fold:0-3", "images:1"]) == ("jobs", "fold:0-3, images:1: 3 of 25")
    with refuses(UsageError, "unknown-job"):
        job_facts(of_two_models.plan, ["fold:7-0"])


@pytest.mark.skipif(not lite0_installed(), reason="needs labelscan[lite0]")
def test_a_plan_names_the_engine_of_frozen_features_and_none_where_there_are_no_features():
    settings = labelscan.settings(
        model="efficientnet-lite0", device="cpu", overrides={"device.engine": "torch", "device.precision": "bfloat16"}
    )
    images, received = np.zeros((20, 96, 96, 3), np.uint8), []
    plan = labelscan.plan(images, np.arange(20) % 2, settings=settings, notify=received.append)
    engine = f"torch {torch.__version__}, bfloat16"
    assert dict(plan_facts(plan))["engine"] == plan.choices.opinions[0]["engine"] == engine
    assert Chosen("engine", engine, "set by device.engine") in received
    engines = [plan.plan.members[0].engine]
    assert hardware(plan.device, threads=1, precisions=(), engines=engines)["engine"] == engine
    settings = labelscan.settings(
        model=("small-cnn", "efficientnet-lite0"), device="cpu", overrides={"device.engine": "torch"}
    )
    both = labelscan.plan(images, np.arange(20) % 2, settings=settings)
    assert dict(plan_facts(both))["engine"] == f"torch {torch.__version__}, float32"
    small = labelscan.plan(images[:, :8, :8], np.arange(20) % 2, settings=labelscan.settings(model="small-cnn"))
    assert "engine" not in dict(plan_facts(small))


def test_a_plan_is_the_same_wherever_it_is_run_and_its_jobs_are_known_without_a_folder(tmp_path):
    settings = labelscan.settings(model=("small-cnn", "linear"), folds=2, device="cpu")
    images, labels = np.zeros((60, 8, 8), np.uint8), np.arange(60) % 2
    here = labelscan.plan(images, labels, settings=settings, output=tmp_path / "run")
    there = labelscan.plan(images, labels, settings=settings, output=tmp_path / "other")
    assert here.plan == there.plan
    assert here.folder != there.folder
    other = labelscan.plan(images, labels[::-1].copy(), settings=settings, output=tmp_path / "run")
    assert other.plan != here.plan
    assert jobs_in_blocks(here.plan) == [
        "images-part-0-of-1",
        *(f"fold-0-{fold}{opinion}" for opinion in ("", "-opinion-2") for fold in range(2)),
    ]
    assert not list(tmp_path.iterdir())
    assert str(tmp_path) not in repr(here.plan)
