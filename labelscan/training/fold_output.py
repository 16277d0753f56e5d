"""What comes out of a fold, in memory and on disk; without torch, so that evidence can be had without it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index, PredProbs, TrainProbs
from labelscan.atomic import write_npz
from labelscan.errors import RunFolderError

OUTPUT_FILE = "output.npz"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoldOutput:
    """What one fold found out: a learner returns it, a shard stores it, and evidence is gathered from it."""

    repeat: int
    fold: int
    held_out_index: Index
    """(M,) rows of the data set that the model never saw."""
    pred_probs: PredProbs
    """(M, K) their probabilities."""
    train_index: Index
    """(T,) rows of the data set that the model trained on, each once."""
    train_margin: NDArray[np.float32]
    """(T,) their mean logit margin in training; NaN where the learner has no logits."""
    train_probs: TrainProbs | None = None
    """(T, K) their probabilities in training, means over the later epochs; None where the learner has none."""

    def write(self, shard: Path) -> None:
        """Write output.npz into the folder of the fold, whose name says which one it is."""
        arrays: dict[str, NDArray[Any]] = {
            "held_out_index": self.held_out_index,
            "pred_probs": self.pred_probs,
            "train_index": self.train_index,
            "train_margin": self.train_margin,
        }
        if self.train_probs is not None:
            arrays["train_probs"] = self.train_probs
        write_npz(shard / OUTPUT_FILE, arrays)

    @classmethod
    def read(cls, shard: Path, *, repeat: int, fold: int) -> "FoldOutput":
        """Return what ``write`` wrote.

        Raises:
            RunFolderError: the file is not there, or damaged.
        """
        try:
            # Opened here, since np.load leaves a damaged file open.
            with (shard / OUTPUT_FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(repeat=repeat, fold=fold, **arrays)
        except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:
            raise RunFolderError(
                f"the shard is damaged ({error})", where=str(shard), hint="delete this folder and run again"
            ) from error
