"""Engines that run jobs; results do not depend on the choice.

To add one, write a file here and a line in ``EXECUTORS``; another package adds one by an entry point in the group
``labelscan.executor``.
"""

from collections.abc import Sequence
from typing import Protocol

from labelscan.jobs.executors.local import LocalExecutor
from labelscan.jobs.executors.ray import RayExecutor
from labelscan.jobs.executors.slurm import SlurmExecutor
from labelscan.jobs.outputs import Driver
from labelscan.jobs.run_job import Job
from labelscan.registry import Registry
from labelscan.training.device import Device


class Executor(Protocol):
    """An engine that runs jobs."""

    @property
    def runs_elsewhere(self) -> bool:
        """Return whether other machines run the jobs, so that inputs are made in blocks too, each a job."""

    @property
    def submits(self) -> bool:
        """Return whether jobs are only submitted, and their outputs merged later; ``run`` is then for a self-check."""

    @property
    def folds_per_gpu(self) -> int | None:
        """Return how many folds share a GPU, or None where those of this machine decide."""

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:
        """Return the CPU threads of each fold if the settings do not say.

        It must not depend on how many folds run at a time: another number of threads gives other last digits.
        """

    def side_by_side(self, n_jobs: int, core_seconds: float, device: Device, threads: int, folds_per_gpu: int) -> int:
        """Return how many folds run at a time.

        Args:
            n_jobs: folds to run.
            core_seconds: about how long all of them together take on one core.
            device: where they train.
            threads: CPU threads of each.
            folds_per_gpu: how many of them may share a GPU.
        """

    def run(self, jobs: Sequence[Job], driver: Driver) -> None:
        """Return when all jobs are run; results come in any order.

        Where it is interrupted, what runs gets a grace period, in which it is finished or leaves a checkpoint.

        Raises:
            LabelscanError: a job failed; it says which.
        """


EXECUTORS: Registry[Executor] = Registry(
    "executor", {"local": LocalExecutor, "ray": RayExecutor, "slurm": SlurmExecutor}
)
