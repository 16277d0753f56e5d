"""What the shell offers behind an option, found without loading torch.

Names of parts are read from the source of the package that registers them; plug-ins are left out, since finding
them would load them.
"""

import ast
from pathlib import Path

from labelscan.config import DeviceConfig, choices, shipped_configs

KINDS = ("losses", "models", "detectors", "configs", "noises")


def losses(incomplete: str) -> list[str]:
    """Return losses that begin so."""
    return _beginning(incomplete, registered("training/losses/__init__.py"))


def models(incomplete: str) -> list[str]:
    """Return models that begin so."""
    return _beginning(incomplete, ["auto", *registered("training/models/__init__.py")])


def detectors(incomplete: str) -> list[str]:
    """Return detectors that begin so."""
    return _beginning(incomplete, registered("detection/detectors/__init__.py"))


def noises(incomplete: str) -> list[str]:
    """Return kinds of planted errors that begin so."""
    return _beginning(incomplete, registered("data/noise.py"))


def configs(incomplete: str) -> list[str]:
    """Return shipped configs that begin so."""
    return _beginning(incomplete, list(shipped_configs()))


def precisions(incomplete: str) -> list[str]:
    """Return precisions that begin so."""
    return _beginning(incomplete, list(choices(DeviceConfig, "precision")))


def devices(incomplete: str) -> list[str]:
    """Return devices that begin so."""
    return _beginning(incomplete, ["auto", "cpu", "cuda", "mps"])


def kinds(incomplete: str) -> list[str]:
    """Return what can be listed and begins so."""
    return _beginning(incomplete, list(KINDS))


def registered(module: str) -> list[str]:
    """Return the names that a module below the package hands to ``Registry``, without importing it."""
    tree = ast.parse((Path(__file__).parent.parent / module).read_text(encoding="utf-8"))
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


def _beginning(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
