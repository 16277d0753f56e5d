"""The models of a run, decided before anything is trained: what each sees, and how it learns."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import cast

from torch import nn

from labelscan.config import Config, TrainingConfig
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Inputs, Texts, are_columns
from labelscan.errors import ConfigError
from labelscan.events import Chosen, Listener, Noted, Warned
from labelscan.images.decoding import ImageShape
from labelscan.images.sizes import NativeSizes
from labelscan.jobs.fold_job import Learner
from labelscan.jobs.learners import ClassifierLearner, GivenClassifier, GivenMaker, NetworkLearner, NetworkMaker
from labelscan.registry import shown
from labelscan.training.augmentation import NO_AUGMENTATION
from labelscan.training.device import Device
from labelscan.training.encoders.columns import make_for_networks
from labelscan.training.engines import EngineChoice, choose_engine
from labelscan.training.losses.published import regularisation_of
from labelscan.training.models import Frozen, Model
from labelscan.training.models.automatic import SMALL, DataFacts, DataKind
from labelscan.training.models.backbones import file_of
from labelscan.training.models.choice import ChosenModel, choose_models
from labelscan.training.models.classifiers import MOST_PIXELS, Classifier
from labelscan.training.models.mlp import MLP
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.models.text_embeddings import digest_of_files
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import build_schedule
from labelscan.training.user_model import GivenModel, fingerprint_of

MOST_FEATURES = 4096
"""No frozen backbone has many more, for an estimate of memory."""
PASS_SECONDS, NUMBER_SECONDS = 25e-6, 0.5e-6
"""About how long a network takes to learn from an example once on one core, and besides that for each number of an
image: small-cnn took 50 microseconds at 8 x 8 and 330 at 28 x 28, an MLP 15 to 25 on features."""
TEXT_FEATURES = 256
"""About the columns of an embedding of texts, for an estimate of the time."""


@dataclass(frozen=True, kw_only=True)
class PlannedMember:
    """One model of a run: what it is, what it sees and how it learns."""

    name: str
    reason: str
    fingerprint: str
    """Changes with what the name does not say: the weights in files, or a user's network."""
    image_shape: ImageShape | None
    """The size at which images are stored; None for features."""
    frozen: Frozen | None
    """The pretrained network whose features are computed once."""
    mirrored: bool
    """Whether frozen features are the mean over an image and its mirror image."""
    engine: EngineChoice | None
    """What computes the features of a frozen backbone; None where there is none."""
    learner: Learner = field(compare=False)
    """It follows from the settings and the rest."""

    @property
    def loss(self) -> str | None:
        """Return the loss with all its options; None for a classifier, which has its own."""
        return self.learner.schedule.text if isinstance(self.learner, NetworkLearner) else None

    @property
    def recipe(self) -> Recipe | None:
        """Return how networks are trained; None for a classifier."""
        return self.learner.recipe if isinstance(self.learner, NetworkLearner) else None

    @property
    def is_network(self) -> bool:
        """Return whether it is a network, or a head of one; else it is a classifier, which no GPU computes."""
        return isinstance(self.learner, NetworkLearner)

    @property
    def can_be_shared(self) -> bool:
        """Return whether several processes can train it together: heads and classifiers take too little for that."""
        return self.is_network and self.frozen is None

    @property
    def pass_seconds(self) -> float:
        """Return about how long one training example takes once on one core."""
        sees_features = self.image_shape is None or self.frozen is not None
        return PASS_SECONDS + (0.0 if sees_features else NUMBER_SECONDS * math.prod(self.image_shape or ()))

    def step_bytes(self, dataset: Dataset) -> float:
        """Return about how many bytes a training step of a network keeps on a GPU, infinite where that is unknown."""
        assert isinstance(self.learner, NetworkLearner)
        shape = (MOST_FEATURES,) if self.frozen is not None else input_shape(dataset, self.image_shape)
        return self.learner.step_bytes(shape)

    @property
    def choices(self) -> dict[str, object]:
        """Return what the automatic settings became, whatever machine trains it."""
        return {
            "model": self.name,
            "model_reason": self.reason,
            "model_fingerprint": self.fingerprint,
            "mirrored": self.mirrored,
            "frozen": self.frozen is not None,
            "image_shape": None if self.image_shape is None else self.image_shape._asdict(),
            "loss": self.loss,
            "recipe": None if self.recipe is None else dataclasses.asdict(self.recipe),
            **({"most_rows": self.most_rows} if self.most_rows else {}),
        }

    @property
    def most_rows(self) -> int:
        """Return about how many of the training rows of a fold it is fitted to; 0 is all."""
        return self.learner.most_rows if isinstance(self.learner, ClassifierLearner) else 0


