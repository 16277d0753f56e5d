"""The jobs of a run as arrays of Slurm tasks, through submitit: first the inputs of images, then the folds.

A task runs its jobs as ``--only`` does, and stores their outputs in the run folder, which all nodes see. A task whose
time is over, or that is preempted, shuts down gracefully, is queued again, and resumes from its checkpoint. The driver
waits and merges; with ``--detach`` that is left to ``--merge``.

What is submitted is what has no whole output. Whether an output is also of this data and these settings is known only
once the images are read, so the merge says it: jobs that it calls not done are submitted again, once. Tasks of an
earlier command that still run are not known: the same command submits their jobs again, which wastes time and changes
no result.
"""

import dataclasses
import logging
import math
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from labelscan.config import Config
from labelscan.errors import ConfigError, Interrupted, RunError, RunFolderError
from labelscan.events import (
    Event,
    Listener,
    Noted,
    StepAdvanced,
    StepDone,
    StepStarted,
    Waiting,
    Warned,
    ignore,
    interruptible,
    pause,
)
from labelscan.jobs.executors.slurm import SlurmExecutor
from labelscan.jobs.outputs import has_output
from labelscan.pipeline import planning
from labelscan.pipeline.image_inputs import blocks_of_run
from labelscan.pipeline.only import refuse_other_run, run_only
from labelscan.pipeline.planning import PlannedRun
from labelscan.pipeline.run_folds import NotDoneError
from labelscan.pipeline.run_plan import trainings_in
from labelscan.processes import interruption
from labelscan.results.run import Run
from labelscan.runs.files import SLURM
from labelscan.runs.status import count_done, is_finished

_LOG = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
"""Between two looks at the tasks."""
REQUEUED_BY = "SIGUSR2"
"""What submitit tells Slurm to send before the time of a task is over; Windows has no such signal."""


@dataclass(frozen=True, slots=True)
class Task:
    """What each task of an array does; picklable."""

    config: Config
    output: str
    """The run folder, as a path that holds everywhere."""
    only: tuple[str, ...]
    """Names of its jobs."""

    def __call__(self) -> None:
        """Run the jobs; Slurm's signal shuts them down gracefully, and has the task queued again."""
        number = getattr(signal, REQUEUED_BY)
        queue_again = signal.getsignal(number)
        signal.signal(number, interruption.stop_at_once)  # where work can be shut down gracefully, it waits for that
        logging.basicConfig(format="%(asctime)s %(message)s")
        _LOG.setLevel(logging.INFO)
        listen = interruptible(_log, None)
        try:
            run_only(planning.plan(settings=self.config, output=self.output, notify=listen), self.only, listen)
        except (Interrupted, KeyboardInterrupt):
            if interruption.received_last() != number or not callable(queue_again):
                raise
            queue_again(number, None)

    def checkpoint(self) -> Any:
        """Return what is submitted in the place of this task when it is queued again: the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _log(event: Event) -> None:
    """Write a line of what a task does to its log, which Slurm keeps."""
    if not isinstance(event, StepAdvanced | Waiting):  # which come many times a second
        _LOG.info(event.message if isinstance(event, Noted | Warned) else event)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Tasks that were submitted."""

    folder: Path
    names: tuple[str, ...]
    """Those of their jobs."""
    tasks: Sequence[Any]
    """As submitit has them."""

    @property
    def numbers(self) -> list[str]:
        """Return the numbers of the tasks, as Slurm has them."""
        return [str(task.job_id) for task in self.tasks]


def submit_and_merge(
    planned: PlannedRun, merge: Callable[[], Run], notify: Listener = ignore, tell: Listener = ignore
) -> Run:
    """Return what ``merge`` does once all jobs are done; those that it calls not done are submitted again, once."""
    if not is_finished(planned.place):
        wait_for(submit(planned, notify), notify, tell)
    try:
        return merge()
    except NotDoneError as error:  # made from something else, or the evidence of a finished run is damaged
        wait_for(submit(planned, notify, error.jobs), notify, tell)
    return merge()


