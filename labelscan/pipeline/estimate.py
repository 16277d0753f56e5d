"""How long a run would take, estimated before it starts."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from labelscan.data.cores import available_cores
from labelscan.pipeline.planned_opinions import PlannedOpinion, input_shape
from labelscan.pipeline.planning import Plan
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.engines import make_engine
from labelscan.training.freed_memory import freed_memory_kept
from labelscan.training.learners import NetworkLearner
from labelscan.training.losses import losses_of
from labelscan.training.models import is_backbone

SECONDS = 1.0
"""How long the timing takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Rough seconds of the parts of a run that take long; 0 where there is no such part."""

    features: float
    """Of frozen backbones; next to them the heads take no time."""
    training: float
    """Of networks, over all folds; a self-check trains all models twice."""

    @property
    def total(self) -> float:
        """Return the seconds of the whole run."""
        return self.features + self.training


def estimate(plan: Plan) -> Estimate | None:
    """Return a rough time, measured on a few steps of each network with made-up inputs.

    It leaves out classifiers, which have no steps, and is None where there is nothing else.
    """
    frozen = {
        (one.frozen, one.image_shape): one
        for one in plan.opinions
        if one.frozen is not None and one.image_shape is not None  # embeddings of texts take no time next to folds
    }
    networks = [one for one in plan.opinions if one.frozen is None and one.is_network]
    if not frozen and not networks:
        return None
    rounds = 2 if plan.config.detection.self_check else 1
    return Estimate(
        features=sum(_feature_seconds(one, plan.device) for one in frozen.values()) * len(plan.dataset),
        training=sum(_training_seconds(plan, one) for one in networks) * rounds,
    )


def _feature_seconds(opinion: PlannedOpinion, device: Device) -> float:
    """Return the time of one image; on a CPU each core works on its own batch."""
    backbone, shape = opinion.frozen, opinion.image_shape
    assert backbone is not None
    assert is_backbone(backbone)
    assert shape is not None
    assert opinion.engine is not None
    with reproducible(0, threads=1), freed_memory_kept(), torch.inference_mode():
        network = make_network(backbone.make_features, device, seed=0).eval()
        engine = make_engine(network, (shape.channels, shape.height, shape.width), device, opinion.engine)
        images = torch.randn(engine.batch_size, shape.channels, shape.height, shape.width, device=device.place)
        images = images.to(memory_format=torch.channels_last)
        seconds = _seconds_a_step(lambda: engine(images), device)
    return seconds * (1 + opinion.mirrored) / len(images) / (available_cores() if device.kind == "cpu" else 1)


def _training_seconds(plan: Plan, opinion: PlannedOpinion) -> float:
    """Return the time of one network, in all folds and epochs."""
    n_jobs, n_passes = plan.n_jobs + plan.n_threshold_runs, plan.n_passes(opinion)
    assert isinstance(opinion.learner, NetworkLearner)
    shape = input_shape(plan.dataset, opinion.image_shape)
    seconds = _example_seconds(plan, opinion.learner, shape, opinion.device) * n_passes / plan.processes_of(opinion)
    core_seconds = opinion.pass_seconds * n_passes
    return seconds / plan.executor.side_by_side(n_jobs, core_seconds, plan.device, plan.threads, plan.folds_per_gpu)


def _example_seconds(plan: Plan, learner: NetworkLearner, shape: tuple[int, ...], device: Device) -> float:
    """Return the time of one example in one epoch."""
    batch, n_classes = learner.recipe.batch_size, len(plan.dataset.class_names)
    with reproducible(0, threads=plan.threads), freed_memory_kept():
        inputs = torch.randn(batch, *shape, device=device.place)
        inputs = inputs.permute(0, 3, 1, 2) if len(shape) == 3 else inputs
        labels = torch.randint(0, n_classes, (batch,), device=device.place)
        loss, positions = learner.schedule.begin(batch, n_classes, device.place).loss, torch.arange(batch)
        network = make_network(lambda: learner.make(shape), device, seed=0)

        def step() -> None:
            with device.autocast():
                logits = network(inputs)
            losses_of(loss, logits, labels, positions).mean().backward()  # type: ignore[no-untyped-call]  # torch
            network.zero_grad()

        return _seconds_a_step(step, device) / batch


def _seconds_a_step(step: Callable[[], object], device: Device) -> float:
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
        torch.cuda.synchronize(device.place)
