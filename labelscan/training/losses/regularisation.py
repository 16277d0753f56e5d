"""Regularisation that papers publish together with a loss, though it is not part of an example's loss."""

from dataclasses import dataclass

from labelscan.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Regularisation:
    """What training does while the loss that has it as its attribute ``regularisation`` is in force."""

    l1_weight: float = 0.0
    """Times the L1 norm of all parameters, added to the mean loss of a batch."""
    max_gradient_norm: float = 0.0
    """Gradients of a batch are clipped to this norm; 0 leaves them as they are."""
    weight_decay: float | None = None
    """Replaces the model's for the whole training, unless the user has set one; None keeps the model's."""


NONE = Regularisation()


def regularisation_of(loss: object) -> Regularisation:
    """Return the regularisation of ``loss``, or ``NONE``."""
    found = getattr(loss, "regularisation", NONE)
    if not isinstance(found, Regularisation):
        raise ConfigError(
            "wrong-loss",
            f"its regularisation is {found!r}, not a Regularisation",
            where=f"loss {type(loss).__name__}",
            hint="fix it in the code of the loss",
        )
    return found
