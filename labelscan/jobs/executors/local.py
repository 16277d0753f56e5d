"""Jobs on this machine: side by side in processes where that is faster, otherwise one after another in this one."""

import contextlib
import os
import pickle
import signal
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle

from labelscan.errors import Interrupted
from labelscan.events import Waiting, Warned
from labelscan.jobs.fold_job import FoldJob
from labelscan.jobs.outputs import Driver
from labelscan.jobs.run_job import Job, Result, failure, run_job
from labelscan.jobs.state import FolderState
from labelscan.jobs.where import Where
from labelscan.processes import interruption, workers
from labelscan.processes.cores import available_cores
from labelscan.training.device import Device, all_gpus

LAST_STEP_SECONDS = 60.0
"""The most that other processes get to finish a step and to write a checkpoint."""
POLL_SECONDS = 0.2
WORTH_PROCESSES = 5.0
"""Seconds on one core, all folds together, from which on it pays to start processes, which takes two or three."""


class LocalExecutor:
    """Runs jobs in processes of this machine, where there are GPUs on all of them alike.

    Args:
        processes: folds side by side; 0 is as many as may share all GPUs, or on the CPU as the cores allow.
        processes_per_fold: those that train a fold together, each on a GPU of its own, or all on the CPU.
    """

    def __init__(self, processes: int = 0, processes_per_fold: int = 1) -> None:
        self.processes = processes
        self.processes_per_fold = processes_per_fold

    @property
    def runs_elsewhere(self) -> bool:
        return False

    @property
    def submits(self) -> bool:
        return False

    @property
    def folds_per_gpu(self) -> int | None:
        return None

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:
        sharers = len(all_gpus(device)) if device.kind == "cuda" else n_jobs
        return max(1, available_cores() // max(1, min(sharers, available_cores())))

    def side_by_side(self, n_jobs: int, core_seconds: float, device: Device, threads: int, folds_per_gpu: int) -> int:
        if self.processes:
            return min(self.processes, n_jobs)
        if device.kind != "cpu":
            return min(folds_per_gpu * len(all_gpus(device, self.processes_per_fold)), n_jobs)
        if core_seconds < WORTH_PROCESSES:
            return 1
        return max(1, min(available_cores() // (threads * self.processes_per_fold), n_jobs))

    def run(self, jobs: Sequence[Job], driver: Driver) -> None:
        folds = [job for job in jobs if isinstance(job, FoldJob)]
        processes = self._processes_for(folds, driver) if folds else 1
        if processes == 1 or len(folds) < len(jobs):  # a block keeps all cores busy by itself
            _one_after_another(jobs, driver)
            return
        first = driver.where(folds[0])
        gpus = all_gpus(first.device, self.processes_per_fold)
        # Folds left over by full rounds would be trained last, with most cores idle: they share the cores of the
        # last full round instead. Folds of one thread each lose nothing by taking turns.
        shares_cores = gpus[0].kind == "cpu" and first.threads == 1 and not self.processes
        left_over = len(folds) % processes if shares_cores else 0
        with warnings.catch_warnings():
            # Loky replaces a process that has grown by a third of a gigabyte, as a fold may.
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
            _side_by_side(folds, driver, processes, left_over, gpus)

    def _processes_for(self, folds: Sequence[FoldJob], driver: Driver) -> int:
        first, core_seconds = driver.where(folds[0]), sum(job.core_seconds for job in folds)
        processes = self.side_by_side(len(folds), core_seconds, first.device, first.threads, first.folds_per_gpu)
        if processes > 1 and not all(map(_picklable, {id(job.learner): job for job in folds}.values())):
            driver.notify(Warned("the model cannot be sent to other processes: folds run one after another"))
            return 1
        return processes


def _picklable(job: FoldJob) -> bool:
    try:
        cloudpickle.dumps(job.learner)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):
        return False
    return True


def _one_after_another(jobs: Sequence[Job], driver: Driver) -> None:
    for job in jobs:
        state, _ = driver.begin(job)
        try:
            result = run_job(job, driver.where(job), driver.rows_of(job), state, driver.notify)
        except Exception as error:
            raise failure(error, job.place) from error
        driver.notify(driver.store(job, result))


def _run_in_process(job: Job, where: Where, rows: Path | None, state: FolderState) -> Result:
    return run_job(job, where, rows, state, lambda _: interruption.check())


def _side_by_side(jobs: Sequence[FoldJob], driver: Driver, processes: int, left_over: int, gpus: list[Device]) -> None:
    from loky import get_reusable_executor  # here, since few runs start processes

    most = processes + left_over
    with workers.deferred_to_workers():  # a pool that gets larger starts some now
        pool = get_reusable_executor(
            max_workers=most,
            timeout=60,
            initializer=workers.prepare_worker,
            initargs=(os.getpid(),),
        )
    free = [gpus[number % len(gpus)] for number in range(most)]
    todo = list(jobs)
    running: dict[Future[Result], tuple[FoldJob, Device]] = {}
    offsets: dict[str, int] = {}
    try:
        while todo or running:
            n_left = len(todo) + len(running)
            while todo and len(running) < (processes if n_left > most else most):
                job = todo.pop(0)
                state, offsets[job.name] = driver.begin(job)
                device, where = free.pop(0), driver.where(job)
                there = replace(where, device=replace(device, dtype_name=where.device.dtype_name))
                with workers.deferred_to_workers():
                    future = pool.submit(_run_in_process, job, there, driver.rows_of(job), state)
                running[future] = job, device
            ended, _ = wait(list(running), timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for job, _ in running.values():
                offsets[job.name] = driver.follow(job, offsets[job.name])
            for future in sorted(ended, key=lambda one: one.exception() is not None):  # store what is done first
                job, device = running.pop(future)
                free.append(device)
                if (error := future.exception()) is not None:
                    raise failure(error, job.place) from error
                driver.notify(driver.store(job, future.result()))
            driver.notify(Waiting())
    except BaseException as error:
        # After an interruption or a deadline too, no process may go on.
        try:
            if isinstance(error, Interrupted):
                _shut_down(pool, running)
                for future, (job, _) in running.items():
                    if future.done() and future.exception() is None:  # it was finished meanwhile
                        driver.store(job, future.result())
        finally:
            with contextlib.suppress(Exception):
                pool.shutdown(wait=True, kill_workers=True)
        raise


def _shut_down(pool: Any, running: Mapping[Future[Result], tuple[FoldJob, Device]]) -> None:
    """Let folds finish their step and write their checkpoints, those that have any."""
    keep = [future for future, (job, _) in running.items() if job.learner.keeps_checkpoints]
    if keep:
        for process in list(pool._processes or ()):  # loky names its processes nowhere else
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGTERM)
    wait(keep, timeout=LAST_STEP_SECONDS)
