"""Code that pretrained networks of all libraries share: their recipe, a new last layer, weights from a file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from labelscan.errors import ConfigError
from labelscan.training.augmentation import Augmentation
from labelscan.training.recipe import Recipe

IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
IMAGENET_DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)
"""Mean and deviation of ImageNet's training images, in units of a stored byte: what torchvision's weights expect."""


def photo_size(smaller_side: int) -> int:
    """Return the side to store photos at: 224 pixels, or 160 if the originals are small themselves.

    Enlarging small images still pays, since the features of a backbone are those of objects of a certain size.
    """
    return 224 if smaller_side >= 112 else 160


def backbone_recipe(*, pretrained: bool) -> Recipe:
    """Return how to train a large network: briefly and gently from pretrained weights, longer from scratch."""
    epochs, learning_rate = (8, 3e-4) if pretrained else (30, 1e-3)
    return Recipe(
        epochs=epochs,
        batch_size=64,
        learning_rate=learning_rate,
        weight_decay=0.05,
        augmentation=Augmentation(8, flip=True),
    )


def last_layer(network: nn.Module) -> str:
    """Return the name of the last linear layer or 1 x 1 convolution, which gives the logits."""
    layers = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))
    ]
    if not layers:
        raise ConfigError(
            "wrong-model",
            f"{type(network).__name__} has no last layer to replace",
            where="model.name",
            hint="choose another",
        )
    return str(layers[-1])


def replace_head(network: nn.Module, *, n_classes: int) -> nn.Module:
    """Replace the last layer by a fresh one of ``n_classes``, or by nothing if that is 0; return the network."""
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


def file_of(weights: str) -> Path | None:
    """Return the file that the setting ``model.weights`` names, or None for ``auto``, ``default`` and ``none``."""
    if weights in ("auto", "default", "none"):
        return None
    if not Path(weights).is_file():
        raise ConfigError(
            "no-file", f"no file {weights!r}", where="model.weights", hint="give a file, or auto, default or none"
        )
    return Path(weights)


def with_library_weights(name: str, make: Callable[[], nn.Module]) -> nn.Module:
    """Return the network that ``make`` loads with the weights of its library, which may have to be downloaded."""
    try:
        return make()
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            "no-weights",
            f"the weights of {name} could not be loaded ({error})",
            where="model.weights",
            hint="give a file that you have, or --weights none to train from scratch",
        ) from error


def with_weights_of_file(network: nn.Module, weights: str) -> nn.Module:
    """Return the network with the weights of a file, if ``weights`` names one; only tensors are ever loaded from it."""
    path = file_of(weights)
    if path is None:
        return network
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here: pickle, zip, runtime and end-of-file errors
        # What torch says itself recommends to load it without this protection.
        problem, hint = f"{weights!r} is not a file of weights ({type(error).__name__})", "save model.state_dict()"
        raise ConfigError("no-weights", problem, where="model.weights", hint=hint) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ConfigError(
            "no-weights", f"{weights!r} holds no state dict", where="model.weights", hint="save model.state_dict()"
        )
    load_weights(network, {str(name).removeprefix("module."): each for name, each in content.items()}, where=weights)
    return network


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], *, where: str) -> None:
    """Load the tensors that fit by name and shape, and raise ConfigError if any but the last layer's does not."""
    own = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    head = last_layer(network) + "."  # may be for other classes
    needed = [name for name in own if not name.startswith(head) and not name.endswith("num_batches_tracked")]
    missing = [name for name in needed if name not in fitting]
    if missing:
        raise ConfigError(
            "no-weights",
            f"{where} does not fit the model: {len(missing)} of {len(own)} tensors are missing or of another shape, "
            f"such as {missing[0]!r}",
            where="model.weights",
            hint="name the model that these weights belong to with --model",
        )
    network.load_state_dict(fitting, strict=False)
