"""What pretrained networks share, wherever they come from: a head that is replaced, weights that are found or not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.batches import Augmentation
from labelscan.training.recipe import Recipe

IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
IMAGENET_DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)
"""Mean and deviation of ImageNet's training images, in units of a stored byte: what torchvision's weights expect."""


class Backbone(Protocol):
    """A network that comes with a library, with pretrained weights or without."""

    @property
    def pretrained(self) -> bool:
        """Return whether ``make`` starts from pretrained weights."""

    @property
    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the mean and deviation that inputs are normalised with, in units of a stored byte."""

    def image_size(self, smaller_side: int) -> int:
        """Return the side in pixels that images are stored at, given the median smaller side of the originals."""

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a network with a fresh last layer; takes (B, C, H, W), returns (B, K) logits."""

    def make_features(self) -> nn.Module:
        """Return the network without its last layer; takes (B, 3, H, W), returns (B, D) features."""

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:
        """Return how it is trained."""


def photo_size(smaller_side: int) -> int:
    """Return the side that photos are stored at: 224 pixels, or 160 where the originals are small themselves.

    Enlarging small images still pays: the features of a backbone are those of objects of a certain size.
    """
    return 224 if smaller_side >= 112 else 160


def backbone_recipe(*, pretrained: bool) -> Recipe:
    """Return how a large network is trained: briefly and gently from pretrained weights, longer from scratch."""
    if pretrained:
        return Recipe(
            epochs=8, batch_size=64, learning_rate=3e-4, weight_decay=0.05, augmentation=Augmentation(8, True)
        )
    return Recipe(epochs=30, batch_size=64, learning_rate=1e-3, weight_decay=0.05, augmentation=Augmentation(8, True))


def last_layer(network: nn.Module) -> str:
    """Return the name of the layer that gives the logits: the last linear one, or 1 x 1 convolution."""
    layers = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))
    ]
    if not layers:
        raise ConfigError(
            f"{type(network).__name__} has no last layer to replace", where="model.name", hint="choose another"
        )
    return str(layers[-1])


def replace_head(network: nn.Module, *, n_classes: int) -> nn.Module:
    """Put a fresh layer of ``n_classes`` in place of the network's last one; with 0, pass its inputs on."""
    name = last_layer(network)
    last = network.get_submodule(name)
    fresh: nn.Module = nn.Identity()
    if n_classes and isinstance(last, nn.Linear):
        fresh = nn.Linear(last.in_features, n_classes)
    elif n_classes and isinstance(last, nn.Conv2d):
        fresh = nn.Conv2d(last.in_channels, n_classes, 1)
    parent, _, attribute = name.rpartition(".")
    setattr(network.get_submodule(parent), attribute, fresh)
    return network


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weights file; nothing but tensors is ever loaded from it."""
    if not path.is_file():
        raise ConfigError(f"no file {str(path)!r}", where="model.weights", hint="give a file, or auto, default or none")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here: pickle, zip, runtime and end-of-file errors
        raise ConfigError(f"{str(path)!r} is not a file of weights ({error})", where="model.weights") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ConfigError(f"{str(path)!r} holds no state dict", where="model.weights", hint="save model.state_dict()")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], *, where: str) -> None:
    """Load what fits by name and shape, and raise ConfigError when more than the last layer does not."""
    own = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    head = last_layer(network) + "."  # may be that of other classes
    missing = [name for name in own if name not in fitting and not name.startswith(head)]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise ConfigError(
            f"{where} does not fit the model: {len(missing)} of {len(own)} tensors are missing or of another shape, "
            f"such as {missing[0]!r}",
            where="model.weights",
            hint="name the model that these weights belong to with --model",
        )
    network.load_state_dict(fitting, strict=False)
