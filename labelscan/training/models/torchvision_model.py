"""Any classification model of torchvision by its name."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Literal

import torch
from torch import nn

from labelscan.training.models.backbones import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    backbone_recipe,
    photo_size,
    replace_head,
    with_library_weights,
    with_weights_of_file,
)
from labelscan.training.recipe import Recipe

FIXED_SIZE = ("vit_", "maxvit_")
"""Name prefixes of networks that take images of one size only."""
WITH_AUXILIARIES = ("googlenet", "inception_v3")
"""Networks with classifiers half-way, for losses of their own in training."""
AUXILIARIES = {"aux1", "aux2", "AuxLogits"}


def names() -> list[str]:
    """Return the names of torchvision's classification models."""
    models = _models()
    return list(models.list_models(module=models))


def cached_weights(name: str) -> Path | None:
    """Return the file of the model's default weights, or None if it is not on this machine."""
    url = _models().get_model_weights(name).DEFAULT.url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    return path if path.is_file() else None


@dataclass(frozen=True)
class TorchvisionModel:
    """A classification model of torchvision.

    Args:
        name: as ``torchvision.models.get_model`` knows it.
        weights: ``auto`` (those on this machine, never downloaded), ``default`` (may be downloaded), ``none``, or a
            file with a state dict.
    """

    kind: ClassVar[Literal["backbone"]] = "backbone"
    takes = "images"
    name: str
    weights: str = "auto"

    @property
    def pretrained(self) -> bool:
        if self.weights == "auto":
            return cached_weights(self.name) is not None
        return self.weights != "none"

    @property
    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return IMAGENET_MEAN, IMAGENET_DEVIATION

    def image_size(self, smaller_side: int) -> int:
        weights = _models().get_model_weights(self.name).DEFAULT
        usual = int(weights.transforms().crop_size[0])
        if self.name.startswith(FIXED_SIZE):
            return usual if self.weights in ("auto", "default") and self.pretrained else 224
        return max(photo_size(smaller_side), int(weights.meta["min_size"][0]))

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:  # noqa: ARG002
        return replace_head(self._load(), n_classes=n_classes)

    def make_features(self) -> nn.Module:
        return replace_head(self._load(), n_classes=0)

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:  # noqa: ARG002
        return backbone_recipe(pretrained=self.pretrained)

    def _load(self) -> nn.Module:
        if self.weights in ("auto", "default") and self.pretrained:
            made = with_library_weights(self.name, lambda: _models().get_model(self.name, weights="DEFAULT"))
            return _without_auxiliaries(made)
        options = {"init_weights": True} if self.name in WITH_AUXILIARIES else {}  # else torchvision warns of a change
        network = _models().get_model(self.name, weights=None, **options)
        return with_weights_of_file(_without_auxiliaries(network), self.weights)


def _without_auxiliaries(network: nn.Module) -> nn.Module:
    """Return a network without its auxiliary classifiers, if it has any: nothing would be learned from them."""
    if getattr(network, "aux_logits", False):
        network.aux_logits = False  # type: ignore[assignment]  # a plain attribute
        for name in AUXILIARIES & dict(network.named_children()).keys():
            setattr(network, name, None)
    return network


def _models() -> ModuleType:
    """Return torchvision.models, which takes a second to import, so only folds that need it do."""
    return import_module("torchvision.models")
