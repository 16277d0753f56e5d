"""Workers as an array of Slurm jobs, through submitit: they begin the run, share its shards, and the first judges it.

This machine submits them, waits, and shows the finished run: what the automatic settings become is decided where models
are trained. A worker whose time is over, or that is preempted, ends in order and is queued again.
"""

import contextlib
import dataclasses
import logging
import math
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from labelscan import interruption
from labelscan.config import Config
from labelscan.errors import ConfigError, Interrupted, RunError, StorageError
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
from labelscan.pipeline import planning
from labelscan.pipeline.carry_out import carry_out
from labelscan.pipeline.planning import Plan
from labelscan.pipeline.work import work
from labelscan.results.run_files import SLURM
from labelscan.results.run_status import count_done
from labelscan.training.executors.slurm import SlurmExecutor

_LOG = logging.getLogger(__name__)
LOOK_SECONDS, COUNT_SECONDS = 1.0, 10.0
"""Between two looks at the jobs, and at the shards, each of which has a mark to be read."""
REQUEUED_BY = "SIGUSR2"
"""What submitit tells Slurm to send before the time of a job is over; Windows has no such signal."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What each job of the array does; picklable."""

    config: Config
    output: str
    """The run folder, as a path that holds everywhere, or as an address."""
    judges: bool
    """Whether it judges the labels when all shards are done."""

    def __call__(self) -> None:
        """Work until no shard is left; Slurm's signal ends it in order, and has it queued again."""
        number = getattr(signal, REQUEUED_BY)
        queue_again = signal.getsignal(number)
        signal.signal(number, interruption.stop_at_once)  # where work can end in order, it waits for that
        logging.basicConfig(format="%(asctime)s %(message)s")
        _LOG.setLevel(logging.INFO)
        listen = interruptible(_log, None)
        try:
            plan = planning.plan(settings=self.config, output=self.output, notify=listen)
            work(plan, notify=listen)
            if self.judges:
                carry_out(plan, merges=True, notify=listen)
        except (Interrupted, KeyboardInterrupt):
            if interruption.received_last() != number or not callable(queue_again):
                raise
            queue_again(number, None)

    def checkpoint(self) -> Any:
        """Return what is submitted in the place of this job when it is queued again: the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _log(event: Event) -> None:
    """Write a line of what a worker does where Slurm keeps what its jobs say."""
    if not isinstance(event, StepAdvanced | Waiting):  # which come many times a second
        _LOG.info(event.message if isinstance(event, Noted | Warned) else event)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Workers that were submitted."""

    folder: Path
    place: str
    """The run as other commands are given it."""
    jobs: Sequence[Any]
    """submitit's jobs; the first judges the labels, unless workers were submitted before."""

    @property
    def names(self) -> list[str]:
        """Return the numbers of the jobs, as Slurm has them."""
        return [str(job.job_id) for job in self.jobs]


def submit(plan: Plan, notify: Listener = ignore) -> Submitted:
    """Submit the workers of a run, and return at once; ``notify`` is told where some were submitted before.

    Raises:
        ConfigError: submitit is not installed, there is no Slurm, or the data is in memory.
    """
    executor, config = plan.executor, plan.config
    if not isinstance(executor, SlurmExecutor):
        raise ConfigError("only workers on Slurm can be left alone", where="--detach", hint="add --executor slurm")
    if not config.dataset.data:
        hint = "write it to a file that all nodes see, and give its path"
        raise ConfigError("data in memory cannot be sent to Slurm", where="executor.name", hint=hint)
    try:
        from submitit import AutoExecutor
    except ImportError as error:
        hint = "pip install 'labelscan[slurm]'"
        raise ConfigError("submitit is not installed", where="executor.name", hint=hint) from error
    folder = plan.folder.absolute()
    is_first = not (folder / SLURM).is_dir()
    if not is_first:
        notify(Noted(f"these are more workers for {plan.place}: some were submitted before"))
    try:
        array = AutoExecutor(folder / SLURM, cluster=executor.cluster, slurm_max_num_timeout=executor.requeues)
    except RuntimeError as error:
        hint = "submit from a machine that has sbatch, or start workers by hand: --worker"
        raise ConfigError(f"{error}", where="executor.name", hint=hint) from error
    array.update_parameters(name="labelscan", **executor.parameters)
    there = dataclasses.replace(config, executor=dataclasses.replace(config.executor, name="local"))
    output = plan.kept_in or str(folder)
    workers = [Worker(there, output, judges=is_first and number == 0) for number in range(executor.workers)]
    with array.batch():
        jobs = [array.submit(one) for one in workers]
    return Submitted(plan.folder, plan.place, jobs)


def wait_for(submitted: Submitted, notify: Listener, tell: Listener = ignore) -> None:
    """Return when the run is judged; ``tell`` hears what becomes of the workers where ``notify`` ends the wait.

    Raises:
        RunError: workers failed, so that it cannot be.
        Interrupted: the workers go on all the same.
    """
    first, *_ = submitted.jobs
    total, counted = 0, -math.inf
    try:
        notify(Noted(f"workers are jobs {', '.join(submitted.names)}; what they say is in {submitted.folder / SLURM}"))
        while not first.done():
            pause(LOOK_SECONDS, notify)
            if monotonic() - counted < COUNT_SECONDS:
                continue
            counted = monotonic()
            done = known = 0
            with contextlib.suppress(StorageError):  # the workers go on, whether they can be counted or not
                done, known = count_done(submitted.place)
            if known and not total:
                total = known
                notify(StepStarted("shards", total))
            if known:
                notify(StepAdvanced("shards", done))
    except (Interrupted, KeyboardInterrupt):
        jobs = " ".join(submitted.names)
        tell(Warned(f"the workers go on: see labelscan status {submitted.place}, or end them: scancel {jobs}"))
        raise
    if total:
        notify(StepDone("shards", 0.0))
    if (error := first.exception()) is not None:
        raise RunError(
            f"a worker failed: {_what_was_raised(error)}",
            where=str(submitted.folder / SLURM),
            hint="other workers go on; the same command goes on from what is done",
        )
    for job in submitted.jobs[1:]:
        if not job.done():  # it has ended its work, or has not begun
            job.cancel(check=False)


def _what_was_raised(error: Exception) -> str:
    """Return the line of a job's traceback that names its error."""
    named = re.findall(r"^[\w.]*(?:Error|Exception|Interrupted|Over): .*$", str(error), re.MULTILINE)
    return named[-1].partition(": ")[2] if named else type(error).__name__
