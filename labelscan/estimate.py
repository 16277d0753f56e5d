"""How long a run would take, told before it starts."""

import time

import torch

from labelscan.device import reproducible
from labelscan.learners import NetworkLearner
from labelscan.planning import Plan, input_shape

SECONDS = 1.0
"""How long training steps are timed."""


def estimate_seconds(plan: Plan) -> float | None:
    """Return a rough time for the training of a plan, from timing some steps of its model on made-up inputs.

    None where there is nothing to time so: features of a frozen backbone, a classifier of scikit-learn.
    """
    if not isinstance(plan.learner, NetworkLearner) or plan.frozen is not None:
        return None
    recipe, device = plan.learner.recipe, plan.device
    shape = input_shape(plan.dataset, plan.image_shape)
    with reproducible(0, threads=plan.threads):
        inputs = torch.randn(recipe.batch_size, *shape, device=device.place)
        inputs = inputs.permute(0, 3, 1, 2) if len(shape) == 3 else inputs
        labels = torch.randint(0, len(plan.dataset.class_names), (recipe.batch_size,), device=device.place)
        network = plan.learner.make(shape).to(device.place)
        n_steps, started = -1, time.monotonic()
        while n_steps < 1 or time.monotonic() - started < SECONDS:
            with device.autocast():
                logits = network(inputs)
            plan.learner.schedule.loss(logits, labels).mean().backward()  # type: ignore[no-untyped-call]  # torch
            network.zero_grad()
            n_steps += 1
            if n_steps == 0:  # the first step compiles and allocates
                started = time.monotonic()
        if device.kind == "cuda":
            torch.cuda.synchronize()
        seconds = (time.monotonic() - started) / n_steps / recipe.batch_size
    passes = len(plan.dataset) * (1 - 1 / plan.config.folds.n_folds) * recipe.epochs * plan.n_jobs
    side_by_side = plan.executor.side_by_side(plan.n_jobs, int(passes), plan.device, plan.threads)
    return float(seconds * passes / side_by_side)
