"""The result of a fold, in memory and on disk; without torch, so that evidence can be gathered without it."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, PredProbs, TrainProbs
from labelscan.errors import RunFolderError
from labelscan.files.atomic import write_npz
from labelscan.files.npz import read_arrays
from labelscan.files.reading import CANNOT_READ, why
from labelscan.jobs.files import OUTPUT_FILE

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

    def write(self, folder: Path) -> None:
        """Write output.npz into the folder of the fold, whose name holds ``repeat`` and ``fold``."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)[2:]}
        write_npz(folder / OUTPUT_FILE, {name: array for name, array in arrays.items() if array is not None})

    @classmethod
    def read(cls, folder: Path, *, repeat: int, fold: int) -> "FoldOutput":
        """Return what ``write`` wrote, or raise RunFolderError if it is missing or damaged.

        Probabilities are mapped into memory, to be read only.
        """
        try:
            return cls(repeat=repeat, fold=fold, **read_arrays(folder / OUTPUT_FILE, mapped=PROBABILITIES))
        except (*CANNOT_READ, TypeError) as error:
            raise RunFolderError(
                "damaged",
                f"the output is damaged ({why(error)})",
                where=str(folder),
                hint="delete this folder and run again",
            ) from error