def models_of(members: Sequence[PlannedMember]) -> dict[str, object]:
    """Return the names and fingerprints of models, as settings that results depend on."""
    return {
        "model.name": shown(tuple(one.name for one in members)),
        "model.fingerprint": shown(tuple(filter(None, (one.fingerprint for one in members)))),
    }


def first_network(members: Sequence[PlannedMember]) -> PlannedMember:
    """Return the first model that is a network, or the first where none is."""
    return next((one for one in members if one.is_network), members[0])


def plan_members(
    config: Config,
    dataset: Dataset,
    sizes: NativeSizes | None,
    given: Sequence[GivenModel],
    device: Device,
    notify: Listener,
) -> tuple[tuple[PlannedMember, ...], tuple[str, ...]]:
    """Return the models of a run and what to warn of, and report which models and why.

    Args:
        config: all settings.
        dataset: what is learned.
        sizes: of its images; None where it has none.
        given: the caller's models, in place of those that the settings name.
        device: where they are trained.
        notify: receives each choice, notes and warnings.

    Raises:
        ConfigError: a model or loss that cannot be, that cannot take the data, or whose weights are missing.
    """
    if given:
        if isinstance(dataset.inputs, Texts) and not all(hasattr(one.model, "predict_proba") for one in given):
            hint = "pass a scikit-learn pipeline that takes texts, or embeddings of them in place of the texts"
            raise ConfigError(
                "wrong-model", "networks of your own take numbers, and the data has texts", where="model", hint=hint
            )
        # Its recipe is what the caller's networks are trained by.
        stand_in: Model = MLP() if sizes is None else SmallCNN()
        chosen = tuple(ChosenModel(one.name, stand_in, None, "given by the caller") for one in given)
    else:
        kind, n_columns = data_kind_of(dataset.inputs), _n_columns(dataset.inputs)
        facts = DataFacts(kind, sizes, len(dataset), len(dataset.class_names), n_columns)
        chosen = choose_models(config.model, facts)
    members = []
    for one, by_caller in zip_longest(chosen, given):
        notify(Chosen("model", one.name + (", frozen" if one.frozen else ""), one.reason))
        if one.tip:
            notify(Noted(one.tip))
        members.append(_member(config, dataset, sizes, one, by_caller, device))
    for engine in dict.fromkeys(one.engine for one in members if one.engine is not None):
        notify(Chosen("engine", str(engine), engine.reason))
    for member in members:
        if member.most_rows:
            notify(Noted(f"{member.name} is fitted to {member.most_rows:,} rows a fold, by its option max_rows"))
    schedules = [one.learner.schedule for one in members if isinstance(one.learner, NetworkLearner)]
    for note in dict.fromkeys(note for schedule in schedules for note in schedule.notes):
        notify(Noted(note))
    if not schedules and config.training.loss != TrainingConfig().loss:
        notify(Noted(f"the loss {config.training.loss} trains nothing: classifiers have their own"))
    _check_shares(config, members, notify)
    warnings = tuple(dict.fromkeys(one.warning for one in chosen if one.warning))
    for warning in warnings:
        notify(Warned(warning))
    return tuple(members), warnings


def _check_shares(config: Config, members: Sequence[PlannedMember], notify: Listener) -> None:
    """Say which models are trained on one GPU whatever ``executor.gpus_per_fold`` is, and refuse too small batches."""
    n_processes = config.executor.processes_per_fold
    alone = [one.name for one in members if not one.can_be_shared]
    if n_processes > 1 and alone:
        notify(Noted(f"{' and '.join(alone)}: heads and classifiers are trained on one GPU, not {n_processes}"))
    for recipe in (one.recipe for one in members if one.can_be_shared):
        if recipe is not None and recipe.batch_size < n_processes:
            problem = f"{n_processes} processes cannot share batches of {recipe.batch_size}"
            raise ConfigError(
                "too-small-batches", problem, where="executor.gpus_per_fold", hint="use larger batches, or fewer GPUs"
            )


