import dataclasses
import time

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

import labelscan
from labelscan.data.decoding import ImageShape
from labelscan.pipeline import estimate
from labelscan.pipeline.planning import Plan

STEP = 0.01


class SlowFeatures(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        assert images.shape == (16, 3, 24, 24)
        time.sleep(STEP)
        return images.mean(dim=(2, 3))


class SlowBackbone:
    """A pretrained network whose features take a known time."""

    def make_features(self) -> nn.Module:
        return SlowFeatures()


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(estimate, "SECONDS", 0.05)
    monkeypatch.setattr(estimate, "available_cores", lambda: 1)
    images = np.zeros((32, 8, 8), np.uint8)
    return labelscan.plan(images, np.arange(32) % 2, settings=labelscan.settings(device="cpu", epochs=4, folds=2))


def test_features_of_a_frozen_network_are_timed_for_the_image_and_its_mirror(plan, monkeypatch) -> None:
    frozen = dataclasses.replace(plan, frozen=SlowBackbone(), image_shape=ImageShape(24, 24, 3))
    seconds = estimate.estimate_seconds(frozen)
    assert 4 * STEP <= seconds < 12 * STEP
    monkeypatch.setattr(estimate, "available_cores", lambda: 4)
    assert estimate.estimate_seconds(frozen) < seconds


def test_training_takes_longer_with_more_epochs(plan) -> None:
    longer = dataclasses.replace(plan.learner, recipe=dataclasses.replace(plan.learner.recipe, epochs=400))
    seconds = estimate.estimate_seconds(plan)
    assert 0 < seconds < estimate.estimate_seconds(dataclasses.replace(plan, learner=longer))


def test_a_self_check_doubles_the_time_of_training(plan, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "_training_seconds", lambda plan, learner: 0.5)
    detection = dataclasses.replace(plan.config.detection, self_check=0.02)
    checked = dataclasses.replace(plan, config=dataclasses.replace(plan.config, detection=detection))
    assert estimate.estimate_seconds(checked) == 2 * estimate.estimate_seconds(plan)


def test_a_loss_that_remembers_examples_is_timed_too(plan) -> None:
    images = np.zeros((32, 8, 8), np.uint8)
    settings = labelscan.settings(device="cpu", epochs=4, folds=2, loss="elr")
    seconds = estimate.estimate_seconds(labelscan.plan(images, np.arange(32) % 2, settings=settings))
    assert seconds is not None
    assert seconds > 0


def test_what_has_no_steps_has_no_estimate() -> None:
    plan = labelscan.plan(np.eye(8, dtype=np.float32), np.arange(8) % 2, model=LogisticRegression())
    assert estimate.estimate_seconds(plan) is None
