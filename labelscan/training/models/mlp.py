"""Models for rows of numbers: a multilayer perceptron, and the linear head on frozen features."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from labelscan.registry import check_option
from labelscan.training.recipe import Recipe

LARGE = 200_000
"""Examples above which a perceptron learns in fewer and larger steps: it has seen enough of them."""


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron with batch norm and dropout, for tables of features.

    Args:
        hidden: units of each hidden layer.
        layers: hidden layers; 0 is a linear model.
        dropout: share of units left out in training, in [0, 1).
    """

    kind: ClassVar[Literal["network"]] = "network"
    takes = "features"
    hidden: int = 128
    layers: int = 2
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_option(1 <= self.hidden <= 10_000, self.hidden, "hidden", "at least 1 and at most 10,000")
        check_option(0 <= self.layers <= 100, self.layers, "layers", "at least 0 and at most 100")
        check_option(0 <= self.dropout < 1, self.dropout, "dropout", "in [0, 1)")

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        width = math.prod(input_shape)
        parts: list[nn.Module] = [nn.Flatten()]
        for _ in range(self.layers):
            parts += [nn.Linear(width, self.hidden), nn.BatchNorm1d(self.hidden), nn.ReLU(), nn.Dropout(self.dropout)]
            width = self.hidden
        return nn.Sequential(*parts, nn.Linear(width, n_classes))

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:  # noqa: ARG002
        is_large = n_examples > LARGE
        epochs = min(max(math.ceil(60_000 / max(n_examples, 1)), 5 if is_large else 10), 60)
        return Recipe(epochs=epochs, batch_size=256 if is_large else 64, learning_rate=2e-3, weight_decay=1e-2)


@dataclass(frozen=True)
class LinearHead:
    """The last layer on features of a frozen backbone: a linear model that starts at 0, with dropout before it.

    Args:
        dropout: share of features left out in training, in [0, 1).
    """

    kind: ClassVar[Literal["network"]] = "network"
    takes, family = "features", "linear"
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_option(0 <= self.dropout < 1, self.dropout, "dropout", "in [0, 1)")

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        linear = nn.Linear(math.prod(input_shape), n_classes)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        return nn.Sequential(nn.Flatten(), nn.Dropout(self.dropout), linear)

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:  # noqa: ARG002
        return Recipe(epochs=10, batch_size=64, learning_rate=1e-3, weight_decay=1e-2)
