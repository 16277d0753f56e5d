"""The loss of each epoch: plain cross-entropy for a delay, then the loss that was asked for.

A robust loss tells right labels from wrong ones by what the model already knows, so cross-entropy goes first (the
*delay* of arXiv:2511.16512). Without a delay, a loss that would keep a fresh model from learning is refused.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from labelscan.errors import ConfigError
from labelscan.registry import PartSpec, read_value, shown
from labelscan.training.losses import LOSSES, Loss, remembers_examples
from labelscan.training.losses.given_label import CrossEntropy
from labelscan.training.losses.published import ByClasses

WHERE = "training.loss"
STALLED_DELAY = 0.4
"""The default delay, as a share of the epochs, of a loss that would stall fresh weights."""


@dataclass(frozen=True, slots=True)
class LossSchedule:
    """Cross-entropy for ``delay`` epochs, then ``loss``."""

    loss: Loss
    delay: int
    text: str
    """The loss with all its options and the delay in epochs, as the setting would ask for it."""
    notes: tuple[str, ...] = ()
    """For the user: defaults that are our own choice for this number of classes."""

    def at(self, epoch: int) -> Loss:
        """Return the loss of an epoch, counted from 0."""
        return self.loss if epoch >= self.delay else CrossEntropy()

    def begin(self, n_examples: int, n_classes: int, device: torch.device) -> "LossSchedule":
        """Return the schedule for one training, with an empty memory of examples if its loss has one."""
        if remembers_examples(self.loss):
            return dataclasses.replace(self, loss=self.loss.begin(n_examples, n_classes, device))
        return self


def check_loss(text: str) -> tuple[PartSpec, float | None]:
    """Return the loss and the delay that ``text`` names, or raise ConfigError unless both are valid."""
    spec = PartSpec.parse(text, where=WHERE)
    options = dict(spec.options)
    written = options.pop("delay", None)
    delay = None if written is None else read_value(written, float, where=f"{WHERE}, option delay")
    assert delay is None or isinstance(delay, float)
    spec = dataclasses.replace(spec, options=options)
    LOSSES.build_spec(spec)
    if delay is not None and (delay < 0 or (delay >= 1 and delay != int(delay))):
        problem = f"delay must be a number of epochs, or a share of them below 1, got {delay:g}"
        raise ConfigError("wrong-schedule", problem, where=WHERE)
    return spec, delay


def build_schedule(text: str, *, n_epochs: int, n_classes: int) -> LossSchedule:
    """Return the schedule that ``text`` means for a training of ``n_epochs``.

    ``text`` is a loss with options. The option ``delay`` is a number of epochs, or a share of them if below 1. By
    default it is the loss's own, or ``STALLED_DELAY`` for a loss that would stall fresh weights with ``n_classes``.

    Raises:
        ConfigError: a delay as long as the training, or a delay of 0 for a loss that would stall fresh weights.
    """
    spec, given_delay = check_loss(text)
    by_classes: ByClasses | None = getattr(LOSSES[spec.name], "by_classes", None)
    defaults = {} if by_classes is None else dict[str, object](by_classes.options(n_classes))
    try:
        loss = LOSSES.build_spec(spec, **defaults)
        reason = loss.stalls(n_classes)
    except OverflowError as error:
        raise ConfigError("wrong-schedule", f"the options of {text!r} are too large", where=WHERE) from error
    default_delay = max(loss.default_delay, STALLED_DELAY if reason else 0.0)
    share = default_delay if given_delay is None else given_delay
    # A share of a short training rounds up, since a robust loss must never meet fresh weights; but it must get a turn.
    delay = int(share) if share >= 1 else min(math.ceil(share * n_epochs - 1e-9), max(n_epochs - 1, 0))
    if delay >= n_epochs:
        raise ConfigError(
            "wrong-schedule",
            f"a delay of {delay} leaves no epoch of {n_epochs} for {spec.name}",
            where=WHERE,
            hint="shorten the delay, or train with --loss ce",
        )
    if reason and delay == 0:
        raise ConfigError(
            "wrong-schedule",
            f"{text!r} cannot start training: {reason}",
            where=WHERE,
            hint="give it a delay, such as delay=0.4",
        )
    values = LOSSES.values(spec, **defaults)
    notes = []
    if by_classes is not None and by_classes.is_between(n_classes):
        asked_for = {*spec.options, *([next(iter(values))] if spec.bare is not None else [])}
        used = {name: values[name] for name in defaults if name not in asked_for}
        if used:
            notes.append(
                f"no options of {spec.name} are published for about {n_classes} classes: "
                f"those for {by_classes.nearest(n_classes)} are used ({_listed(used)})"
            )
    if reason and given_delay is None and not loss.default_delay:
        notes.append(f"{spec.name} takes over after {delay} of {n_epochs} epochs of cross-entropy: {reason}")
    return LossSchedule(loss, delay, f"{spec.name}:{_listed({**values, 'delay': delay})}", tuple(notes))


def _listed(values: Mapping[str, object]) -> str:
    return ",".join(f"{name}={shown(value)}" for name, value in values.items())
