"""What a run will do, decided before anything is trained: the data, the models and why, their recipes, the device.

Every choice is made here, so that a wrong name fails now and not after hours, and ``--dry-run`` can show it.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from numpy.typing import ArrayLike

from labelscan.config import Config, fingerprint, nested, settings_that_matter
from labelscan.data import readers
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import are_images
from labelscan.data.label_checks import warn_of_counted_labels, warn_of_leaking_columns
from labelscan.detection.aum_trainings import N_RUNS, n_threshold, with_extra_class
from labelscan.detection.detectors import needs_threshold_runs
from labelscan.errors import ConfigError, DatasetError
from labelscan.events import Listener, Noted, Warned, ignore
from labelscan.files.urls import check_data_url, is_url
from labelscan.images.sizes import NativeSizes, probe
from labelscan.images.sources import ImageSource
from labelscan.jobs.executors import EXECUTORS, Executor
from labelscan.jobs.executors.slurm import SlurmExecutor
from labelscan.pipeline.given_data import Data, settings_and_data
from labelscan.pipeline.planned_members import PlannedMember, first_network, models_of, plan_members
from labelscan.pipeline.room import check_room
from labelscan.runs.bucket import folder_for
from labelscan.runs.files import DEFAULT_PARENT
from labelscan.runs.record import Choices, Described
from labelscan.runs.same_run import Identity
from labelscan.training.data_parallel import check_gpus
from labelscan.training.device import Device, all_gpus, choose_device
from labelscan.training.engines import EngineChoice
from labelscan.training.gpu_memory import folds_per_gpu
from labelscan.training.schedule import check_loss
from labelscan.training.user_model import UserModel, given_models


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All decisions of a run."""

    config: Config
    dataset: Dataset
    data_fingerprint: str
    """Changes with ids, labels, groups and data in memory; the store compares the contents of files."""
    members: tuple[PlannedMember, ...]
    """One for each model, at least one."""
    device: Device
    threads: int
    """CPU threads of each fold."""
    executor: Executor
    folder: Path
    warnings: tuple[str, ...]
    kept_in: str = ""
    """The address of the bucket that the run is kept in, of which the folder is then a copy."""
    n_threshold_runs: int = 0
    """Trainings with an extra class, on all examples, in addition to the folds."""
    only_merges: bool = False
    """Whether no fold is trained, and what other processes have done is taken, whatever machines those ran on."""

    @property
    def place(self) -> str:
        """Return the run as other commands are given it: its folder, or its address in a bucket."""
        return self.kept_in or str(self.folder)

    def refuse_slurm(self) -> None:
        """Raise ConfigError where tasks on Slurm are to run it, and so not this process."""
        if isinstance(self.executor, SlurmExecutor) and not self.only_merges:
            hint = "leave it out here, and give it to labelscan detect"
            raise ConfigError("wrong-usage", "only detect sends tasks to Slurm", where="executor.name", hint=hint)

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
    def precisions(self) -> tuple[str, ...]:
        """Return the types that the models are trained in."""
        return tuple(dict.fromkeys(one.device.dtype_name for one in self.members))

    @property
    def choices(self) -> Choices:
        """Return what the automatic settings became, for run.json."""
        return Choices(
            opinions=tuple(one.choices for one in self.members),
            device=dataclasses.asdict(self.device),
            threads=self.threads,
            gpus_per_fold=self.processes_per_fold,
        )

    @property
    def models(self) -> dict[str, object]:
        """Return the names and fingerprints of all models, as settings that results depend on."""
        return models_of(self.members)

    @cached_property
    def folds_per_gpu(self) -> int:
        """Return how many folds share a GPU: those that the settings say, or as many as leave each other room."""
        n_jobs, processes = self.n_jobs + self.n_threshold_runs, self.config.executor.processes
        n_each = self.processes_per_fold
        if processes:
            return math.ceil(min(processes, n_jobs) / len(all_gpus(self.device, n_each)))
        if self.device.kind != "cuda" or n_each > 1:  # a fold that has several to itself fills them
            return 1
        if self.executor.runs_elsewhere:  # it gives each fold a GPU, or the share that it was given
            return max(1, int(1 / getattr(self.executor, "gpus_per_fold", 1.0)))
        n_examples, n_classes = len(self.dataset), len(self.dataset.class_names)
        return folds_per_gpu(
            self.device,
            n_jobs,
            n_passes=sum(map(self.n_passes, self.members)),
            step_bytes=max((one.step_bytes(self.dataset) for one in self.members if one.is_network), default=math.inf),
            n_probs=n_examples * (n_classes + 1),  # a threshold run has a class more
        )

    @property
    def processes_per_fold(self) -> int:
        """Return how many processes train a network together that is trained whole."""
        return max(map(self.processes_of, self.members))

    def processes_of(self, member: PlannedMember) -> int:
        """Return how many processes train a fold of one model together."""
        return self.config.executor.processes_per_fold if member.can_be_shared else 1

    def n_passes(self, member: PlannedMember) -> int:
        """Return about how many examples the training of one model passes over, in all folds and epochs."""
        n_folds = self.config.folds.n_folds
        models = (n_folds - 1) * self.config.folds.repeats
        models += self.n_threshold_runs if member is self.network else 0
        return int(len(self.dataset) * models * member.learner.n_epochs)


def plan(
    data: Data | None = None,
    labels: ArrayLike | None = None,
    *,
    label: str = "",
    settings: Config | None = None,
    model: UserModel | Sequence[UserModel] | None = None,
    output: Path | str | None = None,
    notify: Listener = ignore,
) -> Plan:
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
    if not executor.runs_elsewhere:  # else those of other machines count
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
    if has_threshold_runs:  # refused now where they cannot work
        n_threshold(len(dataset), len(dataset.class_names))
        with_extra_class(first_network(members).learner)
    data_fingerprint = dataset.fingerprint()
    matters = {**results_depend_on(config), "data": data_fingerprint, **models_of(members)}
    kept_in = str(output) if output is not None and is_url(str(output)) else ""
    if kept_in:
        check_data_url(kept_in, where="--output")
    folder = folder_for(kept_in) if kept_in else Path(output or _usual_folder(dataset, matters))
    check_room(members, len(dataset), folder)
    n_jobs = config.folds.n_folds * config.folds.repeats * len(members)
    return Plan(
        config=config,
        dataset=dataset,
        data_fingerprint=data_fingerprint,
        members=members,
        device=device,
        threads=config.executor.threads or executor.threads_per_fold(n_jobs, device),
        executor=executor,
        folder=folder,
        kept_in=kept_in,
        warnings=(*about_labels, *warnings),
        n_threshold_runs=N_RUNS if has_threshold_runs else 0,
    )


def _usual_folder(dataset: Dataset, matters: Mapping[str, object]) -> Path:
    return DEFAULT_PARENT / f"{dataset.name}-{fingerprint(matters)[:8]}"


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
