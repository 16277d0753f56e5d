"""The executor of ``--merge``: it trains nothing, and says what is still to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from labelscan.errors import RunFolderError
from labelscan.events import Listener
from labelscan.leases import Leases
from labelscan.training.device import Device
from labelscan.training.fold_job import FoldJob
from labelscan.training.input_parts import InputPart
from labelscan.training.shard import Shard

SHOWN = 10


@dataclass(frozen=True)
class FinishedExecutor:
    """Refuses to carry out anything."""

    is_shared: bool = True

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:  # noqa: ARG002
        return 1

    def side_by_side(self, n_jobs: int, core_seconds: float, device: Device, threads: int, folds_per_gpu: int) -> int:  # noqa: ARG002
        return 1

    def run_alone(self, parts: Sequence[InputPart], leases: Leases, notify: Listener) -> None:  # noqa: ARG002
        """Refuse parts that are not made."""
        _refuse(parts, leases)

    def run(self, jobs: Sequence[FoldJob], leases: Leases, notify: Listener) -> None:  # noqa: ARG002
        """Refuse jobs that are not finished.

        Raises:
            RunFolderError: there are any.
        """
        _refuse(jobs, leases)


def _refuse(shards: Sequence[Shard], leases: Leases) -> None:
    left = [one.name for one in shards if one.finished() is None]
    if not left:
        return
    held = leases.held()
    named = [f"{name} ({held[name]})" if name in held else name for name in left[:SHOWN]]
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    raise RunFolderError(
        f"{len(left)} shards are not finished: {', '.join(named)}{more}",
        hint="leave --merge out to carry them out here, or start workers: the same command with --worker",
    )
