"""How long a run would take, estimated before it starts."""

import time
from collections.abc import Callable

import torch

from labelscan.data.cores import available_cores
from labelscan.data.decoding import ImageShape
from labelscan.pipeline.planning import Plan, input_shape
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.learners import NetworkLearner
from labelscan.training.losses import losses_of
from labelscan.training.models import Backbone
from labelscan.training.models.frozen_backbone import CPU_BATCH, GPU_BATCH

SECONDS = 1.0
"""How long the timing takes."""


def estimate_seconds(plan: Plan) -> float | None:
    """Return a rough time of training, measured on a few steps of the model with made-up inputs.

    With a frozen backbone it is the time of the features, next to which the heads take none. It is None for a
    classifier of scikit-learn, which has no steps. A self-check trains all models twice.
    """
    if plan.frozen is not None and plan.image_shape is not None:
        return _feature_seconds(plan.frozen, plan.image_shape, plan.device, views=1 + plan.mirrored) * len(plan.dataset)
    if not isinstance(plan.learner, NetworkLearner):
        return None
    n_jobs = plan.n_jobs + plan.n_threshold_runs
    side_by_side = plan.executor.side_by_side(n_jobs, plan.n_passes, plan.device, plan.threads)
    rounds = 2 if plan.config.detection.self_check else 1
    return float(_training_seconds(plan, plan.learner) * plan.n_passes / side_by_side * rounds)


def _feature_seconds(backbone: Backbone, shape: ImageShape, device: Device, *, views: int) -> float:
    """Return the time of one image; on a CPU each core works on its own batch."""
    on_cpu = device.kind == "cpu"
    batch = CPU_BATCH if on_cpu else GPU_BATCH
    with reproducible(0, threads=1), torch.inference_mode():
        network = make_network(backbone.make_features, device, seed=0).eval()
        images = torch.randn(batch, shape.channels, shape.height, shape.width, device=device.place)

        def step() -> None:
            with device.autocast():
                network(images)

        seconds = _seconds_a_step(step, device)
    return seconds * views / batch / (available_cores() if on_cpu else 1)


def _training_seconds(plan: Plan, learner: NetworkLearner) -> float:
    """Return the time of one example in one epoch."""
    device, batch = plan.device, learner.recipe.batch_size
    n_classes, shape = len(plan.dataset.class_names), input_shape(plan.dataset, plan.image_shape)
    with reproducible(0, threads=plan.threads):
        inputs = torch.randn(batch, *shape, device=device.place)
        inputs = inputs.permute(0, 3, 1, 2) if len(shape) == 3 else inputs
        labels = torch.randint(0, n_classes, (batch,), device=device.place)
        loss, positions = learner.schedule.begin(batch, n_classes, device.place).loss, torch.arange(batch)
        network = learner.make(shape).to(device.place)

        def step() -> None:
            with device.autocast():
                logits = network(inputs)
            losses_of(loss, logits, labels, positions).mean().backward()  # type: ignore[no-untyped-call]  # torch
            network.zero_grad()

        return _seconds_a_step(step, device) / batch


def _seconds_a_step(step: Callable[[], None], device: Device) -> float:
    step()  # the first one compiles and allocates
    _wait(device)
    n_steps, started = 0, time.monotonic()
    while n_steps < 1 or time.monotonic() - started < SECONDS:
        step()
        n_steps += 1
    _wait(device)
    return (time.monotonic() - started) / n_steps


def _wait(device: Device) -> None:
    if device.kind == "cuda":
        torch.cuda.synchronize()
