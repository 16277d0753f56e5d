"""AdamW and its one-cycle learning rate, by torch's function for the step itself.

``torch.optim.AdamW`` and ``OneCycleLR`` give the same numbers, bit for bit, and are slower where a training is short.
Measured with torch 2.13 on a CPU, both in turn in one process, 15 times: a step of the small CNN takes 8 % longer on
images of 8 x 8 in batches of 16, and as long (1 %, within the noise) on 28 x 28 in batches of 64. Before their first
step the methods of these classes import torch's compiler, to tell it to keep out: more than a second, of which 0.8 s
are processor time, and 70 MiB of memory, in every process that trains. A fold that takes less than half a minute
becomes more than 3 % slower by that alone.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from labelscan.training.checkpoint import State

RISING = 0.3
"""The share of steps in which the learning rate rises."""
FIRST, LAST = 1 / 25, 1 / 25e4
"""The learning rates of the first and the last step, as shares of the highest."""
MOMENTUM, LEAST_MOMENTUM = 0.95, 0.85
"""The momentum at both ends, and where the learning rate is highest."""
BETA2, EPSILON = 0.999, 1e-8


def one_cycle(step: float, n_steps: int, highest: float) -> tuple[float, float]:
    """Return the learning rate and the momentum of a step, the first being 0.

    Source: Smith and Topin, arXiv:1708.07120, with the cosines and constants of torch's ``OneCycleLR``.
    """
    turn, end = RISING * n_steps - 1, n_steps - 1
    if step <= turn:
        done = step / turn
        return _between(highest * FIRST, highest, done), _between(MOMENTUM, LEAST_MOMENTUM, done)
    done = (step - turn) / (end - turn)
    return _between(highest, highest * LAST, done), _between(LEAST_MOMENTUM, MOMENTUM, done)


def _between(start: float, end: float, done: float) -> float:
    return end + (start - end) / 2 * (math.cos(math.pi * done) + 1)


class AdamW:
    """AdamW whose steps receive their sizes; ``torch.amp.GradScaler`` takes it for an optimiser.

    The fused kernel itself leaves out a step with infinite gradients: else each step would wait until a GPU says so.

    Args:
        parameters: those that learn.
        weight_decay: of kernels; on biases and batch-norm scales it only distorts.
        fused: whether to use the kernel that torch has for CPU and CUDA.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, weight_decay: float, fused: bool) -> None:
        learning = list(parameters)
        kernels, others = [one for one in learning if one.ndim > 1], [one for one in learning if one.ndim <= 1]
        self.param_groups: list[dict[str, Any]] = [
            {"params": kernels, "weight_decay": weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self._fused = fused
        self._step_supports_amp_scaling = fused  # the scaler then sets the next two while it has a step taken
        self.grad_scale: Tensor | None
        self.found_inf: Tensor | None
        self._moments = {
            one: (torch.zeros_like(one), torch.zeros_like(one), torch.zeros((), device=one.device if fused else "cpu"))
            for one in learning
        }
        """By parameter: the means of its gradients and of their squares, and a count of its steps, on the device where
        the fused kernel wants it, or else where Python reads it."""

    def zero_grad(self) -> None:
        for parameter in self._moments:
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float, momentum: float) -> None:
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            moments = [self._moments[parameter] for parameter in moved]
            adamw(
                moved,
                [parameter.grad for parameter in moved],
                [means for means, _, _ in moments],
                [squares for _, squares, _ in moments],
                [],
                [count for _, _, count in moments],
                fused=self._fused,
                grad_scale=getattr(self, "grad_scale", None),
                found_inf=getattr(self, "found_inf", None),
                amsgrad=False,
                beta1=momentum,
                beta2=BETA2,
                lr=learning_rate,
                weight_decay=group["weight_decay"],
                eps=EPSILON,
                maximize=False,
            )

    def state_dict(self) -> State:
        return {"moments": list(self._moments.values())}

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        for moments, before in zip(self._moments.values(), state["moments"], strict=True):
            for moment, value in zip(moments, before, strict=True):
                moment.copy_(value)
