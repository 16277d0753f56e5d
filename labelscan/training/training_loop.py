"""Train one network on some examples, and predict others with it; which are held out is the caller's affair."""

import math
import time
from typing import Protocol

import torch
from torch import Tensor, nn

from labelscan.arrays import GivenLabels, Index, PredProbs
from labelscan.errors import RunError
from labelscan.training.batches import Batches
from labelscan.training.device import Device
from labelscan.training.fold_output import IF_DIVERGED
from labelscan.training.loss_schedule import LossSchedule
from labelscan.training.losses import losses_of
from labelscan.training.losses.regularisation import NONE, Regularisation, regularisation_of
from labelscan.training.margins import TrainMargins
from labelscan.training.recipe import Recipe

PREDICT_BATCH = 512


class OnEpoch(Protocol):
    """Receives the figures of an epoch, counted from 1: means over the examples, each taken before its step."""

    def __call__(self, epoch: int, *, loss: float, train_accuracy: float, seconds: float) -> None: ...


def train(
    network: nn.Module,
    batches: Batches,
    train_index: Index,
    given_labels: GivenLabels,
    *,
    n_classes: int,
    schedule: LossSchedule,
    recipe: Recipe,
    seed: int,
    on_epoch: OnEpoch,
) -> TrainMargins:
    """Train a fresh network in place, and return its margins on the training examples.

    ``given_labels`` are those of the whole data set, but only the rows ``train_index`` are used. ``seed`` decides
    the order of examples and the augmentation.

    Raises:
        RunError: the loss became NaN or infinite.
    """
    device = batches.device
    index = torch.from_numpy(train_index)
    labels = torch.from_numpy(given_labels[train_index]).to(device.place)
    generator = torch.Generator().manual_seed(seed)
    steps = _Steps(network, recipe, device, n_steps=recipe.epochs * math.ceil(len(index) / recipe.batch_size))
    margins = TrainMargins(len(index), device.place, probs_from=recipe.epochs // 2)
    schedule = schedule.begin(len(index), n_classes, device.place)
    network.train()
    for epoch in range(recipe.epochs):
        started = time.monotonic()
        loss_of = schedule.at(epoch)
        regularisation = regularisation_of(loss_of)
        total_loss = torch.zeros((), device=device.place)
        n_right = torch.zeros((), dtype=torch.int64, device=device.place)
        for positions, images in batches.training(index, recipe.batch_size, generator):
            given = labels[positions]
            with device.autocast():
                logits = network(images)
            loss = losses_of(loss_of, logits, given, positions).mean()
            steps.take(loss, regularisation)
            margins.add(positions, logits, given)
            total_loss += loss.detach() * len(given)
            n_right += (logits.detach().argmax(dim=1) == given).sum()
        margins.end_epoch()
        mean_loss, train_accuracy = total_loss.item() / len(index), n_right.item() / len(index)
        if not math.isfinite(mean_loss):
            raise RunError(f"the loss became {mean_loss} in epoch {epoch + 1}", where="training", hint=IF_DIVERGED)
        seconds = time.monotonic() - started
        on_epoch(epoch + 1, loss=mean_loss, train_accuracy=train_accuracy, seconds=seconds)
    return margins


@torch.inference_mode()
def predict(network: nn.Module, batches: Batches, index: Index) -> PredProbs:
    """Return (M, K) float32 probabilities of the rows ``index``, each the mean over slightly moved copies."""
    network.eval()
    parts: list[Tensor] = []
    for views in batches.views(torch.from_numpy(index), PREDICT_BATCH):
        probs = []
        for view in views:
            with batches.device.autocast():
                logits = network(view)
            probs.append(logits.float().softmax(dim=1))
        parts.append(torch.stack(probs).mean(dim=0).cpu())
    return torch.cat(parts).numpy()


class _Steps:
    """Takes the steps of one training: AdamW, a one-cycle learning rate, and scaled gradients for float16."""

    def __init__(self, network: nn.Module, recipe: Recipe, device: Device, *, n_steps: int) -> None:
        self._network = network
        self._optimizer = _optimizer(network, recipe, device)
        self._sizes = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, recipe.learning_rate, total_steps=n_steps)
        self._scaler = torch.amp.GradScaler(device.kind, enabled=device.dtype is torch.float16)

    def take(self, loss: Tensor, regularisation: Regularisation) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if regularisation is not NONE:
            self._scaler.unscale_(self._optimizer)
            _regularise(self._network, regularisation)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._sizes.step()


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


def check_logits(network: nn.Module, batches: Batches, n_classes: int) -> None:
    """Raise RunError unless the network returns (B, K) logits; a user's own network may return anything."""
    network.eval()
    # Not inference_mode: tensors that a network keeps from this pass could not be used in training.
    with torch.no_grad(), batches.device.autocast():
        first = next(next(batches.views(torch.arange(min(2, len(batches.inputs))), 2)))
        try:
            output = network(first)
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            raise RunError(
                f"the network cannot take inputs of shape {tuple(first.shape)} ({error})",
                where="model",
                hint="make one for (batch, channels, height, width), or set store.image_size",
            ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] != n_classes:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise RunError(
            f"the network must return logits of shape (batch, {n_classes}), got {got}",
            where="model",
            hint="give its last layer one output for each class, and no softmax",
        )
