"""Train one network on some examples; which others are held out is the caller's affair."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from labelscan.arrays import GivenLabels, Index
from labelscan.errors import Interrupted
from labelscan.events import Listener, Waiting, Warned, ignore
from labelscan.training.adamw import AdamW, one_cycle
from labelscan.training.batches import Batches, count_batches
from labelscan.training.checkpoint import NO_CHECKPOINT, Checkpoint, State, generators, restore_generators
from labelscan.training.data_parallel import ALONE, Team
from labelscan.training.device import Device
from labelscan.training.divergence import DivergenceError
from labelscan.training.gpu_memory import is_out_of_memory
from labelscan.training.losses import Loss, losses_of
from labelscan.training.losses.published import NONE, Regularisation, regularisation_of
from labelscan.training.margins import TrainMargins
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import LossSchedule

SECONDS_BETWEEN_EVENTS = 0.1
SETTLES_AFTER, SETTLED, HURRIED = 0.4, 0.03, 0.2
"""A training has settled if in the second half of this share of its epochs its train accuracy has risen by less than
the second number; what is left of the schedule then takes the third, a share of all epochs (tests/bench/RESULTS.md)."""


def train(
    training: "Training",
    *,
    on_epoch: Callable[..., None],
    notify: Listener = ignore,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> TrainMargins:
    """Take all steps of a training, and return the margins on its examples.

    Args:
        training: one that has just been made.
        on_epoch: receives the number of every epoch, from 1, and by keyword how many there are to be, as ``n_epochs``,
            and its figures: loss and train_accuracy, means over the examples, each taken before its step, and seconds.
        notify: receives ``Waiting`` a few times a second; where it raises Interrupted, the state is written
            before the training ends.
        checkpoint: where the training goes on if an earlier one was cut off, and where its state is kept.

    Raises:
        DivergenceError: the loss became NaN or infinite.
    """
    _go_on(training, checkpoint)
    sent = time.monotonic()
    training.network.train()
    with kept_if_interrupted(training, checkpoint), closing(training.steps()) as steps:
        for figures in steps:
            if figures is not None:
                on_epoch(training.epoch, n_epochs=training.n_epochs, **figures)
            if time.monotonic() - sent > SECONDS_BETWEEN_EVENTS:
                sent = time.monotonic()
                notify(Waiting())
            if checkpoint.is_due(epoch_ended=figures is not None) and training.is_sound():
                checkpoint.write(training.state())
    return training.margins


def help_train(training: "Training", checkpoint: Checkpoint) -> None:
    """Take all steps of a training beside the first process of its team, which keeps its state and its margins."""
    _go_on(training, checkpoint)
    training.network.train()
    for _ in training.steps():
        pass


@contextmanager
def kept_if_interrupted(training: "Training", checkpoint: Checkpoint) -> Iterator[None]:
    """Write the state of a training where Interrupted ends the block."""
    try:
        yield
    except Interrupted:
        if training.is_sound():
            checkpoint.write(training.state())
        raise


def _go_on(training: "Training", checkpoint: Checkpoint) -> None:
    """Restore the state that was kept, if there is one; what is read for it is in memory no longer than this takes."""
    before = checkpoint.read()
    if before is not None:
        training.restore(before)


class Training:
    """A training that can be left after any step, and be resumed with the same result.

    Args:
        network: with fresh weights; it is trained in place.
        batches: of all examples.
        train_index: (T,) row numbers of those to train on.
        given_labels: (N,) those of the whole data set; only the rows ``train_index`` are used.
        n_classes: the number of logits.
        schedule: the loss of each epoch.
        recipe: everything else about the training.
        seed: decides the order of examples and the augmentation.
        notify: receives a warning where the memory of a GPU is too small for a batch.
        team: the processes that take each step together; all of them make a training like this one.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        train_index: Index,
        given_labels: GivenLabels,
        *,
        n_classes: int,
        schedule: LossSchedule,
        recipe: Recipe,
        seed: int,
        notify: Listener = ignore,
        team: Team = ALONE,
    ) -> None:
        place = batches.device.place
        self.epoch = 0
        """The number of epochs that have ended."""
        self.n_epochs = recipe.epochs
        """How many there are to be: fewer than the recipe has, once the training has settled."""
        self._learned: list[float] = []  # the train accuracy of each epoch
        self.network = network
        self.margins = TrainMargins(len(train_index), place, probs_from=recipe.epochs // 2)
        self._batches, self._recipe, self._notify, self._team = batches, recipe, notify, team
        self._shared = team.share(network)
        self._index = torch.from_numpy(train_index)
        self._labels = torch.from_numpy(given_labels[train_index]).to(place)
        self._schedule = schedule.begin(len(train_index), n_classes, place)
        n_steps = recipe.epochs * count_batches(len(train_index), recipe.batch_size)
        self._steps = Steps(network, recipe, batches.device, n_steps=n_steps)
        self._generator = torch.Generator().manual_seed(seed)
        self._at_start = self._generator.get_state()  # of the epoch: what is left of it is drawn again from there
        self._done = 0  # batches of this epoch
        self._n_parts = 1
        self._total_loss = torch.zeros((), device=place)
        self._n_right = torch.zeros((), dtype=torch.int64, device=place)
        self._seconds = 0.0

    def steps(self) -> Generator[dict[str, float] | None]:
        """Take all steps that are left, and yield after each, and after each epoch its figures."""
        while self.epoch < self.n_epochs:
            yield from self._steps_of_epoch(self._schedule.at(self.epoch))

    def is_sound(self) -> bool:
        """Return whether no loss or weight has become NaN or infinite, nor a step been taken without the team."""
        values = (self._total_loss, *self.network.parameters())
        is_finite = bool(torch.stack([value.isfinite().all() for value in values]).all())  # one answer to wait for
        return is_finite and self._team.is_whole  # asked once all steps are taken

    def state(self) -> State:
        """Return what ``restore`` takes: tensors and plain values."""
        loss = self._schedule.loss
        return {
            "epoch": self.epoch,
            "n_epochs": self.n_epochs,
            "learned": self._learned,
            "done": self._done,
            "n_parts": self._n_parts,
            "seconds": self._seconds,
            "total_loss": self._total_loss,
            "n_right": self._n_right,
            "network": self.network.state_dict(),
            "steps": self._steps.state(),
            "loss": loss.state_dict() if isinstance(loss, nn.Module) else {},
            "margins": self.margins.state(),
            "at_start": self._at_start,
            "generators": generators(self._batches.device.place),
        }

    def restore(self, state: State) -> None:
        """Go on where a training like this one was when it returned its ``state``."""
        self.epoch, self._done, self._n_parts = state["epoch"], state["done"], state["n_parts"]
        self.n_epochs, self._learned = state["n_epochs"], list(state["learned"])
        self._seconds = state["seconds"]
        self._total_loss.copy_(state["total_loss"])
        self._n_right.copy_(state["n_right"])
        self.network.load_state_dict(state["network"])
        self._steps.restore(state["steps"])
        if isinstance(self._schedule.loss, nn.Module):
            self._schedule.loss.load_state_dict(state["loss"])
        self.margins.restore(**state["margins"])
        self._generator.set_state(state["at_start"])
        self._at_start = state["at_start"]
        restore_generators(state["generators"], self._batches.device.place)

    def _steps_of_epoch(self, loss_of: Loss) -> Iterator[dict[str, float] | None]:
        started = time.monotonic() - self._seconds
        left = self._batches.training(
            self._index, self._recipe.batch_size, self._generator, done=self._done, team=self._team
        )
        with closing(left):
            for positions, images in left:
                self._team.begin_step(self._steps.done)
                self._learn_from(loss_of, positions, images)
                self._done += 1
                self._seconds = time.monotonic() - started
                yield None
        yield self._end_epoch(started)

    def _end_epoch(self, started: float) -> dict[str, float]:
        """Return the figures of the epoch, and begin the next."""
        n_examples = len(self._index)
        loss, train_accuracy = self._total_loss.item() / n_examples, self._n_right.item() / n_examples
        seconds = time.monotonic() - started  # now that a GPU has taken all steps
        figures = {"loss": loss, "train_accuracy": train_accuracy, "seconds": seconds}
        self.margins.end_epoch()
        self.epoch += 1
        self._hurry_if_settled(train_accuracy)
        if not math.isfinite(loss):
            raise DivergenceError(f"the loss became {loss} in epoch {self.epoch}")
        self._done, self._seconds, self._at_start = 0, 0.0, self._generator.get_state()
        self._total_loss.zero_()
        self._n_right.zero_()
        return figures

    def _hurry_if_settled(self, train_accuracy: float) -> None:
        """Pass through the rest of the schedule in fewer epochs where nearly all that can be learned is."""
        self._learned.append(train_accuracy)
        is_asked = self._recipe.may_settle and self.epoch == math.ceil(SETTLES_AFTER * self._recipe.epochs) >= 3
        if is_asked and train_accuracy - self._learned[self.epoch // 2 - 1] < SETTLED:
            n_left = math.ceil(HURRIED * self._recipe.epochs)
            self.n_epochs = self.epoch + n_left
            self._steps.hurry(n_left * count_batches(len(self._index), self._recipe.batch_size))

    def _learn_from(self, loss_of: Loss, positions: Tensor, images: Tensor) -> None:
        loss, logits = self._add_gradients(loss_of, positions, images)
        # From here on nothing is tried again: a batch that is learned from and counted twice is worse than an error.
        # What a forward pass keeps of itself, as batch norm and the memory of ELR do, has seen a split batch twice.
        self._steps.take(regularisation_of(loss_of))
        given = self._labels[positions]
        if self._team.rank == 0:  # which alone returns them
            self.margins.add(positions, logits, given)
        self._total_loss += loss * len(given)
        self._n_right += (logits.argmax(dim=1) == given).sum()

    def _add_gradients(self, loss_of: Loss, positions: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean loss and the (B, K) logits of a batch, once its gradients are there.

        Where the memory of a GPU is too small, they are added up in more parts than before from now on.
        """
        while True:
            try:
                return self._add_gradients_of_parts(loss_of, positions, images)
            except RuntimeError as error:
                # Batch norm needs two examples, and the others of a team have no reason to begin again.
                is_last = 4 * self._n_parts > len(positions) or not self._team.is_alone
                if is_last or not is_out_of_memory(error):
                    raise
            # Outside of the block, where the error no longer keeps its tensors alive.
            self._n_parts *= 2
            self._steps.forget_gradients()
            torch.cuda.empty_cache()
            self._notify(
                Warned(
                    f"batches of {self._recipe.batch_size} do not fit into the memory of the GPU: each is trained in "
                    f"{self._n_parts} parts, whose gradients are added up"
                )
            )

    def _add_gradients_of_parts(self, loss_of: Loss, positions: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        self._steps.forget_gradients()
        parts = zip(positions.tensor_split(self._n_parts), images.tensor_split(self._n_parts), strict=True)
        loss, logits = torch.zeros_like(self._total_loss), []
        for places, some in parts:
            with self._batches.device.autocast():
                said = self._team.whole(self._shared(some), len(places))
            share = len(places) / len(positions)
            part = losses_of(loss_of, said, self._labels[places], places).mean() * share
            self._steps.add_gradients(part)
            loss += part.detach()
            logits.append(said.detach())
        return loss, torch.cat(logits)


class Steps:
    """Takes the steps of one training: AdamW, a one-cycle learning rate, and scaled gradients for float16."""

    def __init__(self, network: nn.Module, recipe: Recipe, device: Device, *, n_steps: int) -> None:
        self._network = network
        learning = (parameter for parameter in network.parameters() if parameter.requires_grad)
        self._optimizer = AdamW(learning, weight_decay=recipe.weight_decay, fused=device.kind in ("cpu", "cuda"))
        self._scaler = torch.amp.GradScaler(device.kind, enabled=device.dtype is torch.float16)
        self._highest, self._n_steps = recipe.learning_rate, n_steps
        self._hurried_from, self._pace = n_steps, 1.0
        self.done = 0

    def hurry(self, n_left: int) -> None:
        """Pass through the rest of the cycle in ``n_left`` steps."""
        self._hurried_from, self._pace = self.done, (self._n_steps - 1 - self.done) / max(n_left - 1, 1)

    def forget_gradients(self) -> None:
        self._optimizer.zero_grad()

    def add_gradients(self, loss: Tensor) -> None:
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def take(self, regularisation: Regularisation) -> None:
        optimizer = cast(torch.optim.Optimizer, self._optimizer)  # the scaler calls only step, and reads param_groups
        if regularisation is not NONE:
            self._scaler.unscale_(optimizer)
            _regularise(self._network, regularisation)
        usual = min(self.done, self._hurried_from)
        passed = usual + (self.done - usual) * self._pace
        self._scaler.step(optimizer, *one_cycle(passed, self._n_steps, self._highest))
        self._scaler.update()
        self.done += 1  # even where the scaler has left a step out

    def state(self) -> dict[str, object]:
        hurried = self._hurried_from, self._pace
        kept = {"optimizer": self._optimizer.state_dict(), "scaler": self._scaler.state_dict()}
        return kept | {"done": self.done, "hurried": hurried}

    def restore(self, state: State) -> None:
        self._optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]
        self._hurried_from, self._pace = state["hurried"]
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
