"""What a run will do, decided before anything is trained: the data, the models and why, their recipes, the device.

Every choice is made here, so that a wrong name fails now and not after hours, and ``--dry-run`` can show it.
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import cast

from numpy.typing import ArrayLike
from torch import nn

from labelscan.config import Config, fingerprint, settings_that_matter
from labelscan.data import readers
from labelscan.data.dataset import Dataset, FeatureTable, ImageSource
from labelscan.data.decoding import ImageShape
from labelscan.data.native_sizes import NativeSizes, probe
from labelscan.detection.aum_trainings import N_RUNS, n_threshold, with_extra_class
from labelscan.detection.detectors import needs_threshold_runs
from labelscan.errors import DatasetError
from labelscan.events import Chosen, Listener, Noted, Warned, ignore
from labelscan.pipeline.given_data import Data, settings_and_data
from labelscan.registry import shown
from labelscan.results.run_files import DEFAULT_PARENT
from labelscan.training.batches import NO_AUGMENTATION
from labelscan.training.device import Device, choose_device
from labelscan.training.executors import EXECUTORS, Executor
from labelscan.training.fold_job import Learner
from labelscan.training.learners import (
    ClassifierLearner,
    GivenClassifier,
    GivenMaker,
    NetworkLearner,
    NetworkMaker,
)
from labelscan.training.loss_schedule import build_schedule, check_loss
from labelscan.training.losses.regularisation import regularisation_of
from labelscan.training.models import (
    AnyModel,
    Backbone,
    ChosenModel,
    Model,
    choose_models,
    is_backbone,
    is_classifier,
    is_network,
)
from labelscan.training.models.automatic import SMALL, DataFacts
from labelscan.training.models.classifiers import MOST_PIXELS, Classifier
from labelscan.training.models.mlp import MLP
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.recipe import Recipe
from labelscan.training.user_model import GivenModel, UserModel, fingerprint_of, given_models


@dataclass(frozen=True, kw_only=True)
class PlannedOpinion:
    """One model of a run: what it is, what it sees and how it learns."""

    name: str
    reason: str
    fingerprint: str
    """Changes with what the name does not say: the weights in a file, or a user's network."""
    image_shape: ImageShape | None
    """The size at which images are stored; None for features."""
    frozen: Backbone | None
    """The backbone whose features are computed once."""
    mirrored: bool
    """Whether frozen features are the mean over an image and its mirror image."""
    learner: Learner

    @property
    def loss(self) -> str | None:
        """Return the loss with all its options; None for a classifier, which has its own."""
        return self.learner.schedule.text if isinstance(self.learner, NetworkLearner) else None

    @property
    def recipe(self) -> Recipe | None:
        """Return how networks are trained; None for a classifier."""
        return self.learner.recipe if isinstance(self.learner, NetworkLearner) else None

    @property
    def choices(self) -> dict[str, object]:
        """Return what the automatic settings became, for run.json and fingerprints."""
        return {
            "model": self.name,
            "model_reason": self.reason,
            "model_fingerprint": self.fingerprint,
            "mirrored": self.mirrored,
            "frozen": self.frozen is not None,
            "image_shape": None if self.image_shape is None else self.image_shape._asdict(),
            "loss": self.loss,
            "recipe": None if self.recipe is None else dataclasses.asdict(self.recipe),
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All decisions of a run."""

    config: Config
    dataset: Dataset
    data_fingerprint: str
    """Changes with ids, labels, groups and data in memory; the store compares the contents of files."""
    opinions: tuple[PlannedOpinion, ...]
    """One for each model, at least one."""
    device: Device
    threads: int
    """CPU threads of each fold."""
    executor: Executor
    folder: Path
    warnings: tuple[str, ...]
    n_threshold_runs: int = 0
    """Trainings with an extra class, on all examples, in addition to the folds."""

    @property
    def n_jobs(self) -> int:
        """Return how many folds are trained, over all repeats and models."""
        return self.config.folds.n_folds * self.config.folds.repeats * len(self.opinions)

    @property
    def network(self) -> PlannedOpinion:
        """Return the first model that is a network, else the first."""
        return next((one for one in self.opinions if isinstance(one.learner, NetworkLearner)), self.opinions[0])

    @property
    def choices(self) -> dict[str, object]:
        """Return what the automatic settings became, for run.json."""
        return {
            "opinions": [one.choices for one in self.opinions],
            "device": dataclasses.asdict(self.device),
            "threads": self.threads,
        }

    @property
    def models(self) -> dict[str, object]:
        """Return the names and fingerprints of all models, as settings that results depend on."""
        return {
            "model.name": shown(tuple(one.name for one in self.opinions)),
            "model.fingerprint": shown(tuple(filter(None, (one.fingerprint for one in self.opinions)))),
        }

    def n_passes(self, opinion: PlannedOpinion) -> int:
        """Return about how many examples the training of one model passes over, in all folds and epochs."""
        n_folds = self.config.folds.n_folds
        models = (n_folds - 1) * self.config.folds.repeats
        models += self.n_threshold_runs if opinion is self.network else 0
        return int(len(self.dataset) * models * opinion.learner.n_epochs)


def plan(
    data: Data | None = None,
    labels: ArrayLike | None = None,
    *,
    settings: Config | None = None,
    model: UserModel | Sequence[UserModel] | None = None,
    output: Path | str | None = None,
    notify: Listener = ignore,
) -> Plan:
    """Return what ``detect`` would do with the same arguments, without training or writing.

    Raises:
        UsageError: settings or data that cannot work, with what to do.
    """
    config, dataset = settings_and_data(data, labels, settings)
    check_loss(config.training.loss)
    has_threshold_runs = needs_threshold_runs(config.detection.detector)
    executor = EXECUTORS.build(config.executor.name, processes=config.executor.processes)
    device = choose_device(config.device)
    dataset = dataset if dataset is not None else readers.read(config.dataset, notify)
    sizes = None if isinstance(dataset.inputs, FeatureTable) else _probe(dataset.inputs, dataset.name, config)
    for note in dataset.notes:
        notify(Noted(note))
    opinions, warnings = _opinions(config, dataset, sizes, given_models(model), notify)
    n_jobs = config.folds.n_folds * config.folds.repeats * len(opinions)
    made = Plan(
        config=config,
        dataset=dataset,
        data_fingerprint=dataset.fingerprint(),
        opinions=opinions,
        device=device,
        threads=config.executor.threads or executor.threads_per_fold(n_jobs, device),
        executor=executor,
        folder=Path(output or ""),
        warnings=warnings,
        n_threshold_runs=N_RUNS if has_threshold_runs else 0,
    )
    if has_threshold_runs:  # refused now where they cannot work
        n_threshold(len(dataset), len(dataset.class_names))
        with_extra_class(made.network.learner)
    matters = {**results_depend_on(config), "data": made.data_fingerprint, **made.models}
    default = DEFAULT_PARENT / f"{dataset.name}-{fingerprint(matters)[:8]}"
    return made if output else dataclasses.replace(made, folder=default)


def results_depend_on(config: Config) -> dict[str, object]:
    """Return the settings that decide what is trained.

    They leave out the place of the data, for which its fingerprint stands, and the detector: it judges finished folds
    in seconds, so a run is resumed with another one.
    """
    matters = settings_that_matter(config)
    return {key: value for key, value in matters.items() if key != "dataset.data" and not key.startswith("detection.")}


def _probe(images: ImageSource, name: str, config: Config) -> NativeSizes:
    sizes = probe(images, max_pixels=config.dataset.max_pixels)
    if sizes.n_probed == 0:
        raise DatasetError(
            "none of the images that were opened can be read",
            where=images.path(0) or name,
            hint="check that these files are images",
        )
    return sizes


def _opinions(
    config: Config,
    dataset: Dataset,
    sizes: NativeSizes | None,
    given: Sequence[GivenModel],
    notify: Listener,
) -> tuple[tuple[PlannedOpinion, ...], tuple[str, ...]]:
    """Return the models and what to warn of, and report which models and why."""
    if given:
        stand_in: Model = MLP() if sizes is None else SmallCNN()  # its recipe is what the caller's networks train by
        chosen = tuple(ChosenModel(one.name, stand_in, None, "given by the caller") for one in given)
    else:
        chosen = choose_models(config.model, DataFacts(sizes, len(dataset), len(dataset.class_names)))
    opinions = []
    for one, by_caller in zip_longest(chosen, given):
        notify(Chosen("model", one.name + (", frozen" if one.frozen else ""), one.reason))
        for note in filter(None, [one.tip]):
            notify(Noted(note))
        opinions.append(_opinion(config, dataset, sizes, one, by_caller))
    schedules = [one.learner.schedule for one in opinions if isinstance(one.learner, NetworkLearner)]
    for note in dict.fromkeys(note for schedule in schedules for note in schedule.notes):
        notify(Noted(note))
    warnings = tuple(dict.fromkeys(one.warning for one in chosen if one.warning))
    for warning in warnings:
        notify(Warned(warning))
    return tuple(opinions), warnings


def _opinion(
    config: Config, dataset: Dataset, sizes: NativeSizes | None, chosen: ChosenModel, given: GivenModel | None
) -> PlannedOpinion:
    seen_by = chosen.frozen or chosen.model
    shape = None if sizes is None else _image_shape(config, sizes, seen_by, given=given is not None)
    has_file = chosen.frozen is not None or is_backbone(chosen.model)
    if given is not None:
        made_from = fingerprint_of(given.model)
    else:
        made_from = _fingerprint_of_file(config.model.weights) if has_file else ""
    return PlannedOpinion(
        name=chosen.name,
        reason=chosen.reason,
        fingerprint=made_from,
        image_shape=shape,
        frozen=chosen.frozen,
        mirrored=chosen.frozen is not None and config.training.augment in ("auto", "shift-flip"),
        learner=_learner(config, dataset, chosen.model, shape, given),
    )


def _image_shape(config: Config, sizes: NativeSizes, model: AnyModel, *, given: bool) -> ImageShape:
    channels = 1 if sizes.grey else 3
    height, width = sizes.median_height, sizes.median_width
    if is_backbone(model):
        side = config.store.image_size or model.image_size(min(height, width))
        return ImageShape(side, side, 3)
    if config.store.image_size:
        return ImageShape(config.store.image_size, config.store.image_size, channels)
    shrink = 1.0 if given and sizes.uniform else min(1.0, SMALL / min(height, width))
    return ImageShape(max(1, round(height * shrink)), max(1, round(width * shrink)), channels)


def _learner(
    config: Config, dataset: Dataset, model: AnyModel, shape: ImageShape | None, given: GivenModel | None
) -> Learner:
    if given is not None and hasattr(given.model, "predict_proba"):
        return ClassifierLearner(GivenClassifier(cast(Classifier, given.model)))
    if is_classifier(model):
        return ClassifierLearner(model.make_classifier, most_pixels=MOST_PIXELS)
    assert is_network(model)
    n_classes = len(dataset.class_names)
    n_train = math.ceil(len(dataset) * (1 - 1 / config.folds.n_folds))
    recipe = model.recipe(n_train, input_shape(dataset, shape))
    if isinstance(dataset.inputs, FeatureTable):
        recipe = dataclasses.replace(recipe, augmentation=NO_AUGMENTATION)
    recipe = recipe.changed_by(config.training)
    schedule = build_schedule(config.training.loss, n_epochs=recipe.epochs, n_classes=n_classes)
    wanted_decay = regularisation_of(schedule.loss).weight_decay
    if wanted_decay is not None and config.training.weight_decay < 0:
        recipe = dataclasses.replace(recipe, weight_decay=wanted_decay)
    make = NetworkMaker(model, n_classes) if given is None else GivenMaker(cast(Callable[[], nn.Module], given.model))
    scale = model.scale if is_backbone(model) else None
    return NetworkLearner(make, recipe, schedule, scale)


def input_shape(dataset: Dataset, shape: ImageShape | None) -> tuple[int, ...]:
    """Return the shape of an example as models receive it: (H, W, C) or (D,)."""
    if shape is not None:
        return shape.height, shape.width, shape.channels
    assert isinstance(dataset.inputs, FeatureTable)
    return (dataset.inputs.features.shape[1],)


def _fingerprint_of_file(weights: str) -> str:
    path = Path(weights)
    if weights in ("auto", "default", "none") or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
