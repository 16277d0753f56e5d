"""What a benchmark will do, decided before anything is trained: which labels are right, which cells there are.

The errors depend on noise and seed alone, so that all losses and detectors of a seed are compared on the same ones.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np

from labelscan.benchmarking.reference import REASON, with_planter
from labelscan.config import Config, DetectionConfig, fingerprint
from labelscan.data import readers
from labelscan.data.dataset import Dataset, sort_class_names
from labelscan.detection.detectors import ALWAYS, DETECTORS, needs_threshold_runs
from labelscan.errors import ConfigError, DatasetError
from labelscan.events import Chosen, Event, Listener, Noted, Warned, ignore
from labelscan.noise.plant import needs_pred_probs, plant
from labelscan.pipeline import planning
from labelscan.pipeline.plan_facts import plan_facts
from labelscan.pipeline.planning import PlannedRun, results_depend_on
from labelscan.registry import PartSpec
from labelscan.runs.files import DEFAULT_PARENT
from labelscan.training.schedule import check_loss
from labelscan.training.user_model import UserModel

AS_GIVEN = "as given"
"""Stands for the data's own errors, which are known: nothing is planted."""
NO_NOISE = "no noise"
"""Stands for labels that all count as right."""
CELL_SETTINGS = ("training.loss", "seed")
"""The settings in which cells differ."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One loss on the labels of one noise and seed."""

    noise: str
    loss: str
    seed: int

    def __str__(self) -> str:
        return f"{self.noise}, {self.loss}, seed {self.seed}"

    @property
    def folder(self) -> Path:
        """Return the run folder, relative to that of the benchmark."""
        return Path("cells") / _file_name(self.noise) / _file_name(self.loss) / f"seed-{self.seed}"

    @property
    def is_planted(self) -> bool:
        """Return whether errors are planted in the labels."""
        return self.noise not in (AS_GIVEN, NO_NOISE)

    @property
    def needs_reference(self) -> bool:
        """Return whether the labels are made with the probabilities of the reference."""
        return self.is_planted and needs_pred_probs(self.noise)


REFERENCE = Cell(NO_NOISE, "ce", 0)
"""The run whose probabilities say which classes and examples are hard, for the noises that depend on that."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkPlan:
    """All decisions of a benchmark, with every name checked."""

    config: Config
    model: UserModel | Sequence[UserModel] | None
    dataset: Dataset
    """With true labels; given labels are wrong only where the data's own errors are to be found."""
    data_fingerprint: str
    """That of the data as it was read."""
    noises: tuple[str, ...]
    losses: tuple[str, ...]
    detectors: tuple[str, ...]
    seeds: tuple[int, ...]
    runs: Mapping[str, PlannedRun]
    """What a run would do, by loss; they differ in nothing else."""
    reference: PlannedRun | None
    """What the reference run would do, whose last model plants; None where no noise needs one."""
    reference_model: Sequence[UserModel] | None
    """The models that it is given, in place of those that its settings name."""
    trained_for: str
    """The detector for which runs train more than their folds, or an empty string."""
    output: Path | None
    """The folder that was asked for."""

    @cached_property
    def folder(self) -> Path:
        """Return the folder of the benchmark."""
        matters = {**self.shared_settings, "data": self.data_fingerprint, **self.planned.plan.models}
        return self.output or DEFAULT_PARENT / f"benchmark-{self.dataset.name}-{fingerprint(matters)[:8]}"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return all cells in the order of training."""
        return balanced(self.noises, self.losses, self.seeds)

    @property
    def planned(self) -> PlannedRun:
        """Return what a run with the first loss would do."""
        return self.runs[self.losses[0]]

    @property
    def planter(self) -> str:
        """Return the model that says which classes and examples are hard, or an empty string."""
        return "" if self.reference is None else self.reference.plan.members[-1].name

    @property
    def shared_settings(self) -> dict[str, object]:
        """Return the settings that decide results and are the same in all cells."""
        return {key: value for key, value in results_depend_on(self.config).items() if key not in CELL_SETTINGS}

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return (label, text) pairs that say what would run."""
        of_run = dict(plan_facts(self.planned))
        by_cell = ("loss", "detector", "self-check", "run folder")
        return (
            *((name, words) for name, words in of_run.items() if name not in by_cell),
            ("noise", "; ".join(self.noises)),
            *([("planted by", f"{self.planter}: {REASON}")] if self.planter else []),
            ("losses", "; ".join(self.runs[loss].plan.network.loss or loss for loss in self.losses)),
            ("detectors", "; ".join(self.detectors)),
            ("seeds", ", ".join(map(str, self.seeds))),
            ("folder", str(self.folder)),
        )

    def planned_of(self, cell: Cell) -> PlannedRun:
        """Return what the run of a cell would do, with the seed of the first."""
        if cell != REFERENCE:
            return self.runs[cell.loss]
        assert self.reference is not None
        return self.reference


def balanced(noises: Sequence[str], losses: Sequence[str], seeds: Sequence[int]) -> tuple[Cell, ...]:
    """Return all cells in an order that keeps those done at any moment balanced.

    Every noise and loss has its first seed before any has its second, and the losses of one noise and seed, which
    are compared with each other, come one after another.
    """
    return tuple(Cell(noise, loss, seed) for seed, noise, loss in product(seeds, noises, losses))


