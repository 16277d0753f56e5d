"""The result of a fold; without torch, so that evidence can be gathered without it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, PredProbs, TrainProbs

PROBABILITIES = ("pred_probs", "train_probs")
"""The arrays that grow with the number of classes."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoldOutput:
    """The result of one fold: a learner returns it, the driver stores it, and evidence is gathered from it."""

    repeat: int
    fold: int
    held_out_index: Index
    """(M,) rows of the data set that the model never saw."""
    pred_probs: PredProbs
    """(M, K) for the held-out rows."""
    train_index: Index
    """(T,) rows of the data set that the model trained on, each once."""
    train_margin: NDArray[np.float32]
    """(T,) the mean logit margin in training; NaN where the learner has no logits."""
    train_probs: TrainProbs | None = None
    """(T, K) the mean over the later epochs; None where the learner has none."""
    settled_after: int = 0
    """After how many epochs the training ended since it had settled; 0 where it did not."""
