"""Where settings come from: flags, ``--set``, ``LABELSCAN_*`` variables, a ``--config`` file, defaults."""

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from labelscan.config.sections import Config, settings
from labelscan.config.setting import Setting
from labelscan.errors import ConfigError, did_you_mean, nearest_name
from labelscan.files.reading import CANNOT_READ, parse_json, parsed, read_text, why
from labelscan.registry import LARGEST, read_value

ENVIRONMENT_PREFIX = "LABELSCAN_"
MOST_DOTS = 1000
RUN_JSON_SETTINGS = "settings"
"""The key of the resolved settings in run.json."""


def flatten(config: Config) -> dict[str, object]:
    """Return ``{"section.name": value}`` for all settings."""
    return {key: attrgetter(key)(config) for key in settings()}


def nested(config: Config) -> dict[str, object]:
    """Return all settings as ``{section: {name: value}}``, which ``--config`` reads back."""
    return dataclasses.asdict(config)


def settings_that_matter(config: Config) -> dict[str, object]:
    """Return the settings that results depend on, by ``section.name``."""
    flat = flatten(config)
    return {key: flat[key] for key, entry in settings().items() if entry.affects_results}


def fingerprint(content: object) -> str:
    """Return 32 hexadecimal digits that change whenever ``content`` (anything JSON can hold) does."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def build(values: Mapping[str, object]) -> Config:
    """Return the settings with ``values`` (``section.name`` to value) in place of the defaults."""
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    top, config = sections.pop("", {}), Config()
    changed = {name: dataclasses.replace(getattr(config, name), **own) for name, own in sections.items()}
    return dataclasses.replace(config, **top, **changed)


def resolve(
    *,
    flags: Mapping[str, object] | None = None,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    config_file: Path | None = None,
) -> Config:
    """Return all settings from their sources, of which the first given here wins.

    Args:
        flags: ``section.name`` to value; None values are flags that were not given.
        overrides: ``section.name=value`` as text, from ``--set``.
        environment: variables; those called ``LABELSCAN_SECTION_NAME`` are read.
        config_file: TOML file, pyproject.toml with ``[tool.labelscan]``, or the run.json of a run.

    Raises:
        ConfigError: for an unknown setting, naming the nearest known one, or for a value it cannot have.
    """
    known = settings()
    values = read_file(config_file) if config_file is not None else {}
    values |= _from_environment(environment or {})
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError("not-a-setting", f"cannot read {text!r}", where="--set", hint="write section.name=value")
        key = key.strip()
        _check_known(key, where="--set")
        values[key] = read_value(value.strip(), known[key].kind, where=key)
    for key, flag in (flags or {}).items():
        if flag is not None:
            _check_known(key, where="settings")
            values[key] = _typed(flag, known[key], where=key)
    return build(values)


def _check_known(key: str, *, where: str) -> None:
    known = settings()
    if key in known:
        return
    # A setting without its section, or in another one, is found by its own name.
    own_names = {full: full.rpartition(".")[2] for full in known}
    name = key.rpartition(".")[2]
    namesakes = [full for full in known if own_names[full] == name]
    nearest = nearest_name(key, namesakes, least=0.0)
    if not nearest and (near_name := nearest_name(name, own_names.values())):
        nearest = nearest_name(key, [full for full in known if own_names[full] == near_name], least=0.0)
    hint = f"did you mean {nearest}?" if nearest else "the config called default names all settings"
    raise ConfigError("unknown-setting", f"no setting is called {key!r}", where=where, hint=hint)


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    known = settings()
    by_variable = {entry.variable: key for key, entry in known.items() if entry.variable}
    by_variable |= {ENVIRONMENT_PREFIX + key.replace(".", "_").upper(): key for key in known}
    values: dict[str, object] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if variable not in by_variable:
            hint = f"did you mean {nearest_name(variable, by_variable, least=0.0)}?"
            raise ConfigError("unknown-setting", "no setting belongs to this variable", where=variable, hint=hint)
        key = by_variable[variable]
        values[key] = read_value(text, known[key].kind, where=variable)
    return values


def read_file(path: Path) -> dict[str, object]:
    """Return the settings in a TOML file, a pyproject.toml or a run.json, checked for names and types."""
    known = settings()
    values: dict[str, object] = {}
    for name, value in _content_of(path).items():
        entries = {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
        for key, inner in entries.items():
            _check_known(key, where=str(path))
            if isinstance(inner, dict) or (isinstance(inner, list) and not known[key].is_list):
                raise ConfigError("wrong-type", "must be one value, got several", where=f"{path}, {key}")
            values[key] = _typed(inner, known[key], where=f"{path}, {key}")
    return values


def _content_of(path: Path) -> dict[str, object]:
    """Return the settings in a file by section, not yet checked."""
    hint = "name a TOML file with sections such as [training], or the run.json of a run"
    is_json = path.suffix == ".json"
    try:
        text = read_text(path)
    except CANNOT_READ as error:
        raise ConfigError("unreadable", f"cannot be read ({why(error)})", where=str(path), hint=hint) from error
    try:
        content: Any = parse_json(text) if is_json else parsed(_parse_toml, text)
    except (ValueError, MemoryError) as error:
        raise ConfigError(
            "not-valid", f"not valid {'JSON' if is_json else 'TOML'} ({why(error)})", where=str(path), hint=hint
        ) from error
    if is_json and isinstance(content, dict):
        content = content.get(RUN_JSON_SETTINGS, content)
    elif path.name == "pyproject.toml":
        tool = content.get("tool", {})
        content = tool.get("labelscan") if isinstance(tool, dict) else tool
        if content is None:
            raise ConfigError(
                "no-table", "has no table [tool.labelscan]", where=str(path), hint="add it, or name another file"
            )
    if not isinstance(content, dict):
        problem = f"must hold settings by section, not {type(content).__name__}"
        raise ConfigError("not-valid", problem, where=str(path), hint=hint)
    return content


def _parse_toml(text: str) -> dict[str, Any]:
    # The time and memory that the parser takes for a dotted key grow with the square of its parts.
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise ValueError(f"more than {MOST_DOTS:,} dots in a line")
    return tomllib.loads(text)


def _typed(value: object, entry: Setting, *, where: str) -> object:
    kind = entry.kind
    if entry.is_list and not isinstance(value, str):
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise ConfigError("wrong-type", f"must be a text or a list of texts, got {value!r}", where=where)
        return tuple(value)
    if isinstance(value, int) and abs(value) > LARGEST:  # Python has no text for some of them
        raise ConfigError("out-of-range", f"must be a number of at most {LARGEST}", where=where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and type(value) is not kind:
        raise ConfigError("wrong-type", f"must be {kind.__name__}, got {value!r}", where=where)
    return read_value(str(value), kind, where=where)


def find_config(name: str) -> Path:
    """Return the file that ``--config`` means: a path, or the name of one that comes with labelscan."""
    path = Path(name)
    known = shipped_configs()
    if path.is_file() or (path.exists() and name not in known):
        return path  # what is no file is refused by name when it is read
    if name in known:
        return known[name]
    hint = did_you_mean(name, known, otherwise=f"give a file, or one of {', '.join(known)}")
    raise ConfigError("unknown-config", f"no file and no config is called {name!r}", where="--config", hint=hint)


def shipped_configs() -> dict[str, Path]:
    """Return the configs that come with labelscan, by name."""
    package = Path(__file__).parents[1]
    # A wheel carries configs/ inside the package; a checkout and an editable install have it next to the package.
    for folder in (package / "configs", package.parent / "configs"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return {}
