"""A model that the caller passes instead of a name: what it may be, and how it is recognised in a later run."""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import NoReturn, TypeAlias

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from labelscan.config import fingerprint
from labelscan.errors import ConfigError
from labelscan.training.device import reproducible
from labelscan.training.models.classifiers import Classifier

UserModel: TypeAlias = Callable[[], nn.Module] | Classifier
"""A factory of networks, or a scikit-learn classifier."""
FACTORY = "a function that returns a new nn.Module"


@dataclass(frozen=True, slots=True)
class GivenModel:
    """A user's model, and the name by which a run tells it from the others."""

    name: str
    model: UserModel


def given_models(given: UserModel | Sequence[UserModel] | None) -> tuple[GivenModel, ...]:
    """Return the models that the caller passes, one or several; none for None.

    Raises:
        ConfigError: something that is neither a factory of networks nor a classifier, or the same object twice.
    """
    models = () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,)
    if given is not None and not models:
        _refuse("the list of models is empty", "leave it out, or put a model in it")
    named: list[GivenModel] = []
    for model in models:
        check_given(model)
        if any(model is one.model for one in named):
            problem = f"{name_of(model)} is given twice: a model is no second opinion on itself"
            _refuse(problem, "give another model")
        name, taken = name_of(model), [one.name for one in named]
        names = chain([name], (f"{name} {number}" for number in count(2)))
        named.append(GivenModel(next(one for one in names if one not in taken), model))
    return tuple(named)


def check_given(given: UserModel) -> None:
    """Raise ConfigError unless a model is a factory of networks or a classifier."""
    predicts = hasattr(given, "predict_proba")
    if isinstance(given, str):
        _refuse(f"{given!r} is a name", "name a model by settings=labelscan.settings(model=...)")
    if isinstance(given, type) and predicts:
        _refuse(f"{given.__name__} is a class", f"pass {given.__name__}()")
    if isinstance(given, nn.Module):
        _refuse("a network was given, but every fold needs a fresh one", f"pass {FACTORY}")
    if not callable(given) and not predicts:
        problem = f"{type(given).__name__} is neither a factory of networks nor a classifier"
        _refuse(problem, f"pass {FACTORY}, or a scikit-learn classifier with predict_proba")


def name_of(model: UserModel) -> str:
    """Return the name of a user's model for tables and messages."""
    return str(getattr(model, "__qualname__", type(model).__name__))


def fingerprint_of(model: UserModel) -> str:
    """Return a hash of everything that can be seen of a user's model: parameters, layers, code, initial weights.

    Raises:
        ConfigError: a factory that does not make networks.
    """
    if hasattr(model, "get_params"):
        return fingerprint([type(model).__qualname__, sorted(model.get_params().items(), key=str)])
    if not callable(model):
        return type(model).__qualname__
    with reproducible(0, threads=1):
        network = model()
    if not isinstance(network, nn.Module):
        _refuse(f"the factory returned {type(network).__name__}, not a network", f"pass {FACTORY}")
    digest = hashlib.blake2b(repr(network).encode(), digest_size=16)
    for kind in sorted({type(part) for part in network.modules()}, key=repr):
        digest.update(_code_of(kind).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        if not is_lazy(value):
            digest.update(value.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _refuse(problem: str, hint: str) -> NoReturn:
    raise ConfigError("wrong-model", problem, where="model", hint=hint)


def _code_of(kind: type) -> str:
    """Return the source of a class, or an empty string for torch's own and where no source can be read."""
    if kind.__module__.partition(".")[0] in ("torch", "torchvision"):
        return ""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt, or compiled
        return ""
