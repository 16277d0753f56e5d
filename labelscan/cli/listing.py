"""``labelscan list WHAT``: the parts of a kind, their options, and where they come from."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import takewhile
from typing import Annotated, Any

from typer import Argument

from labelscan.cli import completion, options
from labelscan.cli.command import command
from labelscan.cli.completion import KINDS, REGISTRIES
from labelscan.config import Config, shipped_configs
from labelscan.errors import UsageError
from labelscan.registry import Registry, choices_of, nearest, shown

USES = {
    "losses": "labelscan detect DATA --loss {example}",
    "models": "labelscan detect DATA --model {example}",
    "detectors": "labelscan detect DATA --detector {example}",
    "noises": "labelscan detect 'demo:digits?noise={example}'",
}
"""How a part of each kind is named on the command line."""
DEFAULTS = {"losses": Config().training.loss, "detectors": Config().detection.detector}


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it is listed."""

    name: str
    purpose: str
    options: Sequence[Mapping[str, Any]] = ()
    """The name, default and choices of each."""
    by_classes: Sequence[Mapping[str, Any]] = ()
    """Defaults that depend on the number of classes; ``options`` holds those for the fewest."""
    source: str = ""
    command: str = ""
    """How a config is used; empty for other kinds."""


@command()
def list_parts(
    what: Annotated[
        str, Argument(metavar="WHAT", help=f"One of {', '.join(KINDS)}.", autocompletion=completion.of("kinds"))
    ],
    as_json: options.AsJson = False,
) -> None:
    """Show losses, models, detectors, configs or noises."""
    if what not in KINDS:
        hint = f"use {nearest(what, KINDS)}"
        raise UsageError("unknown-list", f"nothing to list is called {what!r}", hint=hint)
    parts, notes = list(listed_parts(what)), list(_notes(what))
    from labelscan.cli import console

    if as_json:
        console.show_json({what: [asdict(part) for part in parts], "notes": notes})
        return
    out = console.stdout()
    rows = [(part.name, part.purpose, *_details(part)) for part in parts] + [("", note) for note in notes]
    out.show(console.entries(rows, style="bold"))
    if what != "configs":  # each of them has its own
        out.print(console.text(("use: ", "dim"), USES[what].format(example=_example(what, parts))))


def listed_parts(what: str) -> Iterator[Part]:
    """Yield the parts of a kind, as in ``completion.KINDS``."""
    if what == "configs":
        for name, path in shipped_configs().items():
            comment = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
            command, *purpose = [line.lstrip("# ").strip() for line in comment]
            yield Part(name, " ".join(purpose), command=command)
        return
    module, name = REGISTRIES[what]
    registry: Registry[object] = getattr(import_module(module), name)
    for name in registry:
        constructor = registry[name]
        found = [(one.name, one.default, choices_of(one.type)) for one in registry.options(name)]
        found += [("delay", getattr(constructor, "default_delay", 0), ())] if what == "losses" else []
        options = [dict(zip(("name", "default", "choices"), one, strict=True)) for one in found]
        ranges = constructor.by_classes.ranges() if hasattr(constructor, "by_classes") else ()
        by_classes = [{"from_classes": least, "options": values} for least, values in ranges]
        first, _, _ = (inspect.getdoc(constructor) or "").partition("\n\n")
        yield Part(name, _plain(first), options, by_classes, _source(constructor))


def _notes(what: str) -> Iterator[str]:
    """Yield what holds for all parts of a kind, or names further ones."""
    if what == "configs":
        (folder,) = {path.parent for path in shipped_configs().values()}
        yield f"to change one, copy its file from {folder} and give the copy's path to --config"
    if what == "losses":
        from labelscan.training.schedule import STALLED_DELAY

        yield (
            "delay: epochs of plain cross-entropy before the loss takes over, or their share where below 1; "
            f"{STALLED_DELAY:g} in place of 0 for a loss that could not learn so many classes from the start"
        )
    if what == "models":
        from labelscan.training.models import heads, timm_model, torchvision_model
        from labelscan.training.models.automatic import LITE0
        from labelscan.training.models.named_embeddings import LIBRARIES

        yield "repeat --model for further opinions; auto takes two of different kinds"
        of_models = ", ".join(heads())
        yield f"a pretrained backbone that is frozen takes head=, one of {of_models}, as in {LITE0}:head=extra-trees"
        names = torchvision_model.names()
        yield f"and any of torchvision's {len(names)} classification models by name, such as resnet18 or {names[-1]}"
        if timm_model.installed():
            import timm

            yield f"and any of timm's {len(timm.list_models()):,} models by name, such as resnet26d"
        else:
            yield "and any of timm's models, once it is installed: pip install 'labelscan[timm]'"
        hub = " or ".join(f"{one}/NAME" for one in LIBRARIES)
        yield f"and embeddings of texts, once their library is installed: {hub} as on the Hugging Face hub, or a folder"


def _source(constructor: Callable[..., object]) -> str:
    """Return what follows ``Source:`` in the docstring of a part, else in that of its module."""
    for documented in (constructor, sys.modules.get(constructor.__module__)):
        found = re.search(r"Source:\s*(.+?)(?:\n\s*\n|\Z)", inspect.getdoc(documented) or "", re.DOTALL)
        if found:
            return _plain(found[1])
    return ""


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "").split())


def _details(part: Part) -> Iterator[str]:
    if part.options:
        yield f"options: {_listed({option['name']: option['default'] for option in part.options})}"
    if part.by_classes:
        further = [f"{_listed(more['options'])} from {more['from_classes']} on" for more in part.by_classes[1:]]
        yield f"by the number of classes: {'; '.join(further)}"
    for option in part.options:
        if option["choices"]:
            yield f"{option['name']}: {', '.join(option['choices'])}"
    if part.command:
        yield f"use: {part.command}"
    if part.source:
        yield f"source: {part.source}"


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())


def _example(what: str, parts: list[Part]) -> str:
    """Return the default part, else the first one, with an option as it is written on the command line."""
    part = next((part for part in parts if part.name == DEFAULTS.get(what)), parts[0])
    if not part.options:
        return part.name
    option = part.options[0]
    value = min(option["choices"], key=len) if option["choices"] else shown(option["default"])
    return f"{part.name}:{option['name']}={value}"
