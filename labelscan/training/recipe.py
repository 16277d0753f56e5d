"""The recipe of a training: the defaults of its model, as the settings change them."""

from dataclasses import dataclass, replace

from labelscan.config import TrainingConfig
from labelscan.training.augmentation import NO_AUGMENTATION, Augmentation

LEAST_AREA = 0.6
"""The least share of an image that a crop shows: what is photographed for its own sake is still in view."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything about one training except the data and the loss."""

    epochs: int
    batch_size: int
    learning_rate: float
    """Peak of the one-cycle schedule."""
    weight_decay: float
    """Decoupled, on weight matrices and kernels only."""
    augmentation: Augmentation = NO_AUGMENTATION
    may_settle: bool = False
    """Whether a training that has learned nearly all that it can ends before all epochs."""
    matrix_units: bool = False
    """Whether a CPU with matrix units was measured to train it in bfloat16 faster by a quarter or more. It is not timed
    when a run begins: on a busy machine the answer could differ from run to run, and with it the results."""

    def changed_by(self, config: TrainingConfig) -> "Recipe":
        """Return the recipe with the user's settings in place of the defaults."""
        augmentation = self.augmentation
        if config.augment == "crop-flip":
            augmentation = Augmentation(flip=True, least_area=LEAST_AREA)
        elif config.augment != "auto":
            shift = max(self.augmentation.max_shift, 1) if config.augment != "none" else 0
            augmentation = Augmentation(shift, config.augment == "shift-flip")
        return replace(
            self,
            epochs=config.epochs or self.epochs,
            may_settle=self.may_settle and not config.epochs,
            batch_size=config.batch_size or self.batch_size,
            learning_rate=config.learning_rate or self.learning_rate,
            weight_decay=self.weight_decay if config.weight_decay < 0 else config.weight_decay,
            augmentation=augmentation,
        )
