"""The learners of a fold's labels: a network that is trained here, or a classifier as scikit-learn has them."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional

from labelscan.arrays import GivenLabels, Index
from labelscan.data.stored_rows import Rows, StoredRows
from labelscan.errors import RunError
from labelscan.events import EpochDone, Listener, Warned, ignore
from labelscan.jobs.fold_job import Checkpoints, FoldJob
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.where import Where
from labelscan.processes.interruption import stopping_at_once
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.checkpoint import NO_CHECKPOINT, Checkpoint
from labelscan.training.data_parallel import Team, team_of
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.divergence import IF_DIVERGED, DivergenceError
from labelscan.training.encoders import FoldEncoder, MakeEncoder, Matrix
from labelscan.training.gpu_memory import gpu_memory_returned, step_bytes
from labelscan.training.loop import Training, help_train, kept_if_interrupted, train
from labelscan.training.losses import remembers_examples
from labelscan.training.models import Backbone, NetworkModel
from labelscan.training.models.classifiers import Classifier
from labelscan.training.prediction import check_logits, predict
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import LossSchedule

CHUNK_IMAGES = 1024
"""Images averaged at a time."""


@dataclass(frozen=True, slots=True)
class NetworkMaker:
    """Makes networks of one model; unlike a lambda it can be inspected, and made again for other classes."""

    model: NetworkModel | Backbone
    n_classes: int

    def __call__(self, input_shape: tuple[int, ...]) -> nn.Module:
        return self.model.make(input_shape, self.n_classes)


@dataclass(frozen=True, slots=True)
class GivenMaker:
    """Makes networks by a user's factory, which knows the shape of its inputs."""

    factory: Callable[[], nn.Module]

    def __call__(self, input_shape: tuple[int, ...]) -> nn.Module:  # noqa: ARG002
        return self.factory()


