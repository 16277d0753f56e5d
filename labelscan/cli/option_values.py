"""What the texts of options say: times, counts, settings, formats with their files, and which do not go together."""

import difflib
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from labelscan.config import Config, find_config, keys, resolve
from labelscan.errors import UsageError
from labelscan.registry import read_value

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_KEYS = {
    "data": "dataset.data",
    "split": "dataset.split",
    "path_column": "dataset.path_column",
    "label_column": "dataset.label_column",
    "true_label_column": "dataset.true_label_column",
    "id_column": "dataset.id_column",
    "group_column": "dataset.group_column",
    "split_column": "dataset.split_column",
    "root": "dataset.root",
    "download": "dataset.download",
    "on_unreadable": "dataset.on_unreadable",
    "image_size": "store.image_size",
    "workers": "store.workers",
    "folds": "folds.n_folds",
    "repeats": "folds.repeats",
    "model": "model.name",
    "weights": "model.weights",
    "freeze": "model.freeze",
    "loss": "training.loss",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "device": "device.name",
    "precision": "device.precision",
    "executor": "executor.name",
    "detector": "detection.detector",
    "self_check": "detection.self_check",
    "seed": "seed",
    "max_rate": "gate.max_rate",
    "max_issues": "gate.max_issues",
    "max_class_rate": "gate.max_class_rate",
    "max_new": "gate.max_new",
    "min_error_probability": "gate.min_error_probability",
    "baseline": "gate.baseline",
}
"""Which setting the parameter of a command is."""


def read_time(text: str, *, where: str = "--max-time") -> float:
    """Return seconds for ``90``, ``90s``, ``30m``, ``2h`` or ``1h30m``."""
    compact = text.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|[smhd]?)", compact)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != compact or seconds <= 0:
        raise UsageError(f"cannot read {text!r} as a time", where=where, hint="write 90s, 30m, 2h or 1h30m")
    return seconds


def read_count(text: str, *, where: str, least: int = 0) -> int:
    """Return a whole number of at least ``least``."""
    count = read_value(text, int, where=where)
    assert isinstance(count, int)
    if count < least:
        raise UsageError(f"must be at least {least}, got {count}", where=where)
    return count


def read_number(text: str, *, where: str) -> float:
    """Return a number."""
    value = read_value(text, float, where=where)
    assert isinstance(value, float)
    return value


def read_settings(config: str | None, overrides: list[str] | None, **given: str | bool | None) -> Config:
    """Return all settings, options before ``--set`` before variables before the config file.

    Args:
        config: file or name.
        overrides: ``section.name=value`` texts.
        given: by the name of the parameter, the texts of options; None is one that was not given.
    """
    kinds = keys()
    flags: dict[str, object] = {}
    for name, value in given.items():
        key, option = _KEYS[name], "DATA" if name == "data" else f"--{name.replace('_', '-')}"
        if name == "freeze" and isinstance(value, bool):
            flags[key] = "yes" if value else "no"
        elif isinstance(value, str) and kinds[key] is int:
            # 0 leaves it to the model in a config file; somebody who writes a flag means a number.
            flags[key] = read_count(value, where=option, least=0 if key == "seed" else 1)
        else:
            flags[key] = read_value(value, kinds[key], where=option) if isinstance(value, str) else value
    return resolve(
        flags=flags,
        overrides=overrides or [],
        environment=os.environ,
        config_file=None if config is None else find_config(config),
    )


def read_formats(
    texts: Sequence[str], known: Sequence[str], *, beside: Sequence[str] = (), makes: Collection[str] = ()
) -> dict[str, Path | None]:
    """Return each format with the file that it is written to, None being stdout.

    Args:
        texts: as ``junit`` or ``junit=FILE``.
        known: the formats there are.
        beside: those that may share stdout with another.
        makes: names of files of a run that the command itself makes.

    Raises:
        UsageError: an unknown format, one given twice, two on stdout that would make each other unreadable, or a
            file that another format or a run has written.
    """
    from labelscan.results.protected_paths import refuse_run_file  # for which pandas is loaded

    formats: dict[str, Path | None] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"use {', '.join(known)}"
            raise UsageError(f"no format is called {name!r}", where="--format", hint=hint)
        if name in formats:
            raise UsageError(f"{name} is given twice", where="--format", hint="leave one of them out")
        if equals and not file:
            raise UsageError(f"no file behind {text!r}", where="--format", hint=f"write {name}=FILE")
        path = Path(file).expanduser() if equals else None
        if path is not None:
            refuse_run_file(path, makes=makes)
            _refuse_taken(path, formats, text)
        formats[name] = path
    shown = [name for name, path in formats.items() if path is None and name not in beside]
    if len(shown) > 1:
        raise UsageError(
            f"{' and '.join(shown)} cannot both go to stdout", where="--format", hint=f"write {shown[1]}=FILE"
        )
    return formats


def _refuse_taken(path: Path, formats: Mapping[str, Path | None], text: str) -> None:
    for other, taken in formats.items():
        if taken is not None and taken.resolve() == path.resolve():
            raise UsageError(f"{other} goes into that file already", where=f"--format {text}", hint="name another file")


def refuse_both(first: str, is_first: bool, second: str, is_second: bool) -> None:
    """Raise UsageError where two options that exclude each other are given."""
    if is_first and is_second:
        raise UsageError(f"{first} and {second} are given at once", hint="leave one of them out")


def require_data(settings: Config, command: str) -> None:
    """Raise UsageError where neither DATA nor any setting names the data that ``command`` is for."""
    if not settings.dataset.data:
        raise UsageError(
            "no data is named", hint=f"labelscan {command} DATA, DATA being a folder, a file or demo:digits; see --help"
        )
