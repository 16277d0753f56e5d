"""What a run will do, decided before anything is trained: the data, the models and why, their recipes, the device.

Every choice is made here, so that a wrong name fails now and not after hours, and ``--dry-run`` can show it. What is
learned is a plan, a value; where and how that is done stands beside it.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from numpy.typing import ArrayLike

from labelscan.config import Config, fingerprint, nested, settings_that_matter
from labelscan.data import readers
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import FeatureTable, are_images
from labelscan.data.label_checks import warn_of_counted_labels, warn_of_leaking_columns
from labelscan.data.stored_rows import FILE_NAME as ROWS_FILE
from labelscan.detection.aum_trainings import N_RUNS, n_threshold, with_extra_class
from labelscan.detection.detectors import needs_threshold_runs
from labelscan.errors import ConfigError, DatasetError
from labelscan.events import Chosen, Listener, Noted, Warned, ignore
from labelscan.files.urls import check_data_url, is_url
from labelscan.images.sizes import NativeSizes, probe
from labelscan.images.sources import ImageSource
from labelscan.jobs.executors import EXECUTORS, Executor
from labelscan.pipeline.given_data import Data, settings_and_data
from labelscan.pipeline.planned_members import PlannedMember, first_network, models_of, plan_members
from labelscan.pipeline.room import check_room
from labelscan.runs.bucket import folder_for
from labelscan.runs.files import DEFAULT_PARENT
from labelscan.runs.folder import RunPaths
from labelscan.runs.record import Choices, Described, Identity
from labelscan.training.data_parallel import check_gpus
from labelscan.training.device import Device, all_gpus, choose_device, device_for
from labelscan.training.engines import EngineChoice
from labelscan.training.gpu_memory import folds_per_gpu
from labelscan.training.schedule import check_loss
from labelscan.training.user_model import UserModel, given_models


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is learned, from what and by which models: a value without paths or devices, which can be compared."""

    config: Config
    dataset: Dataset = field(repr=False, compare=False)
    data_fingerprint: str
    """Changes with ids, labels, groups and data in memory; the store compares the contents of files."""
    members: tuple[PlannedMember, ...]
    """One for each model, at least one."""
    warnings: tuple[str, ...]
    n_threshold_runs: int = 0
    """Trainings with an extra class, on all examples, in addition to the folds."""

    @property
    def n_jobs(self) -> int:
        """Return how many folds are trained, over all repeats and models."""
        return self.config.folds.n_folds * self.config.folds.repeats * len(self.members)

    @property
    def network(self) -> PlannedMember:
        """Return the first model that is a network, else the first."""
        return first_network(self.members)

    @property
    def engines(self) -> tuple[EngineChoice, ...]:
        """Return what computes the features of frozen backbones."""
        return tuple(one.engine for one in self.members if one.engine is not None)

    @property
    def models(self) -> dict[str, object]:
        """Return the names and fingerprints of all models, as settings that results depend on."""
        return models_of(self.members)

    def n_passes(self, member: PlannedMember) -> int:
        """Return about how many examples the training of one model passes over, in all folds and epochs."""
        models = (self.config.folds.n_folds - 1) * self.config.folds.repeats
        models += self.n_threshold_runs if member is self.network else 0
        return int(len(self.dataset) * models * member.learner.n_epochs)

    def inputs_of(self, member: PlannedMember) -> str:
        """Return the name of the file that the folds of a model read; models that see the same share one."""
        if member.frozen is None and member.image_shape is None and not isinstance(self.dataset.inputs, FeatureTable):
            return ROWS_FILE
        kind, same = "features", [one for one in self.members if one.frozen is not None]
        if member.frozen is None and member.image_shape is not None:
            kind, same = "images", [one for one in self.members if one.frozen is None]
        seen = list(dict.fromkeys((one.frozen, one.image_shape) for one in same))
        number = seen.index((member.frozen, member.image_shape)) if seen else 0
        return f"{kind}-{number + 1}.npy" if number else f"{kind}.npy"


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A plan, and where and how it is run."""

    plan: Plan
    executor: Executor
    device: Device
    devices: Mapping[str, Device]
    """The same for each model by its name, in the precision that suits it."""
    threads: int
    """CPU threads of each fold."""
    paths: RunPaths
    kept_in: str = ""
    """The address of the bucket that the run is kept in, of which the folder is then a copy."""
    only_merges: bool = False
    """Whether no fold is trained, and what other processes have done is taken, whatever machines those ran on."""

    @property
    def folder(self) -> Path:
        """Return the run folder."""
        return self.paths.path

    @property
    def place(self) -> str:
        """Return the run as other commands are given it: its folder, or its address in a bucket."""
        return self.kept_in or str(self.folder)

    def refuse_slurm(self) -> None:
        """Raise ConfigError where tasks on Slurm are to run it, and so not this process."""
        if self.executor.submits and not self.only_merges:
            hint = "leave it out here, and give it to labelscan detect"
            raise ConfigError("wrong-usage", "only detect sends tasks to Slurm", where="executor.name", hint=hint)

    @property
    def precisions(self) -> tuple[str, ...]:
        """Return the types that the models are trained in."""
        return tuple(dict.fromkeys(self.devices[one.name].dtype_name for one in self.plan.members))

    @property
    def choices(self) -> Choices:
        """Return what the automatic settings became, for run.json."""
        return Choices(
            opinions=tuple(
                {
                    **one.choices,
                    "engine": None if one.engine is None else str(one.engine),
                    "precision": self.devices[one.name].dtype_name,
                }
                for one in self.plan.members
            ),
            device=dataclasses.asdict(self.device),
            threads=self.threads,
            processes_per_fold=self.processes_per_fold,
        )

    @cached_property
    def folds_per_gpu(self) -> int:
        """Return how many folds share a GPU: those that the settings say, or as many as leave each other room."""
        plan, n_each = self.plan, self.processes_per_fold
        n_jobs, processes = plan.n_jobs + plan.n_threshold_runs, plan.config.executor.processes
        if processes:
            return math.ceil(min(processes, n_jobs) / len(all_gpus(self.device, n_each)))
        if self.device.kind != "cuda" or n_each > 1:  # a fold that has several to itself fills them
            return 1
        if self.executor.folds_per_gpu is not None:
            return self.executor.folds_per_gpu
        n_examples, n_classes = len(plan.dataset), len(plan.dataset.class_names)
        return folds_per_gpu(
            self.device,
            n_jobs,
            n_passes=sum(map(plan.n_passes, plan.members)),
            step_bytes=max((one.step_bytes(plan.dataset) for one in plan.members if one.is_network), default=math.inf),
            n_probs=n_examples * (n_classes + 1),  # a threshold run has a class more
        )

    @property
    def processes_per_fold(self) -> int:
        """Return how many processes train a network together that is trained whole."""
        return max(map(self.processes_of, self.plan.members))

    def processes_of(self, member: PlannedMember) -> int:
        """Return how many processes train a fold of one model together."""
        return self.plan.config.executor.processes_per_fold if member.can_be_shared else 1


def plan(
    data: Data | None = None,
    labels: ArrayLike | None = None,
    *,
    label: str = "",
    settings: Config | None = None,
    model: UserModel | Sequence[UserModel] | None = None,
    output: Path | str | None = None,
    notify: Listener = ignore,
) -> PlannedRun:
    """Return what ``detect`` would do with the same arguments, without training or writing.

    Raises:
        UsageError: settings or data that cannot work, with what to do.
    """
    config, dataset = settings_and_data(data, labels, settings, label=label, model=model)
    check_loss(config.training.loss)
    has_threshold_runs = needs_threshold_runs(config.detection.detector)
    n_each = config.executor.processes_per_fold
    executor = EXECUTORS.build(
        config.executor.name,
        processes=config.executor.processes,
        processes_per_fold=n_each,
        gpus_per_fold=config.executor.gpus_per_fold,
    )
    device = choose_device(config.device)
    if not executor.runs_elsewhere and not executor.submits:  # else those of other machines count
        check_gpus(device, n_each)
    dataset = dataset if dataset is not None else readers.read(config.dataset, notify)
    sizes = _probe(dataset.inputs, dataset.name, config) if are_images(dataset.inputs) else None
    if len(dataset) < config.folds.n_folds:
        problem = f"{len(dataset)} examples cannot make {config.folds.n_folds} folds"
        raise DatasetError(
            "too-few-examples",
            problem,
            where=dataset.name,
            hint=f"use --folds {max(len(dataset), 2)} or give more data",
        )
    for note in dataset.notes:
        notify(Noted(note))
    about_labels = [*warn_of_counted_labels(dataset), *warn_of_leaking_columns(dataset)]
    for warning in about_labels:
        notify(Warned(warning))
    members, warnings = plan_members(config, dataset, sizes, given_models(model), device, notify)
    devices = {}
    for one in members:
        has_matrix_units = one.recipe is not None and one.recipe.matrix_units
        devices[one.name] = device_for(device, config.device, matrix_units=has_matrix_units)
        if devices[one.name] != device:
            notify(Chosen("precision", devices[one.name].dtype_name, f"{one.name} trains faster so on this processor"))
    if has_threshold_runs:  # refused now where they cannot work
        n_threshold(len(dataset), len(dataset.class_names))
        with_extra_class(first_network(members).learner)
    what = Plan(
        config=config,
        dataset=dataset,
        data_fingerprint=dataset.fingerprint(),
        members=members,
        warnings=(*about_labels, *warnings),
        n_threshold_runs=N_RUNS if has_threshold_runs else 0,
    )
    kept_in = str(output) if output is not None and is_url(str(output)) else ""
    if kept_in:
        check_data_url(kept_in, where="--output")
    folder = folder_for(kept_in) if kept_in else Path(output or _usual_folder(what))
    check_room(members, len(dataset), folder)
    return PlannedRun(
        plan=what,
        executor=executor,
        device=device,
        devices=devices,
        threads=config.executor.threads or executor.threads_per_fold(what.n_jobs, device),
        paths=RunPaths.of(folder),
        kept_in=kept_in,
    )


def _usual_folder(plan: Plan) -> Path:
    matters = {**results_depend_on(plan.config), "data": plan.data_fingerprint, **plan.models}
    return DEFAULT_PARENT / f"{plan.dataset.name}-{fingerprint(matters)[:8]}"


def results_depend_on(config: Config) -> dict[str, object]:
    """Return the settings that decide what is trained.

    They leave out the place of the data, for which its fingerprint stands, and the detector: it judges finished folds
    in seconds, so a run is resumed with another one.
    """
    matters = settings_that_matter(config)
    return {key: value for key, value in matters.items() if key != "dataset.data" and not key.startswith("detection.")}


def identity_of(plan: Plan, *, for_gate: bool = False) -> Identity:
    """Return what the run of a plan is begun with and known again by; one ``for_gate`` serves a verdict alone."""
    return Identity(
        settings=nested(plan.config),
        results_depend_on={"command": "detect", **results_depend_on(plan.config), **plan.models},
        data=Described.of(plan.dataset, plan.data_fingerprint),
        for_gate=for_gate,
    )


def _probe(images: ImageSource, name: str, config: Config) -> NativeSizes:
    sizes = probe(images, max_pixels=config.dataset.max_pixels)
    if sizes.n_probed == 0:
        raise DatasetError(
            "unreadable",
            "none of the images that were opened can be read",
            where=images.path(0) or name,
            hint="check that these files are images",
        )
    return sizes
