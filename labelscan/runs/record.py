"""run.json, the record of a run: what it says of versions, choices and data, and how it is read."""

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from labelscan import __version__
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import kind_of
from labelscan.files.atomic import read_json
from labelscan.files.reading import CANNOT_READ
from labelscan.runs.files import RUN_FILE, part_of

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "cleanlab", "pillow", "simplejpeg")
"""Packages whose versions are recorded."""
VERSIONS = "versions"
CHOICES = "choices"
"""The entries with the versions of packages, and with what the automatic settings became."""
EVIDENCE_OF = "evidence_of"
"""The entry with the fingerprint of the folds that evidence.npz was gathered from."""


def versions() -> dict[str, str]:
    """Return the versions of labelscan, of Python, and of all packages that results depend on."""
    return {"labelscan": __version__, "python": platform.python_version(), **_package_versions()}


@cache
def _package_versions() -> Mapping[str, str]:
    return MappingProxyType({name: version(name) for name in PACKAGES})  # milliseconds each, and asked for often


def describe(dataset: Dataset, fingerprint: str) -> dict[str, object]:
    """Return what the record says of the data, by which a resumed run knows it again."""
    return {
        "fingerprint": fingerprint,
        "kind": kind_of(dataset.inputs),
        "examples": len(dataset),
        "classes": len(dataset.class_names),
    }


def recorded_fingerprint(path: Path) -> object:
    """Return the fingerprint of the data of the run at ``path``, or None where there is no run."""
    return part_of(read_record(path), "data").get("fingerprint")


def read_record(path: Path) -> dict[str, object]:
    """Return the record of the run at ``path``; empty where there is none, or it cannot be read."""
    try:
        return {**read_json(path / RUN_FILE)}
    except CANNOT_READ:  # missing, cut off, or not an object
        return {}