def submit(planned: PlannedRun, notify: Listener = ignore, trainings: Sequence[str] | None = None) -> Submitted:
    """Submit the jobs of a run that are not done, and return at once.

    Args:
        planned: the run.
        notify: receives what was submitted.
        trainings: the folds and threshold runs to submit; None is those that have no whole output.

    Raises:
        ConfigError: submitit is not installed, there is no Slurm, or the data is in memory.
        RunFolderError: the run is in a bucket, or belongs to other settings or data.
    """
    executor, config = planned.executor, planned.plan.config
    if not isinstance(executor, SlurmExecutor):
        raise ConfigError(
            "flag-without-effect",
            "only tasks on Slurm can be left alone",
            where="--detach",
            hint="add --executor slurm",
        )
    if not config.dataset.data:
        hint = "write it to a file that all nodes see, and give its path"
        raise ConfigError("in-memory", "data in memory cannot be sent to Slurm", where="executor.name", hint=hint)
    if planned.kept_in:
        hint = "give a folder that all nodes see"
        raise RunFolderError(
            "run-in-bucket",
            "tasks on Slurm share a run folder, and this is in a bucket",
            where=planned.kept_in,
            hint=hint,
        )
    folder = planned.folder.absolute()
    refuse_other_run(planned)
    if trainings is None:
        trainings = [one for one in trainings_in(planned.plan) if not has_output(folder / one)]
    of_inputs = _inputs_to_make(planned) if trainings else []
    names = [*of_inputs, *trainings]
    there = dataclasses.replace(config, executor=dataclasses.replace(config.executor, name="local"))
    tasks: list[Any] = []
    blocks_per_task = math.ceil(len(of_inputs) / executor.at_once)
    for some, n_each in ((of_inputs, blocks_per_task), (trainings, executor.jobs_per_task)):
        if not some:
            continue
        array = _array(executor, folder / SLURM)
        if tasks:  # folds begin once their inputs are made, or if not, make them
            array.update_parameters(slurm_additional_parameters={"dependency": f"afterany:{_array_number(tasks)}"})
        each = [tuple(some[at : at + n_each]) for at in range(0, len(some), n_each)]
        with array.batch():
            submitted = [array.submit(Task(there, str(folder), only)) for only in each]
        tasks += submitted
    if not tasks:
        return Submitted(planned.folder, (), ())
    notify(Noted(f"{len(tasks)} tasks with {len(names)} jobs are submitted; their logs are in {folder / SLURM}"))
    return Submitted(planned.folder, tuple(names), tasks)


def _inputs_to_make(planned: PlannedRun) -> list[str]:
    """Return the names of the blocks that are not done, of the files that have not been put together."""
    paths = planned.paths
    unmade = [blocks for blocks in blocks_of_run(planned.plan) if not (paths.inputs / f"{blocks[0].of}.npy").is_file()]
    return [job.name for job in chain.from_iterable(unmade) if not paths.outputs.is_done(job, None)]


def _array(executor: SlurmExecutor, folder: Path) -> Any:
    try:
        from submitit import AutoExecutor
    except ImportError as error:
        hint = "pip install 'labelscan[slurm]'"
        raise ConfigError("not-installed", "submitit is not installed", where="executor.name", hint=hint) from error
    try:
        array = AutoExecutor(folder, cluster=executor.cluster, slurm_max_num_timeout=executor.requeues)
    except RuntimeError as error:
        hint = "submit from a machine that has sbatch, or run jobs by another batch system: --only"
        raise ConfigError("no-slurm", f"{error}", where="executor.name", hint=hint) from error
    array.update_parameters(name="labelscan", **executor.parameters)
    return array


def _array_number(tasks: Sequence[Any]) -> str:
    """Return the number of the array that tasks are of: theirs are ``123_0``, ``123_1`` and so on."""
    return str(tasks[0].job_id).partition("_")[0]


def wait_for(submitted: Submitted, notify: Listener, tell: Listener = ignore) -> None:
    """Return when all tasks have ended; ``tell`` receives what becomes of them where ``notify`` stops the wait.

    Raises:
        RunError: a task failed.
        Interrupted: the tasks go on all the same.
    """
    step, n_done = "jobs", 0
    try:
        if submitted.tasks:
            notify(StepStarted(step, len(submitted.names)))
        while not all(task.done() for task in submitted.tasks):
            pause(LOOK_SECONDS, notify)
            if (now := count_done(submitted.folder, submitted.names)) != n_done:
                n_done = now
                notify(StepAdvanced(step, n_done))
    except (Interrupted, KeyboardInterrupt):
        numbers = " ".join(submitted.numbers)
        tell(Warned(f"the tasks go on: see labelscan status {submitted.folder}, or end them: scancel {numbers}"))
        raise
    notify(StepDone(step, 0.0))
    for task in submitted.tasks:
        if (error := task.exception()) is not None:
            raise RunError(
                "job-failed",
                f"a task failed: {_what_was_raised(error)}",
                where=str(submitted.folder / SLURM),
                hint="the same command submits what is not done",
            )


def _what_was_raised(error: Exception) -> str:
    """Return the line of a task's traceback that names its error."""
    named = re.findall(r"^[\w.]*(?:Error|Exception|Interrupted|Over): .*$", str(error), re.MULTILINE)
    return named[-1].partition(": ")[2] if named else type(error).__name__
