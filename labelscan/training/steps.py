"""The steps of a training: gradients, regularisation, optimiser, learning rate."""

import torch
from torch import Tensor, nn

from labelscan.training.checkpoint import State
from labelscan.training.device import Device
from labelscan.training.losses.regularisation import NONE, Regularisation
from labelscan.training.recipe import Recipe


class Steps:
    """Takes the steps of one training: AdamW, a one-cycle learning rate, and scaled gradients for float16."""

    def __init__(self, network: nn.Module, recipe: Recipe, device: Device, *, n_steps: int) -> None:
        self._network = network
        self._optimizer = _optimizer(network, recipe, device)
        self._sizes = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, recipe.learning_rate, total_steps=n_steps)
        self._scaler = torch.amp.GradScaler(device.kind, enabled=device.dtype is torch.float16)

    def forget_gradients(self) -> None:
        self._optimizer.zero_grad(set_to_none=True)

    def add_gradients(self, loss: Tensor) -> None:
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def take(self, regularisation: Regularisation) -> None:
        if regularisation is not NONE:
            self._scaler.unscale_(self._optimizer)
            _regularise(self._network, regularisation)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._sizes.step()

    def state(self) -> dict[str, object]:
        return {
            "optimizer": self._optimizer.state_dict(),
            "sizes": self._sizes.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: State) -> None:
        self._optimizer.load_state_dict(state["optimizer"])
        self._sizes.load_state_dict(state["sizes"])
        self._scaler.load_state_dict(state["scaler"])


def _optimizer(network: nn.Module, recipe: Recipe, device: Device) -> torch.optim.Optimizer:
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        # Decay pulls kernels to 0; on biases and batch-norm scales it only distorts.
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = device.kind in ("cpu", "cuda")
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=recipe.learning_rate, fused=fused)


def _regularise(network: nn.Module, regularisation: Regularisation) -> None:
    """Add the gradient of the L1 term to the gradients of a batch, then shorten them."""
    learning = [parameter for parameter in network.parameters() if parameter.grad is not None]
    if regularisation.l1_weight:
        for parameter in learning:
            assert parameter.grad is not None
            parameter.grad.add_(parameter.detach().sign(), alpha=regularisation.l1_weight)
    if regularisation.max_gradient_norm:
        nn.utils.clip_grad_norm_(learning, regularisation.max_gradient_norm)