def _member(
    config: Config,
    dataset: Dataset,
    sizes: NativeSizes | None,
    chosen: ChosenModel,
    given: GivenModel | None,
    device: Device,
) -> PlannedMember:
    seen_by = chosen.frozen or chosen.model
    shape = None if sizes is None else _image_shape(config, sizes, seen_by, given=given is not None)
    has_backbone = chosen.frozen is not None and chosen.frozen.kind == "backbone"
    made_from = ""
    if given is not None:
        made_from = fingerprint_of(given.model)
    elif seen_by.kind == "backbone" and (weights := file_of(config.model.weights)):
        with weights.open("rb") as file:
            made_from = hashlib.file_digest(file, "sha256").hexdigest()
    elif seen_by.kind == "text embedding":
        made_from = digest_of_files(seen_by.files())
    return PlannedMember(
        name=chosen.name,
        reason=chosen.reason,
        fingerprint=made_from,
        image_shape=shape,
        frozen=chosen.frozen,
        mirrored=has_backbone and config.training.augment in ("auto", "shift-flip", "crop-flip"),
        engine=choose_engine(config.device, device) if has_backbone else None,
        learner=_learner(config, dataset, chosen, shape, given),
    )


def _image_shape(config: Config, sizes: NativeSizes, model: Model, *, given: bool) -> ImageShape:
    channels = 1 if sizes.grey else 3
    height, width = sizes.median_height, sizes.median_width
    if model.kind == "backbone":
        side = config.store.image_size or model.image_size(min(height, width))
        return ImageShape(side, side, 3)
    if config.store.image_size:
        return ImageShape(config.store.image_size, config.store.image_size, channels)
    shrink = 1.0 if given and sizes.uniform else min(1.0, SMALL / min(height, width))
    return ImageShape(max(1, round(height * shrink)), max(1, round(width * shrink)), channels)


def _learner(
    config: Config, dataset: Dataset, chosen: ChosenModel, shape: ImageShape | None, given: GivenModel | None
) -> Learner:
    model = chosen.model
    if given is not None and hasattr(given.model, "predict_proba"):
        most_pixels = getattr(given.model, "most_pixels", 0)
        return ClassifierLearner(GivenClassifier(cast(Classifier, given.model)), most_pixels=most_pixels)
    n_train = math.ceil(len(dataset) * (1 - 1 / config.folds.n_folds))
    is_encoded = isinstance(dataset.inputs, ColumnTable) or model.takes == "texts"
    if model.kind == "classifier":
        most_rows = getattr(model, "max_rows", 0)
        return ClassifierLearner(
            model.make_classifier,
            model.make_encoder if is_encoded else None,
            most_pixels=MOST_PIXELS,
            most_rows=most_rows if n_train > most_rows else 0,
        )
    assert model.kind != "text embedding"
    n_classes = len(dataset.class_names)
    recipe = model.recipe(n_train, input_shape(dataset, shape))
    if shape is None:
        recipe = dataclasses.replace(recipe, augmentation=NO_AUGMENTATION)
    recipe = recipe.changed_by(config.training)
    schedule = build_schedule(config.training.loss, n_epochs=recipe.epochs, n_classes=n_classes)
    wanted_decay = regularisation_of(schedule.loss).weight_decay
    if wanted_decay is not None and config.training.weight_decay < 0:
        recipe = dataclasses.replace(recipe, weight_decay=wanted_decay)
    make = NetworkMaker(model, n_classes) if given is None else GivenMaker(cast(Callable[[], nn.Module], given.model))
    if given is not None:
        recipe = dataclasses.replace(recipe, matrix_units=False)  # which were measured for other networks
    scale = model.scale if model.kind == "backbone" else None
    return NetworkLearner(make, recipe, schedule, scale, make_for_networks if is_encoded else None)


def input_shape(dataset: Dataset, shape: ImageShape | None) -> tuple[int, ...]:
    """Return the shape of an example as models receive it: (H, W, C) or (D,), about D where an encoder decides."""
    if shape is not None:
        return shape.height, shape.width, shape.channels
    return (_n_columns(dataset.inputs) or TEXT_FEATURES,)


def data_kind_of(inputs: Inputs) -> DataKind:
    """Return what models see of an example; what a person sees is ``data.inputs.kind_of``."""
    if isinstance(inputs, FeatureTable):
        return "features" if are_columns(inputs) else "embeddings"
    kinds: Mapping[type, DataKind] = {ColumnTable: "columns", Texts: "texts"}
    return kinds.get(type(inputs), "images")


def _n_columns(inputs: Inputs) -> int:
    """Return the number of columns of a table, else 0."""
    if isinstance(inputs, ColumnTable):
        return inputs.frame.shape[1]
    return int(inputs.features.shape[1]) if isinstance(inputs, FeatureTable) else 0
