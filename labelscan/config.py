"""Every setting, where it can come from, and what counts as the same settings.

One frozen dataclass for each step of the line; a step is handed its own slice. ``resolve`` puts the sources
together: flag, then ``--set``, then ``LABELSCAN_*`` variable, then ``--config`` file, then default.
"""

import dataclasses
import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from labelscan.errors import ConfigError
from labelscan.registry import read_value

ENVIRONMENT_PREFIX = "LABELSCAN_"
LEADING_DETECTOR = "noise-posterior"
"""Whose flags and ranking lead by default; tests/bench/RESULTS.md compares it with confident-learning."""
SELF_CHECK_RATE = 0.02
"""Of planted errors, where a self-check is asked for without one."""
RUN_JSON_SETTINGS = "settings"
"""The key of run.json under which the resolved settings are found again."""


def _at_least(minimum: float, value: float, where: str) -> None:
    if value < minimum:
        raise ConfigError(f"must be at least {minimum:g}, got {value:g}", where=where)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetConfig:
    """What is read, and which columns or arrays mean what. Empty names are found by themselves."""

    data: str = ""
    """Folder of class folders, manifest, table, npz file, ``torchvision:NAME`` or ``demo:digits``."""
    split: str = ""
    """Splits to read, separated by commas; all where empty."""
    path_column: str = ""
    """Of image files."""
    label_column: str = ""
    """Of given labels; in an npz file the array."""
    true_label_column: str = ""
    """Of labels known to be right, which measure the detectors."""
    id_column: str = ""
    """Of example ids; without one they are relative paths or row numbers."""
    group_column: str = ""
    """Of what must share a fold, as a patient or a scene."""
    split_column: str = ""
    """Of what ``split`` restricts."""
    root: str = "data"
    """Where torchvision data sets lie."""
    download: bool = False
    """Whether a torchvision data set may be fetched from the network."""
    on_unreadable: Literal["keep", "error"] = "keep"
    """Keep an unreadable image as a row with its reason, or stop."""
    max_pixels: int = 100_000_000
    """Images with more pixels are unreadable: a small file can hold an image that fills the memory."""

    def __post_init__(self) -> None:
        _at_least(1, self.max_pixels, "dataset.max_pixels")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreConfig:
    """How images are decoded into the store."""

    image_size: int = 0
    """Height and width in pixels; 0 is what the model wants for this data."""
    workers: int = 0
    """Threads that decode; 0 is one a core."""
    cache_megabytes: int = 512
    """How much of the store a process may keep mapped in memory."""

    def __post_init__(self) -> None:
        _at_least(0, self.image_size, "store.image_size")
        _at_least(0, self.workers, "store.workers")
        _at_least(16, self.cache_megabytes, "store.cache_megabytes")


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldsConfig:
    """How examples are split into held-out folds."""

    n_folds: int = 5
    """Models trained a repeat; each example is held out by exactly one. At least 2."""
    repeats: int = 1
    """Times that the whole is done with other folds; the probabilities are averaged."""

    def __post_init__(self) -> None:
        _at_least(2, self.n_folds, "folds.n_folds")
        _at_least(1, self.repeats, "folds.repeats")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Which model learns the labels."""

    name: str = "auto"
    """A model with its options, as in ``small-cnn:width=32``; ``auto`` chooses from the data."""
    weights: str = "auto"
    """``auto`` takes pretrained weights that are on this machine, ``default`` may download them, ``none`` trains
    from scratch, anything else is a file."""
    freeze: Literal["auto", "yes", "no"] = "auto"
    """Compute the features of a pretrained backbone once and train only the last layer; ``auto`` does so where
    the weights are pretrained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """How one model is trained. Zeros and ``auto`` stand for the recipe of the model."""

    loss: str = "blurry"
    """A loss with its options, as in ``blurry:gamma=0.4,delay=4``."""
    epochs: int = 0
    """Passes over the training examples of a fold."""
    batch_size: int = 0
    """Examples a step."""
    learning_rate: float = 0.0
    """Peak of the one-cycle schedule."""
    weight_decay: float = -1.0
    """Decoupled; below 0 is the recipe's."""
    augment: Literal["auto", "none", "shift", "shift-flip"] = "auto"
    """How images are varied in training."""

    def __post_init__(self) -> None:
        _at_least(0, self.epochs, "training.epochs")
        if self.batch_size == 1:
            raise ConfigError("must be at least 2, got 1", where="training.batch_size")
        _at_least(0, self.batch_size, "training.batch_size")
        _at_least(0, self.learning_rate, "training.learning_rate")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceConfig:
    """Where the arithmetic is done, and in which precision."""

    name: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of the arithmetic of training; ``auto`` is bfloat16 on CUDA devices that have it, else float32."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorConfig:
    """How folds are carried out. The results do not depend on it, save their last digits on ``threads``."""

    name: str = "local"
    """``local`` is this machine."""
    processes: int = 0
    """Folds side by side; 0 is one a GPU, or on the CPU as many as the cores allow."""
    threads: int = 0
    """CPU threads a fold; 0 shares the cores among the folds."""

    def __post_init__(self) -> None:
        _at_least(0, self.processes, "executor.processes")
        _at_least(0, self.threads, "executor.threads")


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionConfig:
    """Which detector's flags and ranking lead, and whether the run checks itself. Every run computes all detectors."""

    detector: str = LEADING_DETECTOR
    """The leading one with its options, as in ``confident-learning:filter_by=both``."""
    self_check: float = 0.0
    """Share of the labels that are replaced by wrong ones for a second run, which says how many of such errors are
    found; 0 is no second run, more than 0.1 would be other data."""

    def __post_init__(self) -> None:
        if not 0 <= self.self_check <= 0.1:
            raise ConfigError(
                f"must be between 0 and 0.1, got {self.self_check:g}",
                where="detection.self_check",
                hint="0.02 plants wrong labels in place of 2 %",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class GateConfig:
    """What ``gate`` lets pass. The results of a run do not depend on it."""

    max_rate: float | None = None
    """Share of the scored labels that may be suspects; None, in files ``"none"``, is no limit."""
    max_issues: int | None = None
    """How many labels may be suspects."""
    max_class_rate: float | None = None
    """Share of the scored labels of any one class that may be suspects."""
    max_new: int | None = None
    """How many suspects may be missing in the baseline; None is 0 where there is a baseline."""
    baseline: str = ""
    """File of labels that were reviewed: suspects in it are not new."""
    min_error_probability: float = 0.5
    """A suspect counts where it is flagged and its error probability is at least this: by default where it is more
    probably wrong than right. Higher is steadier: what is barely doubtful comes and goes with the training."""

    def __post_init__(self) -> None:
        for name in ("max_rate", "max_class_rate", "min_error_probability"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise ConfigError(
                    f"must be between 0 and 1, got {share:g}", where=f"gate.{name}", hint="0.02 stands for 2 %"
                )
        for name in ("max_issues", "max_new"):
            _at_least(0, getattr(self, name) or 0, f"gate.{name}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """All settings of a run."""

    seed: int = 0
    """Fixes folds, initial weights and the order of examples."""
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    folds: FoldsConfig = field(default_factory=FoldsConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    device: DeviceConfig = field(default_factory=DeviceConfig)
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    detection: DetectionConfig = field(default_factory=DetectionConfig)
    gate: GateConfig = field(default_factory=GateConfig)

    def __post_init__(self) -> None:
        _at_least(0, self.seed, "seed")


_WITHOUT_EFFECT = {"store.workers", "store.cache_megabytes", "dataset.root", "dataset.download"}
_SECTIONS_WITHOUT = ("executor.", "gate.")


LEFT_TO_THE_MODEL = (
    *("training.epochs", "training.batch_size", "training.learning_rate", "training.weight_decay"),
    "store.image_size",
)
"""Settings in which 0, or -1, stands for what the model wants."""


def keys() -> dict[str, object]:
    """Return every setting as ``section.name`` with its annotated type."""
    return dict(_keys(Config, ""))


def _keys(section: type, prefix: str) -> Iterator[tuple[str, object]]:
    hints = get_type_hints(section)
    for entry in dataclasses.fields(section):
        kind = hints[entry.name]
        if dataclasses.is_dataclass(kind):
            yield from _keys(kind, f"{prefix}{entry.name}.")  # type: ignore[arg-type]  # a class, not an instance
        else:
            yield f"{prefix}{entry.name}", kind


def flatten(config: Config) -> dict[str, object]:
    """Return ``{"section.name": value}`` for all settings."""
    flat: dict[str, object] = {}
    for name, value in dataclasses.asdict(config).items():
        if isinstance(value, dict):
            flat.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            flat[name] = value
    return flat


def nested(config: Config) -> dict[str, object]:
    """Return all settings as ``{section: {name: value}}``, the form that ``--config`` reads back."""
    tree: dict[str, object] = {}
    for key, value in flatten(config).items():
        section, dot, name = key.rpartition(".")
        if dot:
            inner = tree.setdefault(section, {})
            assert isinstance(inner, dict)
            inner[name] = value
        else:
            tree[name] = value
    return tree


def build(values: Mapping[str, object]) -> Config:
    """Return the settings with ``values`` (``section.name`` to value) in place of the defaults."""
    sections: dict[str, dict[str, Any]] = {}
    top: dict[str, Any] = {}
    for key, value in values.items():
        section, dot, name = key.rpartition(".")
        (sections.setdefault(section, {}) if dot else top)[name] = value
    hints = get_type_hints(Config)
    return Config(**top, **{name: hints[name](**inner) for name, inner in sections.items()})


def resolve(
    *,
    flags: Mapping[str, object] | None = None,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    config_file: Path | None = None,
) -> Config:
    """Put all sources of settings together, the strongest first.

    Args:
        flags: ``section.name`` to value; None values are flags that were not given.
        overrides: ``section.name=value`` as text, from ``--set``.
        environment: variables; those called ``LABELSCAN_SECTION_NAME`` are read.
        config_file: TOML file, pyproject.toml with ``[tool.labelscan]``, or a run's run.json.

    Raises:
        ConfigError: for an unknown setting, naming the nearest known one, or for a value it cannot have.
    """
    values: dict[str, object] = read_file(config_file) if config_file is not None else {}
    values.update(_from_environment(environment or {}))
    known = keys()
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"cannot read {text!r}", where="--set", hint="write section.name=value")
        key = key.strip()
        _check_known(key, known, where="--set")
        values[key] = read_value(value.strip(), known[key], where=key)
    for key, flag in (flags or {}).items():
        if flag is not None:
            _check_known(key, known, where="settings")
            values[key] = _typed(flag, known[key], where=key)
    return build(values)


def _check_known(key: str, known: Mapping[str, object], *, where: str) -> None:
    if key in known:
        return
    # Without a section, or in another one, a setting is still known by its own name.
    own_names = {full: full.rpartition(".")[2] for full in known}
    name = key.rpartition(".")[2]
    namesakes = [full for full in known if own_names[full] == name]
    nearest = difflib.get_close_matches(key, namesakes or list(known), n=1, cutoff=0.0 if namesakes else 0.4)
    if not nearest:
        near_names = difflib.get_close_matches(name, list(own_names.values()), n=1)
        nearest = [full for full in known if own_names[full] in near_names]
    hint = f"did you mean {nearest[0]}?" if nearest else "the config called default names all settings"
    raise ConfigError(f"no setting is called {key!r}", where=where, hint=hint)


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    known = keys()
    by_variable = {ENVIRONMENT_PREFIX + key.replace(".", "_").upper(): key for key in known}
    values: dict[str, object] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if variable not in by_variable:
            nearest = difflib.get_close_matches(variable, list(by_variable), n=1) or sorted(by_variable)[:1]
            raise ConfigError("no setting belongs to this variable", where=variable, hint=f"did you mean {nearest[0]}?")
        key = by_variable[variable]
        values[key] = read_value(text, known[key], where=variable)
    return values


def read_file(path: Path) -> dict[str, object]:
    """Return the settings in a TOML file, a pyproject.toml or a run.json, checked for names and types."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", where=str(path)) from error
    try:
        content: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"not valid {path.suffix[1:].upper() or 'TOML'} ({error})", where=str(path)) from error
    if path.suffix == ".json":
        content = content.get(RUN_JSON_SETTINGS, content)
    elif path.name == "pyproject.toml":
        content = content.get("tool", {}).get("labelscan")
        if content is None:
            raise ConfigError("has no table [tool.labelscan]", where=str(path), hint="add it, or name another file")
    known = keys()
    values: dict[str, object] = {}
    for name, value in content.items():
        entries = {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
        for key, inner in entries.items():
            _check_known(key, known, where=str(path))
            if isinstance(inner, (dict, list)):
                raise ConfigError(f"must be one value, got {inner!r}", where=f"{path}, {key}")
            values[key] = _typed(inner, known[key], where=f"{path}, {key}")
    return values


def _typed(value: object, kind: object, *, where: str) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and type(value) is not kind:
        raise ConfigError(f"must be {kind.__name__}, got {value!r}", where=where)
    return read_value(str(value), kind, where=where)


def find_config(name: str) -> Path:
    """Return the file that ``--config`` means: a path, or the name of one that comes with labelscan."""
    path = Path(name)
    if path.is_file():
        return path
    known = shipped_configs()
    if name in known:
        return known[name]
    nearest = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"give a file, or one of {', '.join(known)}"
    raise ConfigError(f"no file and no config is called {name!r}", where="--config", hint=hint)


def shipped_configs() -> dict[str, Path]:
    """Return the configs that come with labelscan, by name."""
    package = Path(__file__).parent
    # A wheel carries configs/ inside the package; an editable install and a checkout have it beside.
    for folder in (package / "configs", package.parent / "configs"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return {}


def settings_that_matter(config: Config) -> dict[str, object]:
    """Return the settings on which results depend, by ``section.name``.

    Left out is what only decides how fast or where a run is done, as the executor's processes, worker counts and
    cache sizes, and what is done with results later.
    """
    flat = flatten(config)
    return {key: flat[key] for key in flat if key not in _WITHOUT_EFFECT and not key.startswith(_SECTIONS_WITHOUT)}


def fingerprint(content: object) -> str:
    """Return 32 hexadecimal digits that change whenever ``content`` (anything JSON can hold) does."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


C = TypeVar("C")


def choices(config: type[C], name: str) -> tuple[str, ...]:
    """Return the values that a Literal setting can take."""
    return tuple(getattr(get_type_hints(config)[name], "__args__", ()))
