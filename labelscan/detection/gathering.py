"""The outputs of all folds added up to evidence: each example is predicted exactly once a repeat.

Nothing is larger than the evidence itself: outputs are mapped from their files, and added in chunks of rows.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import ROW_SUM_TOLERANCE, Index, Mask, TrainProbs, as_strings
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import are_columns
from labelscan.detection.evidence import Evidence, row_chunks
from labelscan.errors import RunError
from labelscan.jobs.fold_output import FoldOutput
from labelscan.training.divergence import IF_DIVERGED


def gather(outputs: Iterable[FoldOutput], *, dataset: Dataset, scored: Mask, n_repeats: int) -> Evidence:
    """Return the evidence that the outputs of all folds of all repeats add up to.

    The probabilities of several repeats are averaged; train margins and train probabilities are the means over the
    folds that trained on the example.

    Args:
        outputs: in the order of repeat and fold, since sums round differently in another order, and the same run must
            give the same bytes. Only one is in memory at a time, so they may be loaded lazily.
        dataset, scored: N examples, and (N,) which of them each repeat must predict once.
        n_repeats: how many repeats there are.

    Raises:
        RunError: a model that diverged, or, by our own mistake, an example that is not predicted exactly once.
    """
    gathering = _Gathering(dataset, scored, n_repeats)
    for output in outputs:
        gathering.add(output)
        del output  # before the next one is loaded
    return gathering.evidence()


class _Gathering:
    """The sums over the outputs so far, one row for each scored example."""

    def __init__(self, dataset: Dataset, scored: Mask, n_repeats: int) -> None:
        self.dataset = dataset
        self.n_repeats = n_repeats
        self.index: Index = np.flatnonzero(scored).astype(np.int64)
        self.row_of = np.full(len(dataset), -1, dtype=np.int64)
        self.row_of[self.index] = np.arange(len(self.index))
        self.pred_probs = np.zeros((len(self.index), len(dataset.class_names)), dtype=np.float32)
        self.folds = np.full((len(self.index), n_repeats), -1, dtype=np.int64)
        self.margin_sums = np.zeros(len(self.index))
        self.margin_counts = np.zeros(len(self.index), dtype=np.int64)
        self.train_probs: TrainProbs | None = None
        self.latest = (-1, -1)

    def add(self, output: FoldOutput) -> None:
        where = f"repeat {output.repeat}, fold {output.fold}"
        _expect((output.repeat, output.fold) > self.latest, "came out of order, or twice", where)
        _expect(output.repeat < self.n_repeats, f"{self.n_repeats} repeats were planned", where)
        if self.latest == (-1, -1) and output.train_probs is not None:
            self.train_probs = np.zeros(self.pred_probs.shape, dtype=np.float16)
        same = (output.train_probs is None) == (self.train_probs is None)
        _expect(same, "has train_probs and others have not, or the reverse", where)
        self.latest = (output.repeat, output.fold)
        rows = self.row_of[output.held_out_index]
        _expect((rows >= 0).all(), "held out an example that is not to be scored", where)
        free = (self.folds[rows, output.repeat] < 0).all() and len(np.unique(rows)) == len(rows)
        _expect(free, "predicted an example that was predicted before in this repeat", where)
        shape, wanted = output.pred_probs.shape, (len(rows), self.pred_probs.shape[1])
        _expect(shape == wanted, f"probabilities of shape {shape}, not {wanted}", where)
        _check_distributions(output.pred_probs, where)
        for chunk in row_chunks(shape):
            self.pred_probs[rows[chunk]] += output.pred_probs[chunk]
        self.folds[rows, output.repeat] = output.fold
        rows = self.row_of[output.train_index]
        known = (rows >= 0) & ~np.isnan(output.train_margin)
        self.margin_sums[rows[known]] += output.train_margin[known]
        self.margin_counts[rows[known]] += 1
        if output.train_probs is None or self.train_probs is None:
            return
        for chunk in row_chunks(output.train_probs.shape):
            probs, is_scored = output.train_probs[chunk], rows[chunk] >= 0
            _check_distributions(probs, where)
            self.train_probs[rows[chunk][is_scored]] += probs[is_scored]

    def evidence(self) -> Evidence:
        """Return the means, once all outputs are added."""
        missing = (self.folds < 0).any(axis=1)
        if missing.any():
            first = self.dataset.example_ids[self.index[int(np.argmax(missing))]]
            problem = f"{int(missing.sum()):,} examples were not predicted in every repeat"
            raise RunError("not-predicted", problem, where=f"example {first!r}")
        all_sums: list[NDArray[Any]] = [self.pred_probs, *([] if self.train_probs is None else [self.train_probs])]
        for sums in all_sums:
            for rows in row_chunks(sums.shape):
                chunk = sums[rows].astype(np.float64)
                sums[rows] = chunk / chunk.sum(axis=1, keepdims=True)
        by_fold = as_strings([str(fold) for fold in range(int(self.folds.max(initial=0)) + 1)])
        fold_names = by_fold[self.folds[:, 0]]  # a few strings that all examples share
        if self.n_repeats > 1:
            fold_names = as_strings(["|".join(map(str, row)) for row in self.folds.tolist()])
        known = self.margin_counts > 0
        train_margin = np.full(len(self.index), np.nan, dtype=np.float32)
        train_margin[known] = self.margin_sums[known] / self.margin_counts[known]
        return Evidence(
            pred_probs=self.pred_probs,
            given_labels=self.dataset.given_labels[self.index],
            class_names=self.dataset.class_names,
            example_ids=self.dataset.example_ids[self.index],
            index=self.index,
            fold_names=fold_names,
            train_margin=train_margin if known.any() else None,
            train_probs=self.train_probs,
            from_columns=are_columns(self.dataset.inputs),
        )


def _check_distributions(probs: NDArray[np.floating[Any]], where: str) -> None:
    """Check probabilities before they are summed and normalised, which would hide what is wrong with them."""
    sums = probs.sum(axis=1, dtype=np.float64)
    if not np.isfinite(sums).all():
        problem = f"the model predicts NaN for {int((~np.isfinite(sums)).sum()):,} examples: training diverged"
        raise RunError("diverged", problem, where=where, hint=IF_DIVERGED)
    valid = (np.abs(sums - 1) <= ROW_SUM_TOLERANCE).all() and probs.min(initial=0) >= 0
    _expect(valid, "the probabilities of an example do not sum to 1", where)


def _expect(holds: bool | np.bool_, problem: str, where: str) -> None:
    if not holds:
        raise RunError("not-out-of-fold", problem, where=where, hint="this is a mistake in labelscan; please report it")
