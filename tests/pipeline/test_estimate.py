import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

import labelscan
from labelscan.data.decoding import ImageShape
from labelscan.pipeline import estimate
from labelscan.pipeline.planning import Plan
from labelscan.training.engines import EngineChoice

STEP = 0.01
TORCH = EngineChoice("torch", "1", "float32")


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
        assert images.shape == (8, 3, 24, 24)
        self.clock.now += STEP
        return images.mean(dim=(2, 3))


class Backbone:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def make_features(self) -> nn.Module:
        return SlowFeatures(self.clock)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(estimate, "SECONDS", 0.05)
    monkeypatch.setattr(estimate, "available_cores", lambda: 1)
    images = np.zeros((32, 8, 8), np.uint8)
    settings = labelscan.settings(model="small-cnn", device="cpu", epochs=4, folds=2)
    return labelscan.plan(images, np.arange(32) % 2, settings=settings)


def changed(plan: Plan, **changes: object) -> Plan:
    return dataclasses.replace(plan, opinions=(dataclasses.replace(plan.opinions[0], **changes),))


def seconds(plan: Plan) -> float:
    found = estimate.estimate(plan)
    assert found is not None
    return found.total


def test_features_of_a_frozen_network_are_timed_for_the_image_and_its_mirror(plan, monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(estimate, "time", clock)
    backbone = Backbone(clock)
    frozen = changed(plan, frozen=backbone, mirrored=True, engine=TORCH, image_shape=ImageShape(24, 24, 3))
    # 32 images and their mirrors are eight batches of 8.
    assert seconds(frozen) == pytest.approx(8 * STEP)
    monkeypatch.setattr(estimate, "available_cores", lambda: 4)
    assert seconds(frozen) == pytest.approx(2 * STEP)


def test_training_takes_longer_with_more_epochs(plan) -> None:
    learner = plan.opinions[0].learner
    longer = dataclasses.replace(learner, recipe=dataclasses.replace(learner.recipe, epochs=400))
    assert 0 < seconds(plan) < seconds(changed(plan, learner=longer))


def test_a_self_check_doubles_the_time_of_training(plan, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "_training_seconds", lambda plan, opinion: 0.5)
    detection = dataclasses.replace(plan.config.detection, self_check=0.02)
    checked = dataclasses.replace(plan, config=dataclasses.replace(plan.config, detection=detection))
    assert seconds(checked) == 2 * seconds(plan)


def test_every_network_takes_its_time_and_features_that_two_share_are_computed_once(plan, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "_training_seconds", lambda plan, opinion: 0.5)
    monkeypatch.setattr(estimate, "_feature_seconds", lambda opinion, device: 0.25)
    network = plan.opinions[0]
    frozen = dataclasses.replace(network, frozen=Backbone(Clock()))
    several = dataclasses.replace(plan, opinions=(network, frozen, dataclasses.replace(frozen, name="another head")))
    assert estimate.estimate(several) == estimate.Estimate(features=32 * 0.25, training=0.5)


def test_a_loss_that_remembers_examples_is_timed_too(plan) -> None:
    images = np.zeros((32, 8, 8), np.uint8)
    settings = labelscan.settings(device="cpu", epochs=4, folds=2, loss="elr")
    assert seconds(labelscan.plan(images, np.arange(32) % 2, settings=settings)) > 0


def test_what_has_no_steps_has_no_estimate() -> None:
    plan = labelscan.plan(np.eye(8, dtype=np.float32), np.arange(8) % 2, model=LogisticRegression())
    assert estimate.estimate(plan) is None