def make_benchmark_plan(
    config: Config,
    *,
    dataset: Dataset | None = None,
    model: UserModel | Sequence[UserModel] | None = None,
    noises: Sequence[str] = (),
    losses: Sequence[str] = (),
    detectors: Sequence[str] = (),
    n_seeds: int,
    output: Path | None = None,
    notify: Listener = ignore,
) -> BenchmarkPlan:
    """Check all names, read the data, and decide what every run does; arguments are those of ``labelscan.benchmark``.

    Raises:
        UsageError: a name, setting or data that cannot work.
    """
    if n_seeds < 1:
        raise ConfigError("out-of-range", f"must be at least 1, got {n_seeds}", where="seeds")
    losses = _distinct(losses or [config.training.loss], where="loss", check=check_loss)
    detectors = _distinct(detectors or ALWAYS, where="detector", check=DETECTORS.build)
    noises = _distinct(noises, where="noise", check=needs_pred_probs)
    trained_for = next((name for name in detectors if needs_threshold_runs(name)), "")
    notify = _once(notify)
    as_read = dataset if dataset is not None else readers.read(config.dataset, notify)
    base = _without_errors(as_read) if noises else _with_own_errors(as_read)
    needs_reference = [noise for noise in noises if needs_pred_probs(noise)]
    for noise in noises:
        if noise not in needs_reference:  # rates for ten classes, say, fail now on data with twelve
            plant(base.given_labels, len(base.class_names), noise, config.seed)
    runs = {}
    for loss in losses:
        settings = _with_parts(config, loss, trained_for)
        runs[loss] = planning.plan(base, settings=settings, model=model, output=output, notify=notify)
    members = runs[losses[0]].plan.members
    if len(losses) > 1 and not any(one.is_network for one in members):
        names = " and ".join(one.name for one in members)
        problem = f"losses train networks, and {names} {'is none' if len(members) == 1 else 'are none'}"
        raise ConfigError("several-losses", problem, where="loss", hint="give one loss, or a network such as small-cnn")
    reference, reference_model = None, None
    if needs_reference:
        settings, reference_model = with_planter(config, model, members, base.inputs)
        settings = _with_parts(settings, REFERENCE.loss, "")
        reference = planning.plan(base, settings=settings, model=reference_model, output=output)
        notify(Chosen("planted by", reference.plan.members[-1].name, REASON))
    return BenchmarkPlan(
        config=config,
        model=model,
        dataset=base,
        data_fingerprint=as_read.fingerprint(),
        noises=noises or (AS_GIVEN,),
        losses=losses,
        detectors=detectors,
        seeds=tuple(range(config.seed, config.seed + n_seeds)),
        runs=runs,
        reference=reference,
        reference_model=reference_model,
        trained_for=trained_for,
        output=output,
    )


def _once(notify: Listener) -> Listener:
    """Return a listener that passes on each choice, note and warning once: all runs of a benchmark have the same."""
    passed_on: set[Event] = set()

    def listen(event: Event) -> None:
        is_once = isinstance(event, Chosen | Noted | Warned)
        if not is_once or event not in passed_on:
            notify(event)
        if is_once:
            passed_on.add(event)

    return listen


def _distinct(texts: Sequence[str], *, where: str, check: Callable[[str], object]) -> tuple[str, ...]:
    """Return the checked names in their normal form, each once."""
    names = tuple(dict.fromkeys(str(PartSpec.parse(text, where=where)) for text in texts))
    for name in names:
        check(name)
    return names


def _with_parts(config: Config, loss: str, detector: str) -> Config:
    training = dataclasses.replace(config.training, loss=loss)
    leading = DetectionConfig(detector=detector) if detector else DetectionConfig()
    return dataclasses.replace(config, training=training, detection=leading)


def _without_errors(dataset: Dataset) -> Dataset:
    """Return the data set with its true labels as the given ones or, where none are known, the reverse."""
    if dataset.true_labels is None:
        names, labels = dataset.class_names, dataset.given_labels
        note = "true labels are not known: errors that the given ones have already count as right"
        notes = (*dataset.notes, note)
    else:
        used, places = np.unique(dataset.true_labels, return_inverse=True)
        used_names = [dataset.true_class_names[label] for label in used.tolist()]
        names = sort_class_names(used_names)
        labels = np.array([names.index(name) for name in used_names], dtype=np.int64)[places]
        notes = dataset.notes
    if len(names) < 2:
        problem = f"every true label is {names[0]!r}: with 1 class there is nothing to confuse"
        raise DatasetError("one-class", problem, where=dataset.name)
    return dataclasses.replace(
        dataset, given_labels=labels, class_names=names, true_labels=labels, true_class_names=names, notes=notes
    )


def _with_own_errors(dataset: Dataset) -> Dataset:
    hint = "plant errors, as in --noise symmetric:0.1"
    if dataset.true_labels is None:
        hint += ", or name the true labels with --true-label-column"
        raise DatasetError("unknown-errors", "it is not known which labels are wrong", where=dataset.name, hint=hint)
    if not (dataset.true_labels != dataset.given_labels).any():
        problem = "no label is wrong: there is nothing to find"
        raise DatasetError("no-errors", problem, where=dataset.name, hint=hint)
    return dataset


def _file_name(text: str) -> str:
    """Return a folder name, different for every text: a fingerprint replaces what a file system cannot hold."""
    name = re.sub(r"[^\w.+=,-]", "-", text)
    plain = text.replace(":", "-", 1) == name or text in (AS_GIVEN, NO_NOISE)
    return name if plain and len(name) <= 60 else f"{name[:60]}-{fingerprint(text)[:8]}"
