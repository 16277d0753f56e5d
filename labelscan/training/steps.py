"""The steps of a training: gradients, regularisation, optimiser, learning rate."""

from typing import cast

import torch
from torch import Tensor, nn

from labelscan.training.adamw import AdamW, one_cycle
from labelscan.training.checkpoint import State
from labelscan.training.device import Device
from labelscan.training.losses.regularisation import NONE, Regularisation
from labelscan.training.recipe import Recipe


class Steps:
    """Takes the steps of one training: AdamW, a one-cycle learning rate, and scaled gradients for float16."""

    def __init__(self, network: nn.Module, recipe: Recipe, device: Device, *, n_steps: int) -> None:
        self._network = network
        learning = (parameter for parameter in network.parameters() if parameter.requires_grad)
        self._optimizer = AdamW(learning, weight_decay=recipe.weight_decay, fused=device.kind in ("cpu", "cuda"))
        self._scaler = torch.amp.GradScaler(device.kind, enabled=device.dtype is torch.float16)
        self._highest, self._n_steps = recipe.learning_rate, n_steps
        self.done = 0

    def forget_gradients(self) -> None:
        self._optimizer.zero_grad()

    def add_gradients(self, loss: Tensor) -> None:
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def take(self, regularisation: Regularisation) -> None:
        optimizer = cast(torch.optim.Optimizer, self._optimizer)  # the scaler calls only step, and reads param_groups
        if regularisation is not NONE:
            self._scaler.unscale_(optimizer)
            _regularise(self._network, regularisation)
        self._scaler.step(optimizer, *one_cycle(self.done, self._n_steps, self._highest))
        self._scaler.update()
        self.done += 1  # even where the scaler has left a step out

    def state(self) -> dict[str, object]:
        return {"optimizer": self._optimizer.state_dict(), "done": self.done, "scaler": self._scaler.state_dict()}

    def restore(self, state: State) -> None:
        self._optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]
        self._scaler.load_state_dict(state["scaler"])


def _regularise(network: nn.Module, regularisation: Regularisation) -> None:
    """Add the gradient of the L1 term to the gradients of a batch, then shorten them."""
    learning = [parameter for parameter in network.parameters() if parameter.grad is not None]
    if regularisation.l1_weight:
        for parameter in learning:
            assert parameter.grad is not None
            parameter.grad.add_(parameter.detach().sign(), alpha=regularisation.l1_weight)
    if regularisation.max_gradient_norm:
        nn.utils.clip_grad_norm_(learning, regularisation.max_gradient_norm)
