"""run.json, the record of a run: its state, and what it was begun with, made by and made of."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

from labelscan import __version__
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import InputKind, kind_of
from labelscan.errors import RunFolderError
from labelscan.files.atomic import write_json
from labelscan.files.checksums import checksum_of
from labelscan.runs.files import FORMAT_VERSION, RUN_FILE, as_json, read_versioned

State: TypeAlias = Literal["running", "finished", "interrupted", "failed"]
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "cleanlab", "pillow", "simplejpeg")
"""Packages whose versions are recorded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """The data of a run, by which a resumed run knows it again."""

    fingerprint: str
    kind: InputKind
    examples: int
    classes: int

    @classmethod
    def of(cls, dataset: Dataset, fingerprint: str) -> "Described":
        """Return what the record says of the data."""
        kind = kind_of(dataset.inputs)
        return cls(fingerprint=fingerprint, kind=kind, examples=len(dataset), classes=len(dataset.class_names))


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What the automatic settings became."""

    opinions: tuple[Mapping[str, object], ...] = ()
    """What each model is: its name, recipe, loss, precision and so on."""
    device: Mapping[str, object] = field(default_factory=dict)
    threads: int | None = None
    """Those of a fold."""
    processes_per_fold: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """The process that writes a run, or did last."""

    host: str
    process: int
    since: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenFiles:
    """The files of probabilities that ``score`` was given."""

    file: str
    """The first, where ``labelscan apply`` reads the labels again; empty where all were in memory."""
    further_files: tuple[str, ...] = ()
    fingerprint: str = ""
    """That of the first file alone, where there are several."""
    label_column: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedDecisions:
    """The decisions of a person by which a run was judged."""

    file: str
    number: int
    fingerprint: str
    decided_wrong: tuple[str, ...] = ()
    """Ids of the examples whose labels are wrong by them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a run is begun with and known again by, as run.json says it."""

    settings: Mapping[str, object]
    """All of them; those that results do not depend on may differ when it is resumed."""
    results_depend_on: Mapping[str, object]
    """The settings that decide the results, by ``section.name``, and the command."""
    data: Described
    for_gate: bool = False
    """Whether it only serves a verdict, and replaces that of a gate on data as it was before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """Everything that run.json says of a run; None is what it does not say.

    Whoever resumes a run writes the record again, so one with a key that is not known here is refused.
    """

    format_version: int = FORMAT_VERSION
    state: State
    started: str
    ended: str | None = None
    error: str | None = None
    """What the run ended with, if it did not finish."""
    directory: str
    """The folder that relative paths in the run start from."""
    settings: Mapping[str, object]
    """All of them, by section; those that results do not depend on may differ when it is resumed."""
    results_depend_on: Mapping[str, object]
    """The settings that decide the results, by ``section.name``, and the command."""
    data: Described
    planted: bool = False
    """Whether errors were planted in its labels, as in a self-check, so that these are not the data's."""
    for_gate: bool = False
    """Whether it only serves a verdict: the next gate replaces it when the data has changed."""
    source: GivenFiles | None = None
    driver: Driver | None = None
    machines: tuple[Mapping[str, object], ...] = ()
    """Those that have worked on the run: often one, more where it was resumed elsewhere."""
    versions: Mapping[str, str] = field(default_factory=dict)
    choices: Choices | None = None
    jobs: tuple[str, ...] | None = None
    """The names of all jobs, as far as they are known before any work."""
    evidence_of: str = ""
    """The fingerprint of the folds that evidence.npz was gathered from."""
    opinion_weights: Mapping[str, float] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    """Epochs of trainings that ended before all of them since they had settled, by the name of the job."""
    decisions: CountedDecisions | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Those of evidence and tables: of a file that is being replaced, that before and that after."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds by step."""

    @classmethod
    def read(cls, folder: Path) -> "RunRecord":
        """Return the record of the run in a folder, or raise RunFolderError as ``read_versioned`` does."""
        return read_versioned(folder / RUN_FILE, cls, FORMAT_VERSION, extra=False)

    @classmethod
    def find(cls, folder: Path) -> "RunRecord | None":
        """Return the record of the run in a folder; None where there is none, or it cannot be read."""
        try:
            return cls.read(folder)
        except RunFolderError:
            return None

    def write(self, folder: Path) -> None:
        """Write run.json into the folder of the run."""
        content = {key: value for key, value in as_json(self).items() if value is not None}
        write_json(folder / RUN_FILE, content)

    @property
    def command(self) -> object:
        """Return the command that made the run: ``detect``, ``score`` or ``benchmark``."""
        return self.results_depend_on.get("command")

    def section(self, name: str) -> Mapping[str, object]:
        """Return the settings of one section, empty where the command has none of it."""
        section = self.settings.get(name)
        return section if isinstance(section, Mapping) else {}

    def check_intact(self, folder: Path, name: str) -> None:
        """Raise RunFolderError where a file of the run in ``folder`` is not the one that the run wrote."""
        written = self.checksums.get(name)
        try:
            if written is None or checksum_of(folder / name) in written.split():  # two while it is replaced
                return
        except OSError:  # missing: its reader says so
            return
        problem = f"{name} has changed since the run wrote it"
        hint = "the same command that made the run makes the file again"
        raise RunFolderError("damaged", problem, where=str(folder / name), hint=hint)

    def refuse_benchmark(self, where: Path | str) -> None:
        """Raise RunFolderError where this is the record of a benchmark, which has runs of its own."""
        if self.command == "benchmark":
            hint = "give a run of the data; labelscan diff, report and status also take those in its folder cells/"
            raise RunFolderError("benchmark-not-run", "this is a benchmark, not a run", where=str(where), hint=hint)


@cache  # milliseconds each, and asked for often
def versions() -> Mapping[str, str]:
    """Return the versions of labelscan, of Python, and of all packages that results depend on."""
    packages = {name: version(name) for name in PACKAGES}
    return {"labelscan": __version__, "python": platform.python_version(), **packages}
