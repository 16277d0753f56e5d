"""Several processes that train a network together: on CPUs, by gloo; with NCCL only where there are two GPUs."""

import os
import random
import signal
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from refusals import refuses
from shapes import draw_shapes, plant_errors
from tiny_detect import PLANTED, Recorder
from tiny_training import CPU, recipe, stored_shapes
from torch import distributed, nn

import labelscan
from labelscan.errors import ConfigError, Interrupted, RunError
from labelscan.events import EpochDone, ignore
from labelscan.jobs.executors.local import LocalExecutor
from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.data_parallel import ALONE, Team, check_gpus, team_of
from labelscan.training.device import Device, all_gpus, make_network, reproducible
from labelscan.training.loop import Training
from labelscan.training.schedule import build_schedule
from labelscan.training.shared_batch_norm import share_batch_norm

LOSSES = ("blurry:delay=1", "elr", "anl-ce")
"""One by examples, one with a memory of them, one that adds to gradients and shortens them."""
MOVED = Augmentation(1, flip=True, least_area=0.6)


class Smooth(nn.Module):
    """A network where rounding stays small: no maximum, which it could decide, and no weight without a gradient."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(1, 4, 3, stride=2, bias=False), nn.BatchNorm2d(4)
        self.hidden, self.norm_hidden, self.head = nn.Linear(36, 16, bias=False), nn.BatchNorm1d(16), nn.Linear(16, 3)

    def forward(self, images):
        parts = self.norm(self.convolution(images)).tanh().flatten(1)
        return self.head(self.norm_hidden(self.hidden(parts)).tanh())


def trained(shapes, loss, team, device=CPU):
    """Return a training of two epochs in batches of 15, which two processes cannot halve, and its figures."""
    settings = recipe(epochs=2, batch_size=15, weight_decay=0.1, augmentation=MOVED)
    index, schedule = np.arange(120), build_schedule(loss, n_epochs=2, n_classes=3)
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    with reproducible(0, threads=1), exact:
        batches = Batches(shapes[0], index, device, MOVED)
        batches.chunk = 40
        network = make_network(Smooth, device, 0).train()
        training = Training(
            network, batches, index, shapes[1], n_classes=3, schedule=schedule, recipe=settings, seed=0, team=team
        )
        return training, [figures for figures in training.steps() if figures is not None]


def help_train(folder, labels, team, device):
    for loss in LOSSES:
        trained((StoredInputs(folder / "images.npy", 2**20), labels), loss, team, device)


@pytest.mark.parametrize(
    "device", [CPU, pytest.param(Device("cuda:0"), marks=[pytest.mark.gpu, pytest.mark.skipif("not two_gpus()")])]
)
def test_two_processes_take_the_steps_of_one(tmp_path, device):
    shapes = stored_shapes(tmp_path)
    alone = [trained(shapes, loss, ALONE, device) for loss in LOSSES]
    with team_of(device, 2, partial(help_train, tmp_path, shapes[1]), seed=0, where="here", notify=ignore) as team:
        together = [trained(shapes, loss, team, device) for loss in LOSSES]
    for (one, figures), (other, others) in zip(alone, together, strict=True):
        for (name, value), same in zip(
            one.network.state_dict().items(), other.network.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(same, value, rtol=0, atol=1e-5, msg=name)
        torch.testing.assert_close(other.margins.mean(), one.margins.mean(), rtol=0, atol=1e-4)
        torch.testing.assert_close(other.margins.probs(), one.margins.probs(), rtol=0, atol=1e-3)
        for epoch, same in zip(figures, others, strict=True):
            assert same["loss"] == pytest.approx(epoch["loss"], abs=1e-5)
            assert same["train_accuracy"] == epoch["train_accuracy"]
    assert not distributed.is_initialized()


def two_gpus():
    return torch.cuda.device_count() >= 2


def work(how, team, device):
    """Add up numbers with the others, until this process fails where it is a helper."""
    for step in range(100):
        if team.rank and step == 3:
            os.kill(os.getpid(), signal.SIGKILL) if how == "killed" else int("three")
        distributed.all_reduce(torch.ones(2))


def fail_late(team, device):
    time.sleep(0.5)
    raise ValueError("late")


@pytest.mark.parametrize(
    "how",
    ["killed", "error", threading.Lock(), "late"],
    ids=["killed", "error", "not picklable", "late"],
)
def test_a_process_that_fails_ends_the_fold_with_one_clear_error(how):
    help_with = fail_late if how == "late" else partial(work, how)
    with (
        refuses(RunError, "process-ended", "repeat 0, fold 1"),
        team_of(CPU, 2, help_with, seed=0, where="repeat 0, fold 1", notify=ignore) as team,
    ):
        if how != "late":
            work(how, team, CPU)
    assert not distributed.is_initialized()


def test_a_training_whose_team_has_let_go_keeps_no_checkpoint(tmp_path):
    training, _ = trained(stored_shapes(tmp_path), LOSSES[0], ALONE, CPU)
    assert training.is_sound()
    training._team = Team(0, 2, seed=0)  # of which no other process is there
    assert not training.is_sound()


def test_what_a_network_draws_depends_on_process_and_step_alone():
    def draws(rank, *steps):
        team, drawn = Team(rank, 2, seed=5), []
        for step in steps:
            team.begin_step(step)
            drawn.append((torch.rand(1).item(), np.random.random(), random.random()))
        return drawn

    with reproducible(0, threads=1):
        assert draws(1, 0, 1, 2)[2:] == draws(1, 2)
        assert len({*draws(0, 0, 1), *draws(1, 0, 1)}) == 4


def test_a_run_of_two_processes_a_fold_flags_what_one_does_even_if_it_is_interrupted(tmp_path):
    images, labels = draw_shapes(150)
    given = plant_errors(labels, PLANTED)

    def detect(name, notify=ignore, **changes):
        settings = labelscan.settings(
            overrides={"executor.processes": 1, "executor.threads": 1, "training.epochs": 4, **changes}, folds=2
        )
        return labelscan.detect(images, given, model=Smooth, settings=settings, output=tmp_path / name, notify=notify)

    def stop(event):
        if isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 2):
            raise Interrupted("interrupted", "enough")

    alone, received = detect("one"), Recorder()
    with pytest.raises(Interrupted):
        detect("two", stop, **{"executor.gpus_per_fold": 2.0})
    together = detect("two", received, **{"executor.gpus_per_fold": 2.0})
    assert received.reused() == [0]
    assert received.epochs() == [(1, 3), (1, 4)]
    assert set(together.issues.flagged.example_id) == set(alone.issues.flagged.example_id)
    one, two = (run.issues.scores.sort_values("example_id") for run in (alone, together))
    np.testing.assert_allclose(two.self_confidence, one.self_confidence, atol=1e-4)
    np.testing.assert_allclose(two.train_margin, one.train_margin, atol=1e-4)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_slices_of_all_processes_are_the_batches_of_one(tmp_path, size):
    inputs, _ = stored_shapes(tmp_path)
    batches = Batches(inputs, np.arange(150), CPU, MOVED)
    batches.chunk = 40

    def epoch(team):
        generator = torch.Generator().manual_seed(3)
        return list(batches.training(torch.arange(100), 16, generator, done=1, team=team))

    slices = [epoch(Team(rank, size)) for rank in range(size)]
    for (positions, images), *parts in zip(epoch(ALONE), *slices, strict=True):
        assert all(torch.equal(places, positions) for places, _ in parts)
        assert torch.equal(torch.cat([part for _, part in parts]), images)
        sizes = {len(part) for _, part in parts}
        assert max(sizes) - min(sizes) <= 1


@pytest.fixture
def eight_gpus(machine):
    machine(*8 * [80])


@pytest.mark.parametrize(
    ("device", "n_processes"), [(Device("cuda:0", one_of_all=True), 9), (Device("cuda:1"), 2), (Device("mps"), 2)]
)
def test_more_gpus_than_there_are_are_refused(eight_gpus, device, n_processes):
    with refuses(ConfigError, "too-few-gpus", "executor.gpus_per_fold"):
        check_gpus(device, n_processes)
    check_gpus(device, 1)
    check_gpus(CPU, 9)


@pytest.mark.parametrize("executor", ["ray", "slurm"])
def test_gpus_that_a_cluster_has_are_not_counted_here(eight_gpus, executor, monkeypatch):
    monkeypatch.setattr("labelscan.pipeline.planning.choose_device", lambda _: Device("cuda:0", one_of_all=True))
    asked = {"executor.gpus_per_fold": 16}
    given = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2
    planned = labelscan.plan(*given, settings=labelscan.settings(model="small-cnn", executor=executor, overrides=asked))
    assert planned.processes_per_fold == 16
    with refuses(ConfigError, "too-few-gpus"):
        labelscan.plan(*given, settings=labelscan.settings(model="small-cnn", overrides=asked))


def test_folds_that_take_several_gpus_have_neighbours_to_themselves(eight_gpus):
    every = Device("cuda:0", one_of_all=True)
    assert [device.name for device in all_gpus(every, 3)] == ["cuda:0", "cuda:3"]
    assert LocalExecutor(processes_per_fold=4).side_by_side(5, 1e9, every, 1, 1) == 2


def test_batch_norm_is_that_of_torch_on_gpus_and_of_timm_for_its_own_layers():
    layers = pytest.importorskip("timm.layers")
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2)).to("meta")  # not on a CPU
    assert type(share_batch_norm(network)[0]) is nn.SyncBatchNorm
    network = nn.Sequential(layers.BatchNormAct2d(2), nn.BatchNorm2d(2)).to("meta")
    assert [type(part) for part in share_batch_norm(network)] == [layers.SyncBatchNormAct, nn.SyncBatchNorm]


@pytest.mark.parametrize("norm", [nn.LazyBatchNorm1d(), nn.BatchNorm1d(2, momentum=None), nn.SyncBatchNorm(2)])
def test_batch_norm_that_nobody_can_share_is_refused(norm):  # torch's own is for GPUs alone
    with refuses(ConfigError, "wrong-model"):
        share_batch_norm(nn.Sequential(norm, nn.Linear(2, 2)))