@dataclass(frozen=True, slots=True)
class NetworkLearner:
    """Trains a freshly made network for every fold."""

    make: Callable[[tuple[int, ...]], nn.Module]
    """Returns a fresh network for inputs of shape (H, W, C) or (D,), never the same object twice."""
    recipe: Recipe
    schedule: LossSchedule
    scale: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Mean and deviation to normalise inputs with; None takes those of the training examples."""
    encode: MakeEncoder | None = None
    """Makes what turns the columns of a table into features; None where inputs are images or features."""

    @property
    def n_epochs(self) -> int:
        return self.recipe.epochs

    def step_bytes(self, input_shape: tuple[int, ...]) -> float:
        """Return about how many bytes a step keeps on a GPU, infinite where that is unknown or the GPU is no limit."""
        if self.encode is not None or not isinstance(self.make, NetworkMaker) or self.make.model.kind == "backbone":
            return math.inf
        return step_bytes(partial(self.make, input_shape), input_shape, self.recipe.batch_size)

    @property
    def keeps_checkpoints(self) -> bool:
        loss = self.schedule.loss
        return isinstance(loss, nn.Module) or not remembers_examples(loss)  # else its memory would be lost

    def learn(
        self,
        job: FoldJob,
        inputs: StoredInputs | StoredRows,
        where: Where,
        checkpoints: Checkpoints,
        notify: Listener,
    ) -> FoldOutput:
        """Train a network, and once more at half the learning rate if the first one diverges.

        The second training begins with fresh weights: which checkpoint there is depends on the time, and the result
        must not.
        """
        if isinstance(inputs, StoredRows):
            inputs = self._encoded(job, inputs, where)
        first, retry = checkpoints if self.keeps_checkpoints else (NO_CHECKPOINT, NO_CHECKPOINT)
        if not retry.exists():  # else the first has diverged in an earlier process
            try:
                return self._train(job, inputs, where, notify, first)
            except DivergenceError as error:
                notify(Warned(f"{job.place}: {error.problem}; trained again at half the learning rate"))
        halved = replace(self, recipe=replace(self.recipe, learning_rate=self.recipe.learning_rate / 2))
        try:
            return halved._train(job, inputs, where, notify, retry)
        except DivergenceError as error:
            problem = f"{error.problem}, and before at twice the learning rate"
            raise RunError("diverged", problem, where=job.place, hint=IF_DIVERGED) from error

    def _encoded(self, job: FoldJob, rows: StoredRows, where: Where) -> StoredInputs:
        """Return features of all rows in memory, by an encoder that is fitted to the training rows."""
        assert self.encode is not None, "networks take numbers"
        with threadpool_limits(limits=torch.get_num_threads()), stopping_at_once():
            encoder = FoldEncoder(self.encode, rows)
            trained = encoder.fit(job.train_index)
            features = np.zeros((len(rows), trained.shape[1]), dtype=np.float32)
            features[job.train_index] = trained
            del trained
            for index, part in encoder.parts(job.held_out_index):
                features[index] = part
        return StoredInputs(features, where.cache_bytes)

    def _train(
        self, job: FoldJob, inputs: StoredInputs, where: Where, notify: Listener, checkpoint: Checkpoint
    ) -> FoldOutput:
        of = job.id

        def on_epoch(epoch: int, n_epochs: int, **figures: float) -> None:
            notify(EpochDone(of.repeat, of.fold, epoch, n_epochs, **figures, kind=of.kind, opinion=of.opinion))

        kept = checkpoint.as_it_is() if where.n_processes > 1 else NO_CHECKPOINT
        help_with = partial(self._help, job, inputs, where, kept)
        with team_of(where.device, where.n_processes, help_with, seed=job.seed, where=job.place, notify=notify) as team:
            training, batches = self._begin(job, inputs, where, notify, team)
            margins = train(training, on_epoch=on_epoch, notify=notify, checkpoint=checkpoint)
        with kept_if_interrupted(training, checkpoint):
            pred_probs = predict(training.network, batches, job.held_out_index, notify)
        if not np.isfinite(pred_probs).all():  # after the last step there is no loss that would show it
            raise DivergenceError(f"the network predicts NaN after epoch {training.epoch}")
        return FoldOutput(
            repeat=of.repeat,
            fold=of.fold,
            held_out_index=job.held_out_index,
            pred_probs=pred_probs,
            train_index=job.train_index,
            train_margin=margins.mean().cpu().numpy(),
            train_probs=margins.probs().numpy(),
            settled_after=training.n_epochs if training.n_epochs < self.n_epochs else 0,
        )

    def _help(
        self, job: FoldJob, inputs: StoredInputs, where: Where, checkpoint: Checkpoint, team: Team, device: Device
    ) -> None:
        """Take part in the training of a fold as one of the processes that its own has started."""
        where = replace(where, device=device)
        with reproducible(job.seed, threads=where.threads), gpu_memory_returned():
            training, _ = self._begin(job, inputs, where, ignore, team)
            help_train(training, checkpoint)

    def _begin(
        self, job: FoldJob, inputs: StoredInputs, where: Where, notify: Listener, team: Team
    ) -> tuple[Training, Batches]:
        """Return the training of a fresh network, and the batches that it takes."""
        scale = None if self.scale is None else (torch.tensor(self.scale[0]), torch.tensor(self.scale[1]))
        batches = Batches(
            inputs, job.train_index, where.device, self.recipe.augmentation, scale, resident_bytes=where.resident_bytes
        )
        network = make_network(lambda: self.make(inputs.shape), where.device, job.seed)
        _check_fresh(network)
        check_logits(network, batches, job.n_classes)
        training = Training(
            network,
            batches,
            job.train_index,
            job.given_labels,
            n_classes=job.n_classes,
            schedule=self.schedule,
            recipe=self.recipe,
            seed=job.seed + 1,
            notify=notify,
            team=team,
        )
        return training, batches


_TRAINED = "_labelscan_trained"


def _check_fresh(network: nn.Module) -> None:
    """Refuse a network with parts that another fold has trained: it has learned the labels that it would judge."""
    for part in (*network.modules(), *network.parameters()):
        if getattr(part, _TRAINED, False):
            raise RunError(
                "shared-parts",
                "the model factory returned a network with parts that another fold has trained",
                where="model",
                hint="make new objects on every call, including a pretrained backbone (copy.deepcopy does)",
            )
        setattr(part, _TRAINED, True)


@dataclass(frozen=True, slots=True)
class GivenClassifier:
    """Makes copies of a user's classifier, not yet fitted; it draws from NumPy's generator, which each fold seeds."""

    classifier: Classifier

    def __call__(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        from sklearn.base import clone

        copied: Classifier = (clone if hasattr(self.classifier, "get_params") else copy.deepcopy)(self.classifier)
        return copied


@dataclass(frozen=True, slots=True)
class ClassifierLearner:
    """Fits a fresh classifier for every fold; images are flattened and scaled to [0, 1]."""

    make: Callable[[int, int], Classifier]
    """Returns a fresh classifier for a seed below 2 ** 32 and a number of threads."""
    encode: MakeEncoder | None = None
    """Makes what turns texts or the columns of a table into what the classifier takes; None where it takes them as they
    are."""
    most_pixels: int = 0
    """The most values of an image; larger ones are averaged over squares of pixels. 0 is no limit."""
    most_rows: int = 0
    """About the most training rows that it is fitted to; 0 is no limit."""

    @property
    def n_epochs(self) -> int:
        return 1  # how often a classifier goes through the examples is its own affair

    @property
    def keeps_checkpoints(self) -> bool:
        return False  # it fits in one piece, of which nothing can be kept

    def learn(
        self,
        job: FoldJob,
        inputs: StoredInputs | StoredRows,
        where: Where,  # noqa: ARG002  # its threads are set
        checkpoints: Checkpoints,  # noqa: ARG002
        notify: Listener,  # noqa: ARG002
    ) -> FoldOutput:
        # A fold may have seen fewer than K classes; some classifiers need labels without gaps.
        fitted = _sample(job.train_index, job.given_labels, self.most_rows, job.seed)
        seen, labels = np.unique(job.given_labels[fitted], return_inverse=True)
        pred_probs = np.zeros((len(job.held_out_index), job.n_classes), dtype=np.float32)
        if len(seen) == 1:  # nothing to tell apart: scikit-learn would refuse
            pred_probs[:, seen] = 1
        elif len(job.held_out_index):
            classifier = self.make(job.seed % 2**32, torch.get_num_threads())
            with threadpool_limits(limits=torch.get_num_threads()), stopping_at_once():
                encoder = None
                if self.encode is not None and isinstance(inputs, StoredRows):
                    encoder = FoldEncoder(self.encode, inputs)
                rows = self._rows(inputs, fitted) if encoder is None else encoder.fit(fitted)
                try:
                    classifier.fit(rows, labels)
                except (TypeError, ValueError) as error:
                    if "could not convert string" in str(error):
                        _check_encoded(rows, error)
                    raise
                del rows
                if hasattr(classifier, "n_jobs"):
                    classifier.n_jobs = 1  # threads would add up what trees predict in the order in which they end
                columns = seen[np.asarray(classifier.classes_, dtype=np.int64)]
                held_out = job.held_out_index
                rows = self._rows(inputs, held_out) if encoder is None else encoder.encode(held_out)
                pred_probs[:, columns] = classifier.predict_proba(rows)
        return FoldOutput(
            repeat=job.id.repeat,
            fold=job.id.fold,
            held_out_index=job.held_out_index,
            pred_probs=pred_probs,
            train_index=job.train_index,
            train_margin=np.full(len(job.train_index), np.nan, dtype=np.float32),  # it has no logits
        )

    def _rows(self, inputs: StoredInputs | StoredRows, index: NDArray[np.int64]) -> Matrix:
        """Return (M, D) features or pixels in [0, 1], or texts or rows of a table as they are."""
        if isinstance(inputs, StoredRows):
            return inputs.take(index)
        places = torch.from_numpy(index)
        if len(inputs.shape) == 1:
            return inputs.take(places).numpy().astype(np.float32)
        if not self.most_pixels or math.prod(inputs.shape) <= self.most_pixels:
            return inputs.take(places).numpy().reshape(len(index), -1).astype(np.float32) / np.float32(255)
        side = math.ceil(math.sqrt(math.prod(inputs.shape) / self.most_pixels))
        means = []
        for chunk in places.split(CHUNK_IMAGES):  # type: ignore[no-untyped-call]  # torch
            images = inputs.take(chunk).permute(0, 3, 1, 2).float() / 255
            means.append(functional.avg_pool2d(images, side, ceil_mode=True).flatten(1).numpy())
        return np.concatenate(means)


def _check_encoded(rows: "Matrix | Rows", error: Exception) -> None:
    """Raise RunError where a classifier failed that was given texts, or columns of words, as they came."""
    if isinstance(rows, pd.DataFrame):
        words = [str(name) for name in rows if not pd.api.types.is_numeric_dtype(rows[name])]
        what, encoder = f"columns that are no numbers, such as {words[0]!r}" if words else "", "a ColumnTransformer"
    else:
        is_text = isinstance(rows, np.ndarray) and rows.dtype.kind not in "biuf"
        what, encoder = "texts" if is_text else "", "a TfidfVectorizer"
    if what:
        hint = f"put {encoder} before it in a Pipeline, or leave the model out: labelscan's own encode what they get"
        raise RunError(
            "classifier-failed", f"the classifier failed on {what}: {error}", where="model", hint=hint
        ) from error


def _sample(index: Index, given_labels: GivenLabels, most: int, seed: int) -> Index:
    """Return about ``most`` of the rows ``index``, in their order: the same share of each class, and one at least."""
    if not most or len(index) <= most:
        return index
    shuffled = np.random.default_rng(seed).permutation(index)
    labels = given_labels[shuffled]
    by_class, sizes = np.argsort(labels, kind="stable"), np.bincount(labels)
    rank = np.empty_like(shuffled)
    rank[by_class] = np.arange(len(index)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(shuffled[rank < np.ceil(sizes * most / len(index))[labels]])
