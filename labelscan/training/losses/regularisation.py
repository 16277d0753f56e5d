"""What some losses want of training beside the value of each example: published together with them, no part of it."""

from dataclasses import dataclass

from labelscan.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Regularisation:
    """What holds the weights back. A loss that wants it carries it as its attribute ``regularisation``."""

    l1_weight: float = 0.0
    """Times the sum of the sizes of all parameters, added to the mean loss of each batch that uses the loss."""
    max_gradient_norm: float = 0.0
    """Gradients of each batch that uses the loss are shortened to this length; 0 leaves them as they are."""
    weight_decay: float | None = None
    """In place of the model's own, for the whole training unless the user has set one; None keeps the model's."""


NONE = Regularisation()


def regularisation_of(loss: object) -> Regularisation:
    """Return what ``loss`` wants, or nothing for the many losses that want nothing."""
    wanted = getattr(loss, "regularisation", NONE)
    if not isinstance(wanted, Regularisation):
        raise ConfigError(
            f"its regularisation is {wanted!r} and no Regularisation",
            where=f"loss {type(loss).__name__}",
            hint="mend it where the loss is written",
        )
    return wanted
