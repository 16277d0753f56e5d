"""Trainings with an extra class, whose margins the AUM detector uses: jobs like those of the folds.

Some examples, the *threshold examples*, are relabelled to a class that does not exist. Their labels are certainly
wrong, so their margins in training show what the margins of wrong labels are like. A run cannot judge the examples
that it relabelled itself, hence a second run with other threshold examples. Nothing is held out, and the loss is
cross-entropy, whatever that of the folds: a loss that backs off from hard examples would leave the threshold examples,
all of them hard, untrained.

Source: Pleiss, Zhang, Elenberg and Weinberger, NeurIPS 2020, arXiv:2001.10528.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Index
from labelscan.config import fingerprint
from labelscan.data.stored_rows import StoredRows
from labelscan.detection.evidence import Evidence
from labelscan.errors import ConfigError, DatasetError, RunError
from labelscan.events import Listener
from labelscan.jobs.files import AUM
from labelscan.jobs.fold_job import Checkpoints, FoldId, FoldJob, Learner
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.learners import NetworkLearner, NetworkMaker
from labelscan.jobs.where import Where
from labelscan.training.batches import StoredInputs
from labelscan.training.device import seed_of
from labelscan.training.divergence import IF_DIVERGED
from labelscan.training.schedule import build_schedule

N_RUNS = 2


@dataclass(frozen=True, slots=True)
class MarginLearner:
    """Trains a network and keeps only its margins: its probabilities have one class too many."""

    network: NetworkLearner

    @property
    def n_epochs(self) -> int:
        return self.network.n_epochs

    @property
    def keeps_checkpoints(self) -> bool:
        return self.network.keeps_checkpoints

    def learn(
        self,
        job: FoldJob,
        inputs: StoredInputs | StoredRows,
        where: Where,
        checkpoints: Checkpoints,
        notify: Listener,
    ) -> FoldOutput:
        assert not len(job.held_out_index)
        output = self.network.learn(job, inputs, where, checkpoints, notify)
        return dataclasses.replace(output, pred_probs=output.pred_probs[:, :-1], train_probs=None)


def with_extra_class(learner: Learner) -> MarginLearner:
    """Return the same learner with cross-entropy and one more class, or raise ConfigError where it cannot have one."""
    if not isinstance(learner, NetworkLearner) or not isinstance(learner.make, NetworkMaker):
        problem = "aum compares the logits of networks, and the given classifier has none"
        if isinstance(learner, NetworkLearner):
            problem = "aum trains networks with one more output than classes, which the given function cannot make"
        hint = "name a model by --model, or choose another detector, such as --detector noise-posterior"
        raise ConfigError("wrong-model", problem, where="detection.detector", hint=hint)
    n_classes = learner.make.n_classes + 1
    make = dataclasses.replace(learner.make, n_classes=n_classes)
    schedule = build_schedule("ce", n_epochs=learner.n_epochs, n_classes=n_classes)
    return MarginLearner(dataclasses.replace(learner, make=make, schedule=schedule))


def threshold_jobs(fold_job: FoldJob, index: Index) -> list[FoldJob]:
    """Return one job for each run with an extra class, trained on the rows ``index`` and otherwise like ``fold_job``.

    Raises:
        UsageError: a learner that cannot do it, or too few examples.
    """
    extra_class, seed = fold_job.n_classes, seed_of(fold_job.run_seed, AUM)
    common = dataclasses.replace(
        fold_job,
        n_classes=extra_class + 1,
        train_index=index,
        held_out_index=index[:0],
        learner=with_extra_class(fold_job.learner),
        run_seed=seed,
    )
    jobs = []
    for run, is_threshold in enumerate(draw_threshold_examples(len(index), extra_class, seed=seed).T):
        labels = fold_job.given_labels.copy()
        labels[index[is_threshold]] = extra_class
        trained_on = hashlib.blake2b(index.tobytes() + labels[index].tobytes(), digest_size=16).hexdigest()
        made_from = fingerprint([fold_job.made_from, trained_on])
        id_ = FoldId(kind=AUM, fold=run, number=fold_job.id.number, opinion=fold_job.id.opinion)
        jobs.append(dataclasses.replace(common, id=id_, made_from=made_from, given_labels=labels))
    return jobs


def with_threshold_runs(evidence: Evidence, jobs: Sequence[FoldJob], outputs: Iterable[FoldOutput]) -> Evidence:
    """Return the evidence with the margins in the outputs of ``threshold_jobs``, or with none where there are no jobs.

    Raises:
        RunError: they diverged.
    """
    if not jobs and evidence.aum_train_margin is None:
        return evidence
    if not jobs:
        return dataclasses.replace(evidence, aum_train_margin=None, aum_is_threshold=None)
    train_margin = np.column_stack([output.train_margin for output in outputs])
    if not np.isfinite(train_margin).all():
        raise RunError("diverged", "margins are infinite or NaN: training diverged", where=AUM, hint=IF_DIVERGED)
    return dataclasses.replace(evidence, aum_train_margin=train_margin, aum_is_threshold=_are_relabelled(jobs))


def has_threshold_runs_of(evidence: Evidence, jobs: Sequence[FoldJob]) -> bool:
    """Return whether the evidence has the margins of just these jobs."""
    if not jobs or evidence.aum_is_threshold is None:
        return not jobs and evidence.aum_is_threshold is None
    return np.array_equal(evidence.aum_is_threshold, _are_relabelled(jobs))


def _are_relabelled(jobs: Sequence[FoldJob]) -> NDArray[np.bool_]:
    """Return (N, R) whether each of the R jobs has the extra class in place of the given label."""
    return np.column_stack([job.given_labels[job.train_index] == job.n_classes - 1 for job in jobs])


def n_threshold(n_examples: int, n_classes: int) -> int:
    """Return how many examples a run relabels, the average size of a class, or raise DatasetError if there are none."""
    if n_examples <= n_classes:
        few = f"{n_examples:,} examples of {n_classes:,} classes are too few for aum"
        hint = "choose another detector, such as --detector noise-posterior"
        raise DatasetError("too-few-examples", f"{few}, which relabels one in {n_classes + 1:,}", hint=hint)
    return n_examples // (n_classes + 1)


def draw_threshold_examples(n_examples: int, n_classes: int, *, seed: int) -> NDArray[np.bool_]:
    """Return (N, N_RUNS) which examples each run relabels: drawn at random, none twice."""
    size = n_threshold(n_examples, n_classes)
    order = np.random.default_rng(seed).permutation(n_examples)
    is_threshold = np.zeros((n_examples, N_RUNS), dtype=np.bool_)
    for run in range(N_RUNS):
        is_threshold[order[run * size : (run + 1) * size], run] = True
    return is_threshold
