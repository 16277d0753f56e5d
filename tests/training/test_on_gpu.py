"""What only a GPU can show: ``pytest -m gpu``, in a few minutes."""

import numpy as np
import pytest
import torch
from shapes import draw_shapes, plant_errors
from tiny_detect import PLANTED, contents, quick
from tiny_training import CPU, learn, recipe, stored_shapes
from torch import nn
from torchvision.models import resnet18

import labelscan
from labelscan.detection.evidence import Evidence
from labelscan.events import Warned
from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.loop import Training
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.schedule import build_schedule

pytestmark = pytest.mark.gpu
GPU = Device("cuda:0")
EVERYTHING = 2**40


@pytest.fixture
def shapes(tmp_path):
    return stored_shapes(tmp_path)


def epoch(inputs, device, resident_bytes=0):
    batches = Batches(inputs, np.arange(150), device, Augmentation(2, flip=True), resident_bytes=resident_bytes)
    batches.chunk = 40
    return [
        (positions.cpu(), images.cpu())
        for _ in range(20)  # enough for memory to be used again
        for positions, images in batches.training(torch.arange(150), 8, torch.Generator().manual_seed(1))
    ]


def test_batches_are_those_of_the_cpu_wherever_they_come_from(shapes):
    plain = epoch(shapes[0], CPU)
    for resident_bytes in (0, EVERYTHING):
        for one, other in zip(plain, epoch(shapes[0], GPU, resident_bytes), strict=True):
            assert torch.equal(one[0], other[0])
            torch.testing.assert_close(one[1], other[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_training_gives_the_same_bytes_twice_and_wherever_its_examples_lie(shapes, precision):
    device = Device("cuda:0", precision)
    once, *others = (learn(shapes, device=device, resident_bytes=room) for room in (0, 0, EVERYTHING))
    for pred_probs, margins, epochs in others:
        np.testing.assert_array_equal(pred_probs, once[0])
        assert torch.equal(margins.mean(), once[1].mean())
        assert torch.equal(margins.probs(), once[1].probs())
        assert epochs == once[2]
    assert (once[0].argmax(axis=1) == shapes[1][120:]).mean() > 0.9


def test_a_training_in_float32_begins_as_on_the_cpu_and_learns_as_much(shapes):
    (on_cpu, _, losses_there), (on_gpu, _, losses_here) = (learn(shapes, device=device) for device in (CPU, GPU))
    assert losses_here[0][1] == pytest.approx(losses_there[0][1], rel=0.01)
    assert np.abs(on_gpu - on_cpu).mean() < 0.05
    assert (on_gpu.argmax(axis=1) == on_cpu.argmax(axis=1)).mean() > 0.9


@pytest.mark.parametrize("loss", ["blurry", "elr", "anl-ce", "nce+rce", "piecewise-zero:delay=0"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_no_step_waits_for_the_gpu(shapes, loss, precision):
    inputs, labels = shapes
    device, index = Device("cuda:0", precision), np.arange(120)
    with reproducible(0, threads=1):
        batches = Batches(inputs, index, device, Augmentation(1, flip=True), resident_bytes=EVERYTHING)
        network = make_network(lambda: SmallCNN(8).make(inputs.shape, 3), device, 0).train()
        schedule = build_schedule(loss, n_epochs=2, n_classes=3)
        training = Training(network, batches, index, labels, n_classes=3, schedule=schedule, recipe=recipe(), seed=0)
        steps = training.steps()
        while training.epoch < 5:  # the later epochs also collect probabilities
            next(steps)
        next(steps)
        try:
            torch.cuda.set_sync_debug_mode("error")
            taken = [next(steps) for _ in range(5)]
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert taken == [None] * 5


class Wide(nn.Module):
    """A network whose activations take some 32 MB for each image."""

    def __init__(self):
        super().__init__()
        self.widen = nn.Conv2d(1, 2**17, 1)
        self.head = nn.Linear(2**17, 3)

    def forward(self, images):
        return self.head(self.widen(images).relu().amax(dim=(2, 3)))


def test_a_batch_too_large_for_the_gpu_is_trained_in_parts(shapes):
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    received = []
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**30) / total)
    try:
        pred_probs, _, _ = learn(shapes, device=GPU, epochs=1, make=lambda *_: Wide(), notify=received.append)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert any(
        "do not fit into the memory of the GPU" in event.message for event in received if isinstance(event, Warned)
    )
    assert np.isfinite(pred_probs).all()


def detected(folder, device, **changes):
    images, labels = draw_shapes(180)
    settings = quick(**{"device.name": device, **changes})
    return labelscan.detect(images, plant_errors(labels, PLANTED), settings=settings, output=folder)


def test_folds_side_by_side_on_a_gpu_give_the_same_bytes_as_one_after_another(tmp_path):
    detected(tmp_path / "one", "cuda:0")
    detected(tmp_path / "two", "cuda:0", **{"executor.processes": 2})
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_features_of_a_frozen_backbone_are_those_of_the_cpu(tmp_path):
    torch.manual_seed(0)
    torch.save(resnet18().state_dict(), tmp_path / "resnet18.pt")
    of_backbone = {
        "model.name": "resnet18:head=extra-trees",  # the same on both, given the same features
        "model.weights": str(tmp_path / "resnet18.pt"),
        "store.image_size": 64,
        "device.precision": "float32",
        "cache.folder": "none",
    }
    probs = []
    for device in ("cpu", "cuda:0"):
        detected(tmp_path / device, device, **of_backbone)
        probs.append(Evidence.read(tmp_path / device / "evidence.npz").pred_probs)
    assert np.abs(probs[0] - probs[1]).mean() < 0.05  # convolutions of a GPU may round to TF32
