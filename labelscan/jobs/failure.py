"""What a job of a run ended with, as one error that says where and what can be done."""

from labelscan.errors import Interrupted, LabelscanError, RunError
from labelscan.processes import interruption
from labelscan.training.gpu_memory import is_short_of_memory


def failure(error: BaseException, place: str) -> LabelscanError:
    """Return the error of the job at ``place`` as a person needs it."""
    if isinstance(error, LabelscanError):
        return error
    if isinstance(error, KeyboardInterrupt):  # of a process that was to stop at once
        return Interrupted("interrupted", interruption.reason())
    return RunError(
        "job-failed",
        f"it ended with {type(error).__name__}: {error}",
        where=place,
        hint="use less memory: --batch-size, --image-size, or --set executor.processes=1"
        if is_short_of_memory(error)
        else "run again with --debug for the traceback",
    )
