"""The models that the settings mean for some data, each with the reason for it, or why they cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from labelscan.config import ModelConfig
from labelscan.config.sections import AUTO
from labelscan.errors import ConfigError, nearest_name
from labelscan.registry import PartSpec, nearest
from labelscan.training.models import LINEAR, MODELS, Frozen, Model, build_model, heads, timm_model, torchvision_model
from labelscan.training.models.automatic import TFIDF, WORDLLAMA, Candidate, DataFacts, automatic_models
from labelscan.training.models.backbones import file_of
from labelscan.training.models.named_embeddings import find_embedding


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model, its name and the reason for choosing it."""

    name: str
    model: Model
    """What is trained for each fold: all of it, or the head on ``frozen``."""
    frozen: Frozen | None
    """The pretrained network whose features are computed once."""
    reason: str
    warning: str = ""
    tip: str = ""


def choose_models(config: ModelConfig, data: DataFacts) -> tuple[ChosenModel, ...]:
    """Return the models that ``config`` means for some data, in the order in which they are asked.

    Raises:
        ConfigError: an unknown model, one that cannot take the data, or weights that are missing.
    """
    file_of(config.weights)  # fails now if it is missing
    candidates = [Candidate(name, "set by the user") for name in config.name]
    if config.name == (AUTO,):
        candidates = automatic_models(config, data)
    chosen = tuple(_choose(candidate, config, data) for candidate in candidates)
    _check_weights(config, chosen)
    return chosen


def _choose(candidate: Candidate, config: ModelConfig, data: DataFacts) -> ChosenModel:
    name, warning = candidate.name, candidate.warning
    model, head = _build(name, config.weights)
    _check_takes(model, name, data)
    frozen: Frozen | None = None
    if model.kind == "text embedding":
        if config.freeze == "no":
            problem = f"{name} is not trained whole: fine-tuning of text models is out of scope"
            raise ConfigError("wrong-model", problem, where="model.freeze", hint="leave --no-freeze out")
        frozen = model
    elif model.kind != "backbone":
        if head:
            problem = f"{name}: only a pretrained backbone has a head"
            raise ConfigError("wrong-model", problem, where="model.name", hint=f"use {head}")
    elif not model.pretrained:
        if config.freeze == "yes" or head:
            problem = f"{name} has no pretrained weights here: frozen, it would know nothing"
            hint = "use --weights default to download them, or --weights FILE"
            raise ConfigError("no-weights", problem, where="model.freeze", hint=hint)
        warning = warning or (
            f"{name} is trained from scratch, which finds far fewer wrong labels in photos than pretrained weights; "
            "use --weights default (downloads), --weights FILE, or --model efficientnet-lite0"
        )
    elif config.freeze != "no":
        frozen = model
    elif head:
        problem = f"{name}: a head stands on a backbone that is frozen"
        raise ConfigError("wrong-model", problem, where="model.freeze", hint="leave --no-freeze out, or the head")
    trained = model if frozen is None else _build_head(head or LINEAR)
    return ChosenModel(name, trained, frozen, candidate.reason, warning, candidate.tip)


def _check_takes(model: Model, name: str, data: DataFacts) -> None:
    """Raise ConfigError unless a model takes the kind of data."""
    if model.takes == data.kind or (model.takes == "features" and data.kind != "texts"):
        return
    head = f", or {WORDLLAMA}:head={name}" if model.takes == "features" else ""
    hints = {
        "images": "use small-cnn, extra-trees or a backbone such as resnet18",
        "texts": f"use {TFIDF} or {WORDLLAMA}{head}",
    }
    hint = hints.get(data.kind, "use mlp, linear, boosting or extra-trees")
    what = "is a table" if data.kind == "columns" else f"has {data.kind}"
    raise ConfigError("wrong-model", f"{name} takes {model.takes}, and the data {what}", where="model.name", hint=hint)


def _check_weights(config: ModelConfig, chosen: Sequence[ChosenModel]) -> None:
    """Raise ConfigError unless weights and freezing have a model that they are for, and a file has just one."""
    backbones = {one.frozen or one.model for one in chosen if one.frozen or one.model.kind == "backbone"}
    names, verb = " and ".join(one.name for one in chosen), "has" if len(chosen) == 1 else "have"
    if not backbones and config.weights not in ("auto", "none"):
        problem = f"{names} {verb} no pretrained weights"
        raise ConfigError("flag-without-effect", problem, where="model.weights", hint="leave --weights out")
    if not backbones and config.freeze == "yes":
        problem = f"{names} {verb} no pretrained backbone to freeze"
        raise ConfigError("no-model", problem, where="model.freeze", hint="name one with --model")
    if any(one.kind == "text embedding" for one in backbones) and file_of(config.weights):
        problem = f"{names} {verb} weights of {'its' if len(chosen) == 1 else 'their'} own"
        raise ConfigError("no-model", problem, where="model.weights", hint="name a folder of weights by --model")
    if len(backbones) > 1 and file_of(config.weights):
        problem = f"weights from a file belong to one model, and {names} need their own"
        raise ConfigError(
            "several-models", problem, where="model.weights", hint="name one of them, or leave --weights out"
        )


def _build_head(name: str) -> Model:
    if name not in MODELS or (head := build_model(PartSpec(name, {}))).takes != "features":
        raise ConfigError(
            "unknown-head", f"no head is called {name!r}", where="model.name", hint=f"use {nearest(name, heads())}"
        )
    return head


def _build(text: str, weights: str) -> tuple[Model, str]:
    """Return the model that ``text`` names, and the head that it asks for, or an empty string."""
    spec = PartSpec.parse(text, where="model.name")
    head = spec.options.get("head", "")
    spec = replace(spec, options={key: value for key, value in spec.options.items() if key != "head"})
    if spec.name in MODELS:
        return build_model(spec, weights=weights), head
    if (embedding := find_embedding(spec.name, weights)) is not None:
        return embedding, head
    if spec.options or spec.bare is not None:
        problem = f"{spec.name} has no option {next(iter(spec.options), spec.bare)!r}"
        raise ConfigError("wrong-option", problem, where="model.name", hint="use head, as in resnet18:head=extra-trees")
    name = spec.name.removeprefix("timm/").removeprefix("torchvision/")
    if name in torchvision_model.names() and not spec.name.startswith("timm/"):
        return torchvision_model.TorchvisionModel(name, weights), head
    if timm_model.known(name):
        return timm_model.TimmModel(name, weights), head
    near = nearest_name(name, MODELS) or nearest_name(name, torchvision_model.names())
    also = "" if timm_model.installed() else " (timm's models need: pip install 'labelscan[timm]')"
    hint = (f"use {near}" if near else "see labelscan list models") + also
    raise ConfigError("unknown-model", f"no model is called {name!r}", where="model.name", hint=hint)
