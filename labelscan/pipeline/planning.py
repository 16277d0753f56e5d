"""What a run will do, decided before anything is trained: the data, the model and why, its recipe, the device.

Every choice is made here, so that a wrong name fails now and not after hours, and ``--dry-run`` can show it.
"""

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from numpy.typing import ArrayLike

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
from labelscan.results.run_files import DEFAULT_PARENT
from labelscan.training.batches import NO_AUGMENTATION
from labelscan.training.device import Device, choose_device
from labelscan.training.executors import EXECUTORS, Executor
from labelscan.training.fold_job import Learner
from labelscan.training.learners import Classifier, ClassifierLearner, GivenMaker, NetworkLearner, NetworkMaker
from labelscan.training.loss_schedule import build_schedule, check_loss
from labelscan.training.losses.regularisation import regularisation_of
from labelscan.training.models import SMALL, Backbone, ChosenModel, Model, choose_model, is_backbone
from labelscan.training.models.mlp import MLP, LinearHead
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.recipe import Recipe
from labelscan.training.user_model import UserModel, check_given, fingerprint_of, name_of


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All decisions of a run."""

    config: Config
    dataset: Dataset
    data_fingerprint: str
    """Changes with ids, labels, groups and data in memory; the store compares the contents of files."""
    model_name: str
    model_reason: str
    model_fingerprint: str
    """Changes with what the name does not say: the weights in a file, or a user's network."""
    image_shape: ImageShape | None
    """The size at which images are stored; None for features."""
    frozen: Backbone | None
    """The backbone whose features are computed once."""
    learner: Learner
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
        """Return how many folds are trained, over all repeats."""
        return self.config.folds.n_folds * self.config.folds.repeats

    @property
    def n_passes(self) -> int:
        """Return about how many examples training passes over, in all models and epochs."""
        models = self.n_jobs * (1 - 1 / self.config.folds.n_folds) + self.n_threshold_runs
        return int(len(self.dataset) * models * self.learner.n_epochs)

    @property
    def choices(self) -> dict[str, object]:
        """Return what the automatic settings became, for run.json and fingerprints."""
        return {
            "model": self.model_name,
            "model_reason": self.model_reason,
            "model_fingerprint": self.model_fingerprint,
            "mirrored": self.mirrored,
            "frozen": self.frozen is not None,
            "image_shape": None if self.image_shape is None else self.image_shape._asdict(),
            "loss": self.loss,
            "recipe": None if self.recipe is None else dataclasses.asdict(self.recipe),
            "device": dataclasses.asdict(self.device),
            "threads": self.threads,
        }

    @property
    def loss(self) -> str | None:
        """Return the loss with all its options; None for a classifier of scikit-learn, which has its own."""
        return self.learner.schedule.text if isinstance(self.learner, NetworkLearner) else None

    @property
    def recipe(self) -> Recipe | None:
        """Return how networks are trained; None for a classifier of scikit-learn."""
        return self.learner.recipe if isinstance(self.learner, NetworkLearner) else None

    @property
    def mirrored(self) -> bool:
        """Return whether frozen features are the mean over an image and its mirror image."""
        return self.frozen is not None and self.config.training.augment in ("auto", "shift-flip")


def plan(
    data: Data | None = None,
    labels: ArrayLike | None = None,
    *,
    settings: Config | None = None,
    model: UserModel | None = None,
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
    chosen = _choose(config, sizes, model, notify)
    shape = None if sizes is None else _image_shape(config, sizes, chosen.model, given=model is not None)
    learner = _learner(config, dataset, chosen, shape, model)
    if has_threshold_runs:  # refused now where they cannot work
        n_threshold(len(dataset), len(dataset.class_names))
        with_extra_class(learner)
    for note in learner.schedule.notes if isinstance(learner, NetworkLearner) else ():
        notify(Noted(note))
    if chosen.warning:
        notify(Warned(chosen.warning))
    data_fingerprint = dataset.fingerprint()
    model_fingerprint = _fingerprint_of_file(config.model.weights) if model is None else fingerprint_of(model)
    matters = {**results_depend_on(config), "data": data_fingerprint, "model": [chosen.name, model_fingerprint]}
    n_jobs = config.folds.n_folds * config.folds.repeats
    return Plan(
        config=config,
        dataset=dataset,
        data_fingerprint=data_fingerprint,
        model_name=chosen.name,
        model_reason=chosen.reason,
        model_fingerprint=model_fingerprint,
        image_shape=shape,
        frozen=chosen.model if chosen.frozen and is_backbone(chosen.model) else None,
        learner=learner,
        device=device,
        threads=config.executor.threads or executor.threads_per_fold(n_jobs, device),
        executor=executor,
        folder=Path(output or DEFAULT_PARENT / f"{dataset.name}-{fingerprint(matters)[:8]}"),
        warnings=(chosen.warning,) if chosen.warning else (),
        n_threshold_runs=N_RUNS if has_threshold_runs else 0,
    )


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


def _choose(config: Config, sizes: NativeSizes | None, given: UserModel | None, notify: Listener) -> ChosenModel:
    """Return the model, and report which one and why."""
    check_given(given)
    if given is None:
        chosen = choose_model(config.model, sizes)
    else:
        stand_in: Model = MLP() if sizes is None else SmallCNN()  # its recipe is what the caller's model is trained by
        chosen = ChosenModel(name_of(given), stand_in, False, "given by the caller")
    notify(Chosen("model", chosen.name + (", frozen" if chosen.frozen else ""), chosen.reason))
    if chosen.tip:
        notify(Noted(chosen.tip))
    return chosen


def _image_shape(config: Config, sizes: NativeSizes, model: Model, *, given: bool) -> ImageShape:
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
    config: Config, dataset: Dataset, chosen: ChosenModel, shape: ImageShape | None, given: UserModel | None
) -> Learner:
    if given is not None and hasattr(given, "predict_proba"):
        return ClassifierLearner(cast(Classifier, given))
    model: Model = LinearHead() if chosen.frozen else chosen.model
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
    make = NetworkMaker(model, n_classes) if given is None else GivenMaker(given)
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
