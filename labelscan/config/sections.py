"""Every setting: one frozen dataclass for each step of a run, which gets only its own."""

from dataclasses import dataclass, field
from functools import cache
from typing import Literal, get_type_hints

from labelscan.config.setting import BY_THE_MODEL, Setting, declared_in, setting
from labelscan.errors import ConfigError
from labelscan.files.urls import check_data_url, is_url

LEADING_DETECTOR = "noise-posterior"
"""The detector that leads by default; tests/bench/RESULTS.md compares it with confident-learning."""
SELF_CHECK_RATE = 0.02
"""The share of planted errors in a self-check without a rate."""
LIMITS, DATA, MODEL, TRAINING, RUN = "Limits", "Data", "Model", "Training", "Run"
"""Headings of help pages."""
MOST, MANY = 10_000, 1_000_000
"""Upper bounds: more is a slip of the finger, which no machine or patience has room for."""
AUTO = "auto"
"""The name that leaves the choice of models to the data."""
USUAL = "by its usual names"
"""How a column is found where none is named."""
_NO_EFFECT_ON_RESULTS = {"affects_results": False}
"""Such a section decides how and where a run is done, or what is done with its results later."""


class Section:
    """A group of settings, checked as it is made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for entry in _by_section()[type(self)]:
            entry.check(getattr(self, entry.key.rpartition(".")[2]))


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetConfig(Section):
    """What is read, and what its columns or arrays mean; those without a name are found by their usual ones."""

    data: str = setting(
        "",
        "A folder of class folders, a manifest, texts, a table, an .npz file or .tar shards, by path or address; "
        "torchvision:NAME or demo:digits.",
    )
    split: str = setting("", "Splits to read, such as train,val.", DATA, "NAMES", default_is="all")
    path_column: str = setting("", "Column of image files.", DATA, "NAME", default_is=USUAL)
    label_column: str = setting("", "Column of labels, or array of an .npz file.", DATA, "NAME", default_is=USUAL)
    true_label_column: str = setting(
        "", "Column of labels known to be right, which measure the detectors.", DATA, "NAME", default_is=USUAL
    )
    id_column: str = setting(
        "", "Column of example ids.", DATA, "NAME", default_is=f"{USUAL}, else relative paths or row numbers"
    )
    group_column: str = setting(
        "", "Column of groups that must share a fold, such as patients or scenes.", DATA, "NAME", default_is=USUAL
    )
    split_column: str = setting("", "Column of the splits that --split selects.", DATA, "NAME", default_is=USUAL)
    text_column: tuple[str, ...] = setting(
        (), "Column of text; repeat it for several, such as a title and a body.", DATA, "NAME", default_is=USUAL
    )
    encoding: str = setting(
        "", "Encoding of the text in files, such as cp1252.", DATA, "NAME", default_is="UTF-8, or by a byte order mark"
    )
    features: str = setting("", "A .npy file with a row of features for each row of a manifest or table.", DATA, "FILE")
    exclude: tuple[str, ...] = setting(
        (), "Columns that models may not see, as names or patterns such as 'id*'; repeat it for several.", DATA, "NAME"
    )
    include: tuple[str, ...] = setting(
        (), "Columns that models see, as names or patterns; repeat it for several.", DATA, "NAME", default_is="all"
    )
    merge_labels: Literal["", "case"] = setting(
        "", "Join labels that differ only by case or outer spaces, under the most frequent spelling.", DATA
    )
    root: str = setting("data", "Folder of torchvision data sets.", DATA, "FOLDER", affects_results=False)
    download: bool = setting(False, "Download a torchvision data set that is not there.", DATA, affects_results=False)
    on_unreadable: Literal["keep", "error"] = setting(
        "keep", "Keep an unreadable image as a row with the reason, or stop.", DATA
    )
    max_pixels: int = setting(
        100_000_000,
        "Images with more pixels are unreadable: a small file can hold an image that fills the memory.",
        minimum=1,
        maximum=10_000_000_000,
    )

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        for name in ("data", "features"):
            if is_url(getattr(self, name)):
                check_data_url(getattr(self, name), where=f"dataset.{name}")
        try:
            "a".encode(self.encoding or "utf-8")
        except (LookupError, ValueError) as error:
            problem = f"no encoding is called {self.encoding!r}"
            raise ConfigError(
                "unknown-encoding", problem, where="dataset.encoding", hint="try utf-8, cp1252 or gb18030"
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreConfig(Section):
    """How images are decoded into the store."""

    image_size: int = setting(
        0,
        "Height and width in pixels that images are resized to.",
        MODEL,
        "PIXELS",
        default_is=BY_THE_MODEL,
        maximum=MOST,
    )
    workers: int = setting(
        0, "Threads that decode images.", RUN, "N", default_is="one per core", maximum=MOST, affects_results=False
    )
    cache_megabytes: int = setting(
        512,
        "How much of the store a process may keep mapped in memory.",
        minimum=16,
        maximum=MANY,
        affects_results=False,
    )
    images_per_part: int = setting(
        2_000,
        "Images whose pixels or features are one job, where other machines run jobs.",
        minimum=1,
        maximum=MANY,
        affects_results=False,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheConfig(Section):
    """Where decoded images and features are kept for later runs, and how many of them."""

    folder: str = setting(
        "",
        "Folder of decoded images and features that all runs share, or none; see labelscan cache.",
        RUN,
        "FOLDER|none",
        flag="--cache",
        default_is="in the user's cache folder",
        variable="LABELSCAN_CACHE",
    )
    # By default the pixels of 130,000 photos at 224 x 224, or the features of 4 million: less than the photos take.
    gigabytes: float = setting(20.0, "The most that the cache holds; what was not used for longest goes first.")

    @property
    def limit(self) -> int:
        """Return the most that the cache holds in bytes."""
        return round(self.gigabytes * 10**9)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldsConfig(Section):
    """How examples are split into held-out folds."""

    n_folds: int = setting(
        5,
        "Folds, with a model each; an example is held out by exactly one.",
        TRAINING,
        "N",
        flag="--folds",
        minimum=2,
        maximum=MOST,
    )
    repeats: int = setting(
        1,
        "Repetitions, each with other folds; their probabilities are averaged.",
        TRAINING,
        "N",
        minimum=1,
        maximum=MOST,
    )
    copies: Literal["near", "exact", "off"] = setting(
        "near",
        "Which copies share a fold: near (equal examples, and texts that are nearly equal), exact, or off (none).",
        TRAINING,
        "COPIES",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig(Section):
    """Which models learn the labels; several are as many opinions, which are pooled."""

    name: tuple[str, ...] = setting(
        (AUTO,),
        "A model with its options, such as small-cnn:width=32 or resnet18; see labelscan list models. Repeat it for a "
        "second opinion. auto chooses by the data.",
        MODEL,
        "MODEL",
        flag="--model",
        completes="models",
    )
    weights: str = setting(
        "auto",
        "Pretrained weights: auto (those on this machine), default (may download), none, or a file.",
        MODEL,
        "WEIGHTS",
    )
    freeze: Literal["auto", "yes", "no"] = setting(
        "auto",
        "Compute the features of a pretrained backbone once and train only heads.",
        MODEL,
        flag="--freeze/--no-freeze",
        default_is="where weights are pretrained",
    )

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if not self.name:
            raise ConfigError("no-model", "no model is named", where="model.name", hint="name one, or auto")
        if AUTO in self.name and len(self.name) > 1:
            problem = "auto chooses all models itself"
            raise ConfigError(
                "auto-not-alone", problem, where="model.name", hint="name auto alone, or every model by its own name"
            )
        twice = next((name for name in self.name if self.name.count(name) > 1), None)
        if twice is not None:
            problem = f"{twice} is named twice: a model is no second opinion on itself"
            raise ConfigError(
                "model-twice", problem, where="model.name", hint="name another model; folds.repeats asks one more often"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig(Section):
    """How one model is trained. Zeros and ``auto`` stand for the recipe of the model."""

    loss: str = setting(
        "blurry",
        "A loss with its options, such as blurry:gamma=0.4,delay=4; see labelscan list losses.",
        TRAINING,
        "LOSS",
        completes="losses",
    )
    epochs: int = setting(
        0, "Passes over the training examples of a fold.", TRAINING, "N", default_is=BY_THE_MODEL, maximum=MANY
    )
    batch_size: int = setting(0, "Examples per training step.", TRAINING, "N", default_is=BY_THE_MODEL, maximum=MANY)
    learning_rate: float = setting(0.0, "Peak of the one-cycle schedule.", default_is=BY_THE_MODEL)
    weight_decay: float = setting(
        -1.0, "Decoupled weight decay; below 0 is the model's.", default_is=BY_THE_MODEL, minimum=None
    )
    augment: Literal["auto", "none", "shift", "shift-flip", "crop-flip"] = setting(
        "auto", "How images are varied in training: shifted a little, mirrored, or cropped to 60 % of the area or more."
    )

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if self.batch_size == 1:  # batch normalisation has nothing to normalise by
            raise ConfigError("out-of-range", "must be at least 2, got 1", where="training.batch_size")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceConfig(Section):
    """Where the arithmetic is done, and in which precision."""

    name: str = setting("auto", "auto, cpu, cuda, cuda:1 or mps.", RUN, "DEVICE", flag="--device", completes="devices")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        "auto",
        "Precision of networks; auto is bfloat16 on CUDA devices that have it and on CPUs with AMX where it is faster, "
        "else float32.",
        RUN,
        "PRECISION",
        completes="precisions",
    )
    engine: Literal["auto", "openvino", "torch"] = setting(
        "auto", "What computes frozen features; auto is openvino on a CPU where it is installed, else torch."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorConfig(Section):
    """Where folds are trained. Of results, ``threads`` and several ``gpus_per_fold`` can change the last digits."""

    name: str = setting("local", "Where folds are trained; local is this machine.", RUN, "EXECUTOR", flag="--executor")
    processes: int = setting(
        0,
        "Folds trained at the same time.",
        default_is="as many as the GPUs have room for, or on the CPU as the cores allow",
        maximum=MOST,
    )
    threads: int = setting(0, "CPU threads of each fold.", default_is="the cores shared out", maximum=MOST)
    gpus_per_fold: float = setting(
        1.0,
        "GPUs that train a fold together, each with its share of every batch; heads and classifiers take one. On a "
        "CPU, processes, for tests. Less than 1 is a share of a GPU, for executors that know shares.",
        minimum=0.01,
        maximum=MOST,
    )

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if self.gpus_per_fold > 1 and self.gpus_per_fold % 1:
            problem = f"must be a whole number above 1, got {self.gpus_per_fold:g}"
            hint = f"use {self.gpus_per_fold // 1:g} or {self.gpus_per_fold // 1 + 1:g}"
            raise ConfigError("out-of-range", problem, where="executor.gpus_per_fold", hint=hint)

    @property
    def processes_per_fold(self) -> int:
        """Return how many processes train a network together, each on a GPU of its own."""
        return max(1, int(self.gpus_per_fold))


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionConfig(Section):
    """The detector whose flags and ranking lead (every run computes all), and whether the run checks itself."""

    detector: str = setting(
        LEADING_DETECTOR,
        "Detector whose flags and ranking lead, such as confident-learning:filter_by=both.",
        MODEL,
        "DETECTOR",
        completes="detectors",
    )
    self_check: float = setting(
        0.0,
        "Replace this share of the labels by wrong ones (0.02 without a rate), train again, and report how many of "
        "them are found and how many wrong labels remain.",
        RUN,
        "[=RATE]",
        default_is="off",
        bare=SELF_CHECK_RATE,
        maximum=0.1,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class GateConfig(Section):
    """What ``gate`` lets pass; None, written ``"none"`` in files, is no limit."""

    max_rate: float | None = setting(
        None,
        "Share of the scored labels that may be suspects, or wrong at least as measured, such as 0.02.",
        LIMITS,
        "RATE",
        maximum=1,
    )
    max_issues: int | None = setting(
        None, "How many labels may be suspects, or wrong at least as measured.", LIMITS, "N"
    )
    max_class_rate: float | None = setting(
        None, "Share of the scored labels of any one class that may be suspects.", LIMITS, "RATE", maximum=1
    )
    max_new: int | None = setting(
        None, "How many suspects may be missing in the baseline.", LIMITS, "N", default_is="0 with a baseline"
    )
    baseline: str = setting(
        "",
        "Reviewed labels, whose suspects are not new: a file of --update-baseline, or decisions.csv.",
        LIMITS,
        "FILE",
    )
    min_error_probability: float = setting(
        0.5,
        "A suspect counts from this error probability on. Higher is steadier: labels just above it come and "
        "go with the training.",
        LIMITS,
        "P",
        maximum=1,
    )
    require_measured: bool = setting(
        False, "Fail where no decisions measure how many labels are wrong, whatever is listed.", LIMITS
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(Section):
    """All settings of a run."""

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    cache: CacheConfig = field(default_factory=CacheConfig, metadata=_NO_EFFECT_ON_RESULTS)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    folds: FoldsConfig = field(default_factory=FoldsConfig)
    device: DeviceConfig = field(default_factory=DeviceConfig)
    executor: ExecutorConfig = field(default_factory=ExecutorConfig, metadata=_NO_EFFECT_ON_RESULTS)
    detection: DetectionConfig = field(default_factory=DetectionConfig)
    gate: GateConfig = field(default_factory=GateConfig, metadata=_NO_EFFECT_ON_RESULTS)
    seed: int = setting(0, "Fixes folds, initial weights and the order of examples.", TRAINING, "N")


@cache
def settings() -> dict[str, Setting]:
    """Return every setting by its key, in the order of the sections."""
    return {entry.key: entry for entry in declared_in(Config)}


@cache
def _by_section() -> dict[type, tuple[Setting, ...]]:
    names = {Config: "", **{kind: name for name, kind in get_type_hints(Config).items()}}
    return {
        kind: tuple(entry for key, entry in settings().items() if key.rpartition(".")[0] == name)
        for kind, name in names.items()
    }
