import dataclasses
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import labelscan
from labelscan.errors import StorageError
from labelscan.events import Listener, StepAdvanced
from labelscan.images.blocks import ImageBlocks
from labelscan.images.decoding import ImageShape
from labelscan.images.sources import ImageArray
from labelscan.pipeline import estimate
from labelscan.pipeline.planning import PlannedRun
from labelscan.training.device import Device


class Clock:
    """A clock that only those move who take time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Backbone:
    pass


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> PlannedRun:
    monkeypatch.setattr(estimate, "SECONDS", 0.05)
    images = np.zeros((32, 8, 8), np.uint8)
    settings = labelscan.settings(model="small-cnn", device="cpu", epochs=4, folds=2)
    return labelscan.plan(images, np.arange(32) % 2, settings=settings)


def changed(planned: PlannedRun, **changes: object) -> PlannedRun:
    """Return the same with other values of the plan."""
    return dataclasses.replace(planned, plan=dataclasses.replace(planned.plan, **changes))


def seconds(planned: PlannedRun) -> float:
    found = estimate.estimate(planned)
    assert found is not None
    return found.total


@pytest.mark.parametrize("size", [100, 100_000])
def test_images_are_timed_from_the_first_on_that_are_made(size, monkeypatch) -> None:
    """A network is converted before, and a run of all images does that once as well."""
    clock = Clock()
    monkeypatch.setattr(estimate, "time", clock)
    made: list[int] = []

    def make(images: ImageBlocks, path: Path, frozen: None, *, notify: Listener, **_: object) -> None:
        made.append(len(images))
        clock.now += 5
        for done in (0, 0, *range(10, len(images) + 1, 10)):
            notify(StepAdvanced("features", done))  # features of decoded images come later
            clock.now += 0.25
            notify(StepAdvanced("features", done))
            clock.now += 0.25

    monkeypatch.setattr(estimate, "make_inputs", make)
    images = ImageBlocks(source=ImageArray(np.zeros((size, 2, 2), np.uint8)), shape=ImageShape(4, 4, 1), max_pixels=99)
    assert estimate._seconds_to_make(images, None, Device("cpu")) == pytest.approx(6 + (size - 10) * 0.05)
    assert made == [min(size, estimate.SAMPLE)]
    assert clock.now < 8, "no more is made than is needed"


def test_images_that_are_seen_come_from_all_over_and_fit_into_memory(monkeypatch) -> None:
    values = np.repeat(np.arange(200, dtype=np.uint8), 100)[:, None, None]
    seen: list[ImageBlocks] = []
    monkeypatch.setattr(estimate, "make_inputs", lambda images, *_, **__: seen.append(images))
    for source in (values, np.broadcast_to(values, (20_000, 1024, 1024))):
        images = ImageBlocks(source=ImageArray(source), shape=ImageShape(2, 2, 1), max_pixels=2**20)
        estimate._seconds_to_make(images, None, Device("cpu"))
    small, large = (one.source.images for one in seen)
    assert (len(small), len(large)) == (estimate.SAMPLE, 64)
    assert abs(small[: len(small) // 10, 0, 0].mean() - 99.5) < 10


def test_there_is_no_estimate_where_images_cannot_be_read_now(plan, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageError("storage-unavailable", "the bucket does not answer")

    monkeypatch.setattr(estimate, "make_inputs", fail)
    monkeypatch.setattr(estimate, "is_decoded_for", lambda plan, member: True)
    assert estimate.estimate(plan) is None


def test_few_images_are_all_made_and_nothing_is_left_of_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    images = np.random.default_rng(0).integers(0, 255, (12, 9, 9), np.uint8)
    settings = labelscan.settings(model="small-cnn", image_size=4, device="cpu", epochs=1, folds=2)
    plan = labelscan.plan(images, np.arange(12) % 2, settings=settings)
    assert 0 < estimate.seconds_of_inputs(plan) < 10
    assert not list(tmp_path.iterdir())
    as_they_are = labelscan.settings(model="small-cnn", device="cpu", epochs=1, folds=2)
    assert estimate.seconds_of_inputs(labelscan.plan(images, np.arange(12) % 2, settings=as_they_are)) == 0


def test_training_takes_longer_with_more_epochs(plan) -> None:
    (member,) = plan.plan.members
    learner = member.learner
    longer = dataclasses.replace(learner, recipe=dataclasses.replace(learner.recipe, epochs=400))
    assert 0 < seconds(plan) < seconds(changed(plan, members=(dataclasses.replace(member, learner=longer),)))


def test_a_self_check_doubles_the_time_of_training(plan, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "_training_seconds", lambda plan, member: 0.5)
    detection = dataclasses.replace(plan.plan.config.detection, self_check=0.02)
    checked = changed(plan, config=dataclasses.replace(plan.plan.config, detection=detection))
    assert seconds(checked) == 2 * seconds(plan)


def test_every_network_takes_its_time_and_features_that_two_share_are_computed_once(plan, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "_training_seconds", lambda plan, member: 0.5)
    monkeypatch.setattr(estimate, "_seconds_to_make", lambda images, maker, device: 0.25 if maker is None else 8)
    monkeypatch.setattr(estimate, "feature_maker_of", lambda member: member.frozen)
    network = plan.plan.members[0]
    decoded = dataclasses.replace(network, image_shape=ImageShape(4, 4, 1))
    frozen = dataclasses.replace(network, frozen=Backbone())
    models = (network, decoded, decoded, frozen, dataclasses.replace(frozen, name="another head"))
    several = changed(plan, members=models)
    assert estimate.estimate(several) == estimate.Estimate(inputs=8.25, training=1.5)


def test_a_loss_that_remembers_examples_is_timed_too(plan) -> None:
    images = np.zeros((32, 8, 8), np.uint8)
    settings = labelscan.settings(device="cpu", epochs=4, folds=2, loss="elr")
    assert seconds(labelscan.plan(images, np.arange(32) % 2, settings=settings)) > 0


def test_what_has_no_steps_has_no_estimate() -> None:
    plan = labelscan.plan(np.eye(8, dtype=np.float32), np.arange(8) % 2, model=LogisticRegression())
    assert estimate.estimate(plan) is None
