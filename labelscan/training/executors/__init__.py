"""Ways to carry out the folds of a run; results do not depend on the choice.

To add one, write a file here and a line in ``EXECUTORS``; another package adds one by an entry point in the group
``labelscan.executor``.
"""

from collections.abc import Sequence
from typing import Protocol

from labelscan.events import Listener
from labelscan.leases import Leases
from labelscan.registry import Registry
from labelscan.training.device import Device
from labelscan.training.executors.local import LocalExecutor
from labelscan.training.executors.ray import RayExecutor
from labelscan.training.executors.slurm import SlurmExecutor
from labelscan.training.fold_job import FoldJob
from labelscan.training.input_parts import InputPart


class Executor(Protocol):
    """A way to carry out folds."""

    @property
    def is_shared(self) -> bool:
        """Return whether processes that cannot be counted here, as on other machines, carry out shards of the run."""

    def run_alone(self, parts: Sequence[InputPart], leases: Leases, notify: Listener) -> None:
        """Return when all parts of the inputs are made, each of which takes all cores of a machine."""

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:
        """Return the CPU threads of each fold if the settings do not say.

        It must not depend on how many folds run at a time: another number of threads gives other last digits.
        """

    def side_by_side(self, n_jobs: int, core_seconds: float, device: Device, threads: int, folds_per_gpu: int) -> int:
        """Return how many folds run at a time.

        Args:
            n_jobs: folds to carry out.
            core_seconds: about how long all of them together take on one core.
            device: where they train.
            threads: CPU threads of each.
            folds_per_gpu: how many of them may share a GPU.
        """

    def run(self, jobs: Sequence[FoldJob], leases: Leases, notify: Listener) -> None:
        """Return when all jobs are finished, each with its shard; notify of every epoch; stop at the first error.

        Each is carried out under its lease, as ``JobQueue`` takes it: other processes may work on the same run.
        """


EXECUTORS: Registry[Executor] = Registry(
    "executor", {"local": LocalExecutor, "ray": RayExecutor, "slurm": SlurmExecutor}
)
