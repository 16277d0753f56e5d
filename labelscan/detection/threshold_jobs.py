"""The trainings with an extra class as jobs: like those of the folds, but on all examples, and for their margins alone.

Nothing is held out, and cross-entropy is the loss whatever that of the folds: a wrong label is told by its low margin,
and a loss that backs off from hard examples would leave the threshold examples, all of them hard, untrained.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelscan.arrays import Index
from labelscan.config import fingerprint
from labelscan.detection.threshold_runs import N_RUNS, ThresholdRuns, draw_threshold_examples
from labelscan.errors import ConfigError, RunError
from labelscan.events import Listener
from labelscan.training.device import Device, seed_of
from labelscan.training.fold_job import FoldJob, FoldTask, Learned, Learner, read_outputs
from labelscan.training.learners import NetworkLearner, NetworkMaker
from labelscan.training.schedule import build_schedule

KIND = "aum"
"""Of these jobs, in events and in the names of their folders."""


@dataclass(frozen=True, slots=True)
class MarginLearner:
    """Trains as a network learner does and keeps nothing but margins: its probabilities have a class too many."""

    network: NetworkLearner

    @property
    def n_epochs(self) -> int:
        """Return how often the training examples are gone through."""
        return self.network.n_epochs

    def learn(self, task: FoldTask, *, device: Device, notify: Listener) -> Learned:
        """Train on the training rows; nothing may be held out."""
        assert not len(task.held_out_index)
        learned = self.network.learn(task, device=device, notify=notify)
        return Learned(np.zeros((0, task.n_classes - 1), dtype=np.float32), learned.train_margin)


def with_extra_class(learner: Learner) -> MarginLearner:
    """Return a learner as ``learner`` is, by cross-entropy and with one class more.

    Raises:
        ConfigError: for what has no logits, or whose number of outputs is not ours to choose.
    """
    hint = "name a model by --model, or choose another detector, as in --detector noise-posterior"
    if not isinstance(learner, NetworkLearner):
        raise ConfigError(
            "aum compares the logits of networks, and the given classifier has none",
            where="detection.detector",
            hint=hint,
        )
    if not isinstance(learner.make, NetworkMaker):
        raise ConfigError(
            "aum trains networks with one output more than there are classes, which the given function does not make",
            where="detection.detector",
            hint=hint,
        )
    n_classes = learner.make.n_classes + 1
    return MarginLearner(
        dataclasses.replace(
            learner,
            make=dataclasses.replace(learner.make, n_classes=n_classes),
            schedule=build_schedule("ce", n_epochs=learner.n_epochs, n_classes=n_classes),
        )
    )


def threshold_jobs(fold_job: FoldJob, index: Index, parent: Path) -> list[FoldJob]:
    """Return one job for each run with an extra class.

    Args:
        fold_job: any of the folds', which these are like in all that is not said here.
        index: (N,) rows of the data set, to be trained on and judged.
        parent: where their shards are made.

    Raises:
        UsageError: a learner that cannot do it, or too few examples.
    """
    extra_class = fold_job.n_classes
    seed = seed_of(fold_job.seed, KIND)
    is_threshold = draw_threshold_examples(len(index), extra_class, seed=seed)
    jobs = []
    for run in range(N_RUNS):
        labels = fold_job.given_labels.copy()
        labels[index[is_threshold[:, run]]] = extra_class
        trained_on = hashlib.blake2b(index.tobytes() + labels[index].tobytes(), digest_size=16).hexdigest()
        jobs.append(
            dataclasses.replace(
                fold_job,
                kind=KIND,
                repeat=0,
                fold=run,
                folder=parent / f"{KIND}-{run}",
                fingerprint=fingerprint([fold_job.fingerprint, trained_on]),
                given_labels=labels,
                n_classes=extra_class + 1,
                train_index=index,
                held_out_index=index[:0],
                learner=with_extra_class(fold_job.learner),
                seed=seed,
            )
        )
    return jobs


def read_threshold_runs(jobs: Sequence[FoldJob]) -> ThresholdRuns:
    """Return what finished jobs of ``threshold_jobs`` found out, one row for each example of their ``index``.

    Raises:
        RunError: margins that are infinite or NaN.
    """
    train_margin = np.column_stack([output.train_margin for output in read_outputs(jobs)])
    if not np.isfinite(train_margin).all():
        raise RunError(
            "margins of training are infinite or NaN: training diverged",
            where=KIND,
            hint="lower training.learning_rate, or set device.precision=float32",
        )
    is_threshold = [job.given_labels[job.train_index] == job.n_classes - 1 for job in jobs]
    return ThresholdRuns(train_margin, np.column_stack(is_threshold))
