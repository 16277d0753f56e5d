"""How long a run would take, estimated before it starts."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from labelscan.data.inputs import are_images
from labelscan.errors import DiskError, StorageError
from labelscan.events import Event, StepAdvanced
from labelscan.images.blocks import ImageBlocks
from labelscan.images.cache import Cache
from labelscan.images.sources import ImageArray
from labelscan.jobs.blocks import FeatureMaker, make_inputs
from labelscan.jobs.files import CACHE
from labelscan.jobs.learners import NetworkLearner
from labelscan.pipeline.image_inputs import blocks_of, feature_maker_of, is_decoded_for
from labelscan.pipeline.planned_members import PlannedMember, input_shape
from labelscan.pipeline.planning import PlannedRun
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.gpu_memory import gpu_memory_returned
from labelscan.training.losses import losses_of

SECONDS = 1.0
"""How long each timing takes, once the first images are made or the first step is done."""
SAMPLE, SAMPLE_BYTES, REMOTE_SAMPLE, SAMPLE_BLOCK = 4096, 2**26, 64, 8
"""Images that are made at most, bytes of their pixels, those that come over a network, and how many at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Rough seconds of the parts of a run that take long; 0 where there is no such part."""

    inputs: float
    """Those of reading and decoding images, and of features of frozen backbones, beside which heads take no time."""
    training: float
    """Those of networks, over all folds; a self-check trains all models twice."""

    @property
    def total(self) -> float:
        """Return the seconds of the whole run."""
        return self.inputs + self.training


def estimate(planned: PlannedRun) -> Estimate | None:
    """Return a rough time: that of some images, and of a few steps of each network with made-up inputs.

    It is that without a cache, and leaves out classifiers, which have no steps. None is for a run of nothing else, or
    where images cannot be read now.
    """
    inputs, training = seconds_of_inputs(planned), seconds_of_training(planned)
    return None if inputs is None or not inputs + training else Estimate(inputs=inputs, training=training)


def seconds_of_inputs(planned: PlannedRun) -> float | None:
    """Return the seconds of all pixels and features, each of which is made once; None where that cannot be tried now.

    The run itself may find the storage that does not answer, or the full disk, in another state.
    """
    plan, source = planned.plan, planned.plan.dataset.inputs
    if not are_images(source):  # embeddings of texts take no time next to folds
        return 0.0
    of_images = [one for one in plan.members if one.frozen is not None or is_decoded_for(plan, one)]
    made = {(one.frozen, one.image_shape): one for one in of_images}
    try:
        return sum(
            _seconds_to_make(blocks_of(plan, one, source), feature_maker_of(one), planned.device)
            for one in made.values()
        )
    except (OSError, DiskError, StorageError):
        return None


def seconds_of_training(planned: PlannedRun) -> float:
    """Return the seconds of all networks, in all folds and epochs."""
    rounds = 2 if planned.plan.config.detection.self_check else 1
    networks = [one for one in planned.plan.members if one.frozen is None and one.is_network]
    return sum(_training_seconds(planned, one) for one in networks) * rounds


class _EnoughSeen(Exception):  # noqa: N818  # no error
    """The timing has taken its time."""


def _seconds_to_make(images: ImageBlocks, maker: FeatureMaker | None, device: Device) -> float:
    """Return the time of all images, measured on some from all over them in the way in which a run makes them."""
    rows = np.random.default_rng(0).choice(len(images), _sample_size(images), replace=False)
    sample = dataclasses.replace(images, source=images.source.take(rows), most_rows=SAMPLE_BLOCK)
    began = time.monotonic()
    seen: list[tuple[float, int]] = []
    """Seconds and images at the first that were made, and since then."""

    def listen(event: Event) -> None:
        if isinstance(event, StepAdvanced) and event.done > (seen[-1][1] if seen else 0):
            seen.append((time.monotonic() - began, event.done))
            if seen[-1][0] - seen[0][0] >= SECONDS:
                raise _EnoughSeen

    with TemporaryDirectory(prefix="labelscan-") as folder, contextlib.suppress(_EnoughSeen):
        path, cache = Path(folder, "sample.npy"), Cache(Path(folder, CACHE))
        make_inputs(sample, path, maker, cache=cache, device=device, notify=listen)
    if not seen:
        return time.monotonic() - began
    # The first images come after a network was converted, and threads were started.
    (seconds, done), (last, all_done) = seen[0] if len(seen) > 1 else (0.0, 0), seen[-1]
    return last + (last - seconds) / (all_done - done) * (len(images) - all_done)


def _sample_size(images: ImageBlocks) -> int:
    source = images.source
    in_memory = source.images[:1].nbytes if isinstance(source, ImageArray) else 0
    most = REMOTE_SAMPLE if source.reads_at_once else SAMPLE
    return max(1, min(len(images), most, SAMPLE_BYTES // max(math.prod(images.shape), in_memory)))


def _training_seconds(planned: PlannedRun, member: PlannedMember) -> float:
    """Return the time of one network, in all folds and epochs."""
    plan = planned.plan
    n_jobs, n_passes = plan.n_jobs + plan.n_threshold_runs, plan.n_passes(member)
    assert isinstance(member.learner, NetworkLearner)
    shape = input_shape(plan.dataset, member.image_shape)
    n_classes, device = len(plan.dataset.class_names), planned.devices[member.name]
    an_example = _example_seconds(member.learner, shape, n_classes, device, planned.threads)
    at_once = planned.executor.side_by_side(
        n_jobs, member.pass_seconds * n_passes, planned.device, planned.threads, planned.folds_per_gpu
    )
    return an_example * n_passes / planned.processes_of(member) / at_once


def _example_seconds(
    learner: NetworkLearner, shape: tuple[int, ...], n_classes: int, device: Device, threads: int
) -> float:
    """Return the time of one example in one epoch."""
    batch = learner.recipe.batch_size
    with reproducible(0, threads=threads), gpu_memory_returned():
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
