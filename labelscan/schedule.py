"""Which loss an epoch uses: the delay of the robust losses lives here.

A robust loss tells right labels from wrong ones by what the model already knows, so plain cross-entropy goes
first (the *delay* of arXiv:2511.16512). A loss that would keep a fresh model from learning is refused without it.
"""

import math
from dataclasses import dataclass

from labelscan.errors import ConfigError
from labelscan.losses import LOSSES, Loss
from labelscan.losses.cross_entropy import CrossEntropy
from labelscan.registry import PartSpec, read_value

WHERE = "training.loss"


@dataclass(frozen=True, slots=True)
class LossSchedule:
    """Cross-entropy for ``delay`` epochs, then ``loss``."""

    loss: Loss
    delay: int

    def at(self, epoch: int) -> Loss:
        """Return the loss of an epoch, counted from 0."""
        return self.loss if epoch >= self.delay else CrossEntropy()


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
            loss's own default where left out.
        n_epochs: length of the training.
        n_classes: K, for the check that a fresh model can learn.

    Raises:
        ConfigError: for a delay as long as the training, or none where the loss would stall fresh weights.
    """
    check_loss(text)
    spec, given_delay = _split(text)
    loss = LOSSES.build_spec(spec)
    share = loss.default_delay if given_delay is None else given_delay
    # A share of a short training rounds up, so that a robust loss never meets fresh weights; but it must get a turn.
    delay = int(share) if share >= 1 else min(math.ceil(share * n_epochs - 1e-9), max(n_epochs - 1, 0))
    if delay >= n_epochs:
        raise ConfigError(
            f"a delay of {delay} leaves no epoch of {n_epochs} for {spec.name}",
            where=WHERE,
            hint="shorten the delay, or train with --loss ce",
        )
    reason = loss.stalls(n_classes) if delay == 0 else ""
    if reason:
        raise ConfigError(
            f"{text!r} cannot start training: {reason}", where=WHERE, hint="give it a delay, as delay=0.4"
        )
    return LossSchedule(loss, delay)


def _split(text: str) -> tuple[PartSpec, float | None]:
    spec = PartSpec.parse(text, where=WHERE)
    options = dict(spec.options)
    delay = options.pop("delay", None)
    value = None if delay is None else read_value(delay, float, where=f"{WHERE}, option delay")
    assert value is None or isinstance(value, float)
    return PartSpec(spec.name, options, spec.bare), value
