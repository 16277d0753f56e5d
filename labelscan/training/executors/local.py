"""Folds on this machine: side by side in processes where that is faster, otherwise one after another in this one."""

import contextlib
import os
import pickle
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace

import cloudpickle

from labelscan import interruption
from labelscan.data.cores import available_cores
from labelscan.errors import Interrupted
from labelscan.events import Event, FoldDone, Listener, Waiting, Warned
from labelscan.leases import Leases
from labelscan.training.device import Device, all_gpus
from labelscan.training.fold_job import FoldJob
from labelscan.training.input_parts import InputPart
from labelscan.training.job_queue import POLL_SECONDS, JobQueue, one_after_another

LAST_STEP_SECONDS = 60.0
"""The most that other processes get to finish a step and to write a checkpoint."""
WORTH_PROCESSES = 5.0
"""Seconds on one core, all folds together, from which on it pays to start processes, which takes two or three."""


class LocalExecutor:
    """Carries out folds in processes of this machine, where there are GPUs on all of them alike.

    Args:
        processes: folds side by side; 0 is as many as may share all GPUs, or on the CPU as the cores allow.
        processes_per_fold: those that train a fold together, each on a GPU of its own, or all on the CPU.
    """

    def __init__(self, processes: int = 0, processes_per_fold: int = 1) -> None:
        self.processes = processes
        self.processes_per_fold = processes_per_fold

    @property
    def is_shared(self) -> bool:
        return False

    def run_alone(self, parts: Sequence[InputPart], leases: Leases, notify: Listener) -> None:
        one_after_another(JobQueue(parts, leases, notify))

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:
        sharers = len(all_gpus(device)) if device.kind == "cuda" else n_jobs
        return max(1, available_cores() // max(1, min(sharers, available_cores())))

    def run(self, jobs: Sequence[FoldJob], leases: Leases, notify: Listener) -> None:
        if not jobs:
            return
        gpus = all_gpus(jobs[0].device, self.processes_per_fold)
        core_seconds = sum(job.core_seconds for job in jobs)
        first = jobs[0]
        processes = self.side_by_side(len(jobs), core_seconds, first.device, first.threads, first.folds_per_gpu)
        if processes > 1 and not all(map(_picklable, {id(job.learner): job for job in jobs}.values())):
            notify(Warned("the model cannot be sent to other processes: folds run one after another"))
            processes = 1
        queue = JobQueue(jobs, leases, notify)
        if processes > 1:
            # Folds left over by full rounds would be trained last, with most cores idle: they share the cores of the
            # last full round instead. Folds of one thread each lose nothing by taking turns.
            alone = gpus[0].kind == "cpu" and jobs[0].threads == 1 and not self.processes
            with warnings.catch_warnings():
                # Loky replaces a process that has grown by a third of a gigabyte, as a fold may.
                warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
                _side_by_side(queue, processes, len(jobs) % processes if alone else 0, gpus, notify)
        else:
            one_after_another(queue)

    def side_by_side(self, n_jobs: int, core_seconds: float, device: Device, threads: int, folds_per_gpu: int) -> int:
        if self.processes:
            return min(self.processes, n_jobs)
        if device.kind != "cpu":
            return min(folds_per_gpu * len(all_gpus(device, self.processes_per_fold)), n_jobs)
        if core_seconds < WORTH_PROCESSES:
            return 1
        return max(1, min(available_cores() // (threads * self.processes_per_fold), n_jobs))


def _picklable(job: FoldJob) -> bool:
    try:
        cloudpickle.dumps(job.learner)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):
        return False
    return True


def _carry_out(job: FoldJob) -> None:
    def stop_if_asked(_: Event) -> None:
        interruption.check()
        if job.is_asked_to_stop:
            raise Interrupted("asked to stop")

    job.run(stop_if_asked)


def _side_by_side(
    queue: JobQueue[FoldJob], processes: int, left_over: int, gpus: list[Device], notify: Listener
) -> None:
    from loky import get_reusable_executor  # here, since few runs start processes

    most = processes + left_over
    with interruption.deferred_to_workers():  # a pool that gets larger starts some now
        pool = get_reusable_executor(
            max_workers=most,
            timeout=60,
            initializer=interruption.prepare_worker,
            initargs=(os.getpid(),),
        )
    free = [gpus[number % len(gpus)] for number in range(most)]
    running: dict[Future[None], FoldJob] = {}

    try:
        while queue:
            while len(running) < (processes if len(queue) > most else most) and (job := queue.take()) is not None:
                queue.began(job, job.begin())
                job = replace(job, device=replace(free.pop(0), dtype_name=job.device.dtype_name))
                with interruption.deferred_to_workers():
                    running[pool.submit(_carry_out, job)] = job
            if not running:
                queue.wait()
                continue
            ended, _ = wait(list(running), timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for job in running.values():
                queue.follow(job)
                if queue.is_lost(job):
                    with contextlib.suppress(OSError):  # who has it now may be deleting the folder
                        job.ask_to_stop()
            for future in ended:
                job = running.pop(future)
                free.append(job.device)
                try:
                    if not queue.is_lost(job):
                        notify(_done(job, future))
                finally:
                    queue.end(job)  # last: what is told may first be put where others look for it
            notify(Waiting())
    except BaseException as error:
        # After an interruption or a deadline too, no process may still write into the run.
        try:
            if isinstance(error, Interrupted):
                _end_in_order(running)
        finally:
            with contextlib.suppress(Exception):
                pool.shutdown(wait=True, kill_workers=True)
            for job in running.values():
                queue.end(job)
        raise


def _done(job: FoldJob, future: Future[None]) -> FoldDone:
    """Return that a job is done, or raise what has ended it."""
    if (error := future.exception()) is not None:
        raise job.failure(error) from error
    done = job.finished()
    assert isinstance(done, FoldDone), "a fold ended without its mark"
    return done


def _end_in_order(running: Mapping[Future[None], FoldJob]) -> None:
    """Let folds finish their step and write their checkpoints, those that have any."""
    for job in running.values():
        with contextlib.suppress(OSError):  # on a full disk the fold keeps its last checkpoint
            job.ask_to_stop()
    wait([future for future, job in running.items() if job.learner.keeps_checkpoints], timeout=LAST_STEP_SECONDS)
