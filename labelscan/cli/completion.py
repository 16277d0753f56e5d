"""What a shell offers for the value of an option, found without loading torch.

Names of parts are read from the source of the module that registers them. Plug-ins are left out: to find them would
load them.
"""

import ast
from collections.abc import Callable
from pathlib import Path

from labelscan.config import settings, shipped_configs

REGISTRIES = {
    "losses": ("labelscan.training.losses", "LOSSES"),
    "models": ("labelscan.training.models", "MODELS"),
    "detectors": ("labelscan.detection.detectors", "DETECTORS"),
    "noises": ("labelscan.noise.plant", "NOISES"),
}
"""Where parts are registered: the modules of losses and models load torch."""
KINDS = ("losses", "models", "detectors", "configs", "noises")
"""What ``labelscan list`` can list."""


def of(kind: str) -> Callable[[str], list[str]]:
    """Return a function that completes a text with the names of a kind."""
    return lambda incomplete: [name for name in names(kind) if name.startswith(incomplete)]


def names(kind: str) -> list[str]:
    """Return the names of a kind: parts, configs, devices, precisions, or the kinds that can be listed."""
    if kind in REGISTRIES:
        return (["auto"] if kind == "models" else []) + registered(REGISTRIES[kind][0])
    if kind == "configs":
        return list(shipped_configs())
    if kind == "devices":
        return ["auto", "cpu", "cuda", "mps"]
    return list(settings()["device.precision"].choices if kind == "precisions" else KINDS)


def registered(module: str) -> list[str]:
    """Return the names that a module hands to ``Registry``, without importing it."""
    place = Path(__file__).parents[2].joinpath(*module.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    constants = {
        target.id: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Registry":
            keys = call.args[1].keys if isinstance(call.args[1], ast.Dict) else []
            named = [
                key.value if isinstance(key, ast.Constant) else constants.get(key.id)
                for key in keys
                if isinstance(key, ast.Constant | ast.Name)
            ]
            return [str(name) for name in named if name is not None]
    return []
