"""Models by name; which of them a run trains is chosen in ``choice.py``, what ``auto`` stands for in ``automatic.py``.

A model makes networks or classifiers, one for every fold, and is not itself one. To add one, write a file here and a
line in ``MODELS``: the class says what it is and what it takes.
"""

from typing import ClassVar, Literal, Protocol, TypeAlias

from torch import nn

from labelscan.errors import ConfigError
from labelscan.registry import PartSpec, Registry
from labelscan.training.models.classifiers import Bayes, Boosting, ClassifierModel, ExtraTrees, Logistic, Ridge, Tfidf
from labelscan.training.models.mlp import MLP, LinearHead
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.models.text_embeddings import TextEmbedding, WordLlama
from labelscan.training.models.timm_model import EfficientNetLite0
from labelscan.training.recipe import Recipe


class MakesNetworks(Protocol):
    """A model that makes networks; picklable, so that other processes can make them too."""

    takes: str
    """One of ``TAKES``."""

    def make(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a fresh network for examples of shape (H, W, C) or (D,); it takes (B, C, H, W) or (B, D) inputs and
        returns (B, K) logits."""

    def recipe(self, n_examples: int, input_shape: tuple[int, ...]) -> Recipe:
        """Return how to train it on ``n_examples``."""


class NetworkModel(MakesNetworks, Protocol):
    """A network with weights of its own for every fold."""

    kind: ClassVar[Literal["network"]]


class Backbone(MakesNetworks, Protocol):
    """A network for photos from a library, whose last layer can be replaced or trained alone."""

    kind: ClassVar[Literal["backbone"]]

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


Model: TypeAlias = NetworkModel | Backbone | ClassifierModel | TextEmbedding
"""A model of any kind: it makes networks or classifiers, or is frozen under one."""
Frozen: TypeAlias = Backbone | TextEmbedding
"""A pretrained network whose features are computed once."""

MODELS: Registry[Model] = Registry(
    "model",
    {
        "small-cnn": SmallCNN,
        "mlp": MLP,
        "linear": LinearHead,
        "efficientnet-lite0": EfficientNetLite0,
        "extra-trees": ExtraTrees,
        "boosting": Boosting,
        "logistic": Logistic,
        "ridge": Ridge,
        "tfidf": Tfidf,
        "bayes": Bayes,
        "wordllama": WordLlama,
    },
)
TAKES = {
    "network": ("images", "features"),
    "backbone": ("images",),
    "classifier": ("features", "texts"),
    "text embedding": ("texts",),
}
"""What each kind of model may take; features are pixels, the columns of a table or embeddings too."""
LINEAR = "linear"
"""The head on a frozen backbone where none is named."""


def build_model(spec: PartSpec, **defaults: object) -> Model:
    """Return the model of ``MODELS`` that ``spec`` names, or raise ConfigError if it does not say what it is."""
    model = MODELS.build_spec(spec, **defaults)
    if getattr(model, "takes", None) not in TAKES.get(getattr(model, "kind", ""), ()):
        problem = f"the model {spec.name!r} does not say of what kind it is and what it takes"
        hint = 'write kind, takes = "network", "features" in the class of a network; the reference has the other kinds'
        raise ConfigError("plug-in-broken", problem, where="model.name", hint=hint)
    return model


def heads() -> list[str]:
    """Return the names of the models that can stand on a frozen backbone."""
    return [name for name in MODELS if getattr(MODELS.build(name), "takes", "") == "features"]
