"""What a job of a run ended with, as one error that says where and what can be done."""

from labelscan.errors import Interrupted, LabelscanError, RunError
from labelscan.processes import interruption
from labelscan.training.gpu_memory import is_out_of_memory


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
