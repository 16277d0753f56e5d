"""Which loss an epoch uses: the delay of the robust losses lives here.

A robust loss tells right labels from wrong ones by what the model already knows, so plain cross-entropy goes
first (the *delay* of arXiv:2511.16512). A loss that would keep a fresh model from learning is refused without it.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from labelscan.errors import ConfigError
from labelscan.registry import PartSpec, read_value, shown
from labelscan.training.losses import LOSSES, Loss, remembers_examples
from labelscan.training.losses.by_classes import ByClasses
from labelscan.training.losses.cross_entropy import CrossEntropy

WHERE = "training.loss"
STALLED_DELAY = 0.4
"""Share of the epochs that a loss waits by default where it would stall fresh weights."""


@dataclass(frozen=True, slots=True)
class LossSchedule:
    """Cross-entropy for ``delay`` epochs, then ``loss``."""

    loss: Loss
    delay: int
    text: str
    """The loss with all its options and the delay in epochs, in the form that it is asked for."""
    notes: tuple[str, ...] = ()
    """Defaults that were chosen for this number of classes, where nothing published says so."""

    def at(self, epoch: int) -> Loss:
        """Return the loss of an epoch, counted from 0."""
        return self.loss if epoch >= self.delay else CrossEntropy()

    def begin(self, n_examples: int, n_classes: int, device: torch.device) -> "LossSchedule":
        """Return the schedule for one training; what its loss remembers of examples is shared with no other."""
        if remembers_examples(self.loss):
            return dataclasses.replace(self, loss=self.loss.begin(n_examples, n_classes, device))
        return self


def check_loss(text: str) -> None:
    """Raise ConfigError unless ``text`` names a loss with options and a delay that can be read."""
    spec, delay = _split(text)
    LOSSES.build_spec(spec)
    if delay is not None and (delay < 0 or (delay >= 1 and delay != int(delay))):
        raise ConfigError(f"delay must be a number of epochs, or a share of them below 1, got {delay:g}", where=WHERE)


def build_schedule(text: str, *, n_epochs: int, n_classes: int) -> LossSchedule:
    """Return the schedule that ``text`` means for a training of ``n_epochs``.

    Args:
        text: a loss with options; ``delay`` is a number of epochs, or a share of them when below 1, and the
            loss's own default where left out, or one that lets it start.
        n_epochs: length of the training.
        n_classes: K, for defaults that depend on it and the check that a fresh model can learn.

    Raises:
        ConfigError: for a delay as long as the training, or none where the loss would stall fresh weights.
    """
    check_loss(text)
    spec, given_delay = _split(text)
    defaults = _defaults(spec.name, n_classes)
    try:
        loss = LOSSES.build_spec(spec, **defaults)
        reason = loss.stalls(n_classes)
    except OverflowError as error:
        raise ConfigError(f"the options of {text!r} are too large", where=WHERE) from error
    default_delay = max(loss.default_delay, STALLED_DELAY if reason else 0.0)
    share = default_delay if given_delay is None else given_delay
    # A share of a short training rounds up, so that a robust loss never meets fresh weights; but it must get a turn.
    delay = int(share) if share >= 1 else min(math.ceil(share * n_epochs - 1e-9), max(n_epochs - 1, 0))
    if delay >= n_epochs:
        raise ConfigError(
            f"a delay of {delay} leaves no epoch of {n_epochs} for {spec.name}",
            where=WHERE,
            hint="shorten the delay, or train with --loss ce",
        )
    if reason and delay == 0:
        raise ConfigError(
            f"{text!r} cannot start training: {reason}", where=WHERE, hint="give it a delay, such as delay=0.4"
        )
    values = LOSSES.values(spec, **defaults)
    notes = [_note(spec, values, n_classes)]
    if reason and given_delay is None and not loss.default_delay:
        notes.append(f"{spec.name} takes over after {delay} of {n_epochs} epochs of cross-entropy: {reason}")
    return LossSchedule(
        loss, delay, f"{spec.name}:{_listed({**values, 'delay': delay})}", tuple(note for note in notes if note)
    )


def _split(text: str) -> tuple[PartSpec, float | None]:
    spec = PartSpec.parse(text, where=WHERE)
    options = dict(spec.options)
    delay = options.pop("delay", None)
    value = None if delay is None else read_value(delay, float, where=f"{WHERE}, option delay")
    assert value is None or isinstance(value, float)
    return PartSpec(spec.name, options, spec.bare), value


def _defaults(name: str, n_classes: int) -> dict[str, object]:
    by_classes = getattr(LOSSES[name], "by_classes", None)
    return dict(by_classes.options(n_classes)) if isinstance(by_classes, ByClasses) else {}


def _note(spec: PartSpec, values: Mapping[str, object], n_classes: int) -> str:
    """Return which defaults were taken for a number of classes that none were published for, or an empty string."""
    by_classes = getattr(LOSSES[spec.name], "by_classes", None)
    if not isinstance(by_classes, ByClasses) or not by_classes.is_between(n_classes):
        return ""
    asked_for = {*spec.options, *([next(iter(values))] if spec.bare is not None else [])}
    taken = {name: values[name] for name in by_classes.options(n_classes) if name not in asked_for}
    if not taken:
        return ""
    return (
        f"no options of {spec.name} are published for about {n_classes} classes: "
        f"those for {by_classes.nearest(n_classes)} are used ({_listed(taken)})"
    )


def _listed(values: Mapping[str, object]) -> str:
    return ",".join(f"{name}={shown(value)}" for name, value in values.items())
