"""Ways to carry out the folds of a run. What comes out does not depend on which one is used.

To add one, write a file beside these and a line in ``EXECUTORS``; another package adds one by an entry point in the
group ``labelscan.executor``.
"""

from collections.abc import Sequence
from typing import Protocol

from labelscan.events import Listener
from labelscan.registry import Registry
from labelscan.training.device import Device
from labelscan.training.executors.local import LocalExecutor
from labelscan.training.fold_job import FoldJob


class Executor(Protocol):
    """What a run needs of an executor."""

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:
        """Return the CPU threads that each fold uses where the settings leave it open.

        It may not depend on how many run at a time, since another number of threads gives other last digits.
        """

    def side_by_side(self, n_jobs: int, n_passes: int, device: Device, threads: int) -> int:
        """Return how many folds run at a time.

        Args:
            n_jobs: folds to carry out.
            n_passes: training examples that all of them go through.
            device: what they are trained on.
            threads: CPU threads that each uses.
        """

    def run(self, jobs: Sequence[FoldJob], notify: Listener) -> None:
        """Carry out all jobs, so that each leaves a finished shard; an error of one ends all.

        ``notify`` receives every epoch as it ends.
        """


EXECUTORS: Registry[Executor] = Registry("executor", {"local": LocalExecutor})
