import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

import labelscan
from labelscan.data.decoding import ImageShape
from labelscan.pipeline import estimate
from labelscan.pipeline.planning import Plan

STEP = 0.01


class Clock:
    """A clock that only those move who take time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class SlowFeatures(nn.Module):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def forward(self, images: Tensor) -> Tensor:
        assert images.shape == (16, 3, 24, 24)
        self.clock.now += STEP
        return images.mean(dim=(2, 3))


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(estimate, "SECONDS", 0.05)
    monkeypatch.setattr(estimate, "available_cores", lambda: 1)
    images = np.zeros((32, 8, 8), np.uint8)
    return labelscan.plan(images, np.arange(32) % 2, settings=labelscan.settings(device="cpu", epochs=4, folds=2))


def test_features_of_a_frozen_network_are_timed_for_the_image_and_its_mirror(plan, monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(estimate, "time", clock)
    backbone = SimpleNamespace(make_features=lambda: SlowFeatures(clock))
    frozen = dataclasses.replace(plan, frozen=backbone, image_shape=ImageShape(24, 24, 3))
    # 32 images and their mirrors are four batches of 16.
    assert estimate.estimate_seconds(frozen) == pytest.approx(4 * STEP)
    monkeypatch.setattr(estimate, "available_cores", lambda: 4)
    assert estimate.estimate_seconds(frozen) == pytest.approx(STEP)


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
