"""What a job of a run ended with, as one error that says where and what can be done."""

import platform
from contextlib import suppress
from pathlib import Path

from labelscan import interruption
from labelscan.atomic import write_json
from labelscan.errors import DiskError, Interrupted, LabelscanError, RunError
from labelscan.training.gpu_memory import is_out_of_memory
from labelscan.training.shard_files import FAILED_FILE


def failure(error: BaseException, place: str) -> LabelscanError:
    """Return the error of the job at ``place`` as a person needs it."""
    if isinstance(error, LabelscanError):
        return error
    if isinstance(error, KeyboardInterrupt):  # of a process that was to stop at once
        return Interrupted(interruption.reason())
    return RunError(
        f"it ended with {type(error).__name__}: {error}",
        where=place,
        hint="use less memory: --batch-size, --image-size, or --set executor.processes=1"
        if is_short_of_memory(error)
        else "run again with --debug for the traceback",
    )


def is_short_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a process or a GPU had too little memory; one that was killed mostly had."""
    from loky.process_executor import TerminatedWorkerError

    is_of_host = isinstance(error, MemoryError | TerminatedWorkerError) or "DefaultCPUAllocator" in str(error)
    return is_of_host or is_out_of_memory(error)


def leave_reason(folder: Path, error: LabelscanError) -> None:
    """Leave in the folder of a shard why it failed, as far as the disk takes it."""
    with suppress(OSError, DiskError):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / FAILED_FILE, {"why": str(error), "host": platform.node()})
