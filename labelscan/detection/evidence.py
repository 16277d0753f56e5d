"""Evidence: the outputs of all folds, one row for each scored example, filled exactly once a repeat.

Detectors see nothing else. Examples that no model could score (unreadable, the only member of a class) have no row
here, so no probability has to be invented for them; ``index`` leads back to the data set.
"""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import (
    ROW_SUM_TOLERANCE,
    GivenLabels,
    Index,
    PredProbs,
    Strings,
    TrainProbs,
    as_strings,
    check_pred_probs,
)
from labelscan.errors import ProbabilitiesError, RunFolderError
from labelscan.files.atomic import write_npz
from labelscan.files.npz import array_names, pack_texts, read_arrays, read_texts
from labelscan.files.reading import CANNOT_READ, why
from labelscan.jobs.fold_output import PROBABILITIES

FILE_NAME = "evidence.npz"
TEXTS = ("class_names", "example_ids", "fold_names")
MEMBER_ARRAYS = ("opinion_names", "opinion_probs", "opinion_weights")
MAPPED_BYTES = 1 << 28
"""The size of a file from which on its probabilities are mapped into memory instead of read."""
CHUNK_CELLS = 1 << 20
"""Probabilities worked on at a time, to keep the memory needed besides them constant."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Member:
    """The out-of-fold probabilities of one of several models, about the examples of the evidence that holds it."""

    name: str
    """The model, as run.json names it."""
    pred_probs: PredProbs
    """(N, K) float32."""
    weight: float
    """Its share of the pool, at least 0; those of all members sum to 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """Everything that detectors know about N scored examples of K classes."""

    pred_probs: PredProbs
    """(N, K) of the one model, or the pool of all members."""
    given_labels: GivenLabels
    class_names: tuple[str, ...]
    example_ids: Strings
    index: Index
    """(N,) the example's row in the data set."""
    fold_names: Strings
    """(N,) the fold that held the example out; folds of several repeats joined by ``|``; empty where unknown."""
    train_margin: NDArray[np.float32] | None = None
    """(N,) NaN where unknown; None if all are."""
    train_probs: TrainProbs | None = None
    """(N, K) in-sample: the mean over the models that trained on the example, in their later epochs."""
    aum_train_margin: NDArray[np.float32] | None = None
    """(N, R) from R trainings with an extra class: the mean logit margin of the label that each trained on, the given
    one or the extra class. None if the leading detector does not use it."""
    aum_is_threshold: NDArray[np.bool_] | None = None
    """(N, R) whether the training relabelled the example to the extra class; no example is relabelled by all."""
    members: tuple[Member, ...] = ()
    """Two or more, in the order of the run's models; empty where one model alone was asked."""
    from_columns: bool = False
    """Whether the models saw columns of a table, which seldom tell all that a label depends on."""

    def __post_init__(self) -> None:
        check_pred_probs(self.pred_probs, self.given_labels, self.class_names, example_ids=self.example_ids)
        shapes = {name: column.shape for name, column in self._columns().items()}
        if any(shape[:1] != (len(self),) for shape in shapes.values()):
            raise ValueError(f"columns of different lengths: {shapes}")
        if shapes.get("train_probs", self.pred_probs.shape) != self.pred_probs.shape:
            raise ValueError(f"train_probs of shape {shapes['train_probs']}, not {self.pred_probs.shape}")
        if shapes.get("aum_train_margin") != shapes.get("aum_is_threshold"):
            raise ValueError("aum_train_margin and aum_is_threshold of different shapes")
        if self.aum_train_margin is not None and not np.isfinite(self.aum_train_margin).all():
            raise ValueError("aum_train_margin holds NaN or infinity")
        for member in self.members:
            check_pred_probs(member.pred_probs, self.given_labels, self.class_names, example_ids=self.example_ids)
        weights = [member.weight for member in self.members]
        if weights and (len(weights) < 2 or min(weights) < 0 or abs(sum(weights) - 1) > ROW_SUM_TOLERANCE):
            raise ValueError(f"members with weights {weights}, which are not two or more that sum to 1")

    def __len__(self) -> int:
        return len(self.given_labels)

    def __getitem__(self, order: Index) -> "Evidence":
        """Return the rows ``order``, in that order."""
        members = tuple(replace(one, pred_probs=one.pred_probs[order]) for one in self.members)
        return replace(self, members=members, **{name: column[order] for name, column in self._columns().items()})

    @property
    def self_confidence(self) -> NDArray[np.float64]:
        """Return (N,) the probability of the given label."""
        return self.pred_probs[np.arange(len(self)), self.given_labels].astype(np.float64)

    def _columns(self) -> dict[str, Any]:
        """Return the arrays of one row an example, by name, without those that are None."""
        of_all = ("class_names", "members", "from_columns")
        known = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in of_all}
        return {name: column for name, column in known.items() if column is not None}

    def write(self, path: Path) -> None:
        """Write an npz file that ``labelscan score`` and plain NumPy can read."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "members"}
        arrays |= {name: np.array(arrays[name], dtype=np.str_) for name in ("class_names", "fold_names")}
        arrays |= pack_texts("example_ids", self.example_ids.tolist())
        if self.members:
            arrays["opinion_names"] = np.array([one.name for one in self.members], dtype=np.str_)
            arrays["opinion_probs"] = [one.pred_probs for one in self.members]
            arrays["opinion_weights"] = np.array([one.weight for one in self.members])
        write_npz(path, {name: array for name, array in arrays.items() if array is not None})

    def mapped_from(self, path: Path) -> "Evidence":
        """Return the evidence with probabilities that are mapped from its file where they are large.

        The system then drops what it needs the room of; so the caller must not keep this object.
        """
        if path.stat().st_size < MAPPED_BYTES:
            return self
        read = Evidence.read(path)
        return replace(self, pred_probs=read.pred_probs, train_probs=read.train_probs, members=read.members)

    @classmethod
    def read(cls, path: Path) -> "Evidence":
        """Return what ``write`` wrote, or raise RunFolderError if the file is missing, damaged or of another kind."""
        try:
            there = array_names(path)
            needed = [field.name for field in fields(cls) if field.default is MISSING or field.name in there]
            wanted = [name for name in needed if name not in TEXTS]
            mapped = (*PROBABILITIES, "opinion_probs") if path.stat().st_size >= MAPPED_BYTES else ()
            known: dict[str, Any] = {**read_arrays(path, wanted, mapped=mapped)}
            if "opinion_names" in there:
                arrays = read_arrays(path, MEMBER_ARRAYS, mapped=mapped)
                columns = zip(*(arrays[name] for name in MEMBER_ARRAYS), strict=True)
                known["members"] = tuple(Member(name=str(a), pred_probs=b, weight=float(c)) for a, b, c in columns)
            for name in ("given_labels", "index"):
                if known[name].dtype.kind != "i":
                    raise ValueError(f"{name} are {known[name].dtype}, not whole numbers")
            for name in TEXTS:
                known[name] = as_strings(read_texts(path, name))
            known["from_columns"] = bool(known.get("from_columns", False))
            return cls(**{**known, "class_names": tuple(known["class_names"])})
        except (*CANNOT_READ, TypeError, ProbabilitiesError) as error:
            problem = f"is not the evidence of a run ({why(error)})"
            raise RunFolderError("damaged", problem, where=str(path), hint="run again with --fresh") from error


def row_chunks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield parts of the rows of an array of (N, K), about ``CHUNK_CELLS`` of its numbers each."""
    size = max(1, CHUNK_CELLS // shape[1])
    return (slice(start, start + size) for start in range(0, shape[0], size))
