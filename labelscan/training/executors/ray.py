"""Shards as tasks of a Ray cluster, whose nodes share the storage of the run.

Each task takes the lease of its shard, as every process does that works on a run: so a node that dies loses no more
than its last epoch, and another takes over. The run folder and the data have the same paths on all nodes.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np

from labelscan.arrays import GivenLabels
from labelscan.data.cores import available_cores
from labelscan.errors import ConfigError, JudgedMeanwhile, LabelscanError, RunError
from labelscan.events import Listener, Waiting, ignore
from labelscan.interruption import keeping_handlers
from labelscan.lease_places import Place
from labelscan.leases import Leases
from labelscan.registry import check_option
from labelscan.training.device import Device
from labelscan.training.fold_job import FoldJob
from labelscan.training.input_parts import InputPart
from labelscan.training.job_queue import LOOK_SECONDS, JobQueue, one_after_another
from labelscan.training.shard import Shard

RETRIES = 5
"""How often a task is begun again whose node or process was lost."""
ANSWER_SECONDS = 15.0
"""The most that a cluster may take to answer."""
LAST_STEP_SECONDS = 60.0
"""The most that tasks get to finish a step and to write a checkpoint."""
NO_LABELS: GivenLabels = np.empty(0, dtype=np.int64)
"""What a task has in place of the labels, which it gets by reference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    shard: Shard
    """As the task gets it."""
    labels: Any = None
    """A reference to the labels of a fold."""
    cpus: int
    gpus: float


class RayExecutor:
    """Carries out shards as tasks of a Ray cluster.

    Args:
        address: of the cluster, such as ``10.0.0.5:6379``; empty is RAY_ADDRESS, else the one that runs on this
            machine, else one that is started on it and ends with the run.
        gpus_per_fold: that each takes where models train on GPUs; four folds share one with 0.25.
        cpus: that each fold takes, and as many threads.
    """

    def __init__(self, address: str = "", gpus_per_fold: float = 1.0, cpus: int = 1) -> None:
        check_option(gpus_per_fold > 0, gpus_per_fold, "gpus_per_fold", "above 0")
        check_option(cpus >= 1, cpus, "cpus", "at least 1")
        self.address, self.gpus_per_fold, self.cpus = address, gpus_per_fold, cpus

    @property
    def is_shared(self) -> bool:
        return True

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:  # noqa: ARG002
        return self.cpus

    def side_by_side(self, n_jobs: int, *_: object) -> int:
        return n_jobs

    def run_alone(self, parts: Sequence[InputPart], leases: Leases, notify: Listener) -> None:
        with _cluster(self.address) as ray:
            cpus = _fewest_cpus(ray)  # a part keeps all cores of a node busy
            tasks = [_Task(shard=part.alone(), cpus=cpus, gpus=float(part.device.kind == "cuda")) for part in parts]
            _carry_out(ray, tasks, JobQueue(parts, leases, notify), leases, notify)

    def run(self, jobs: Sequence[FoldJob], leases: Leases, notify: Listener) -> None:
        if not jobs:
            return
        with _cluster(self.address) as ray:
            labels = {id(job.given_labels): job.given_labels for job in jobs}
            references = {key: ray.put(array) for key, array in labels.items()}
            tasks = [
                _Task(
                    # Which of the GPUs of its node it is, is for the cluster to say.
                    shard=replace(job, given_labels=NO_LABELS, device=replace(job.device, one_of_all=False)),
                    labels=references[id(job.given_labels)],
                    cpus=job.threads * job.n_processes,
                    gpus=self._gpus(job),
                )
                for job in jobs
            ]
            _carry_out(ray, tasks, JobQueue(jobs, leases, notify), leases, notify)

    def _gpus(self, job: FoldJob) -> float:
        """Return how many GPUs a job takes: one process of it has one, or shares one."""
        if job.device.kind != "cuda":
            return 0.0
        return float(job.n_processes) if job.n_processes > 1 else min(self.gpus_per_fold, 1.0)


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Yield ray, connected to a cluster; one that is started here ends with the block.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError("Ray is not installed", where="executor.name", hint="pip install 'labelscan[ray]'") from error
    was_connected = ray.is_initialized()
    if not was_connected:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            _refuse_silent(address)
            with keeping_handlers():
                try:
                    ray.init(address=address or "auto", **options)
                except ConnectionError:
                    if address:
                        raise
                    ray.init(num_cpus=available_cores(), include_dashboard=False, **options)
        except (OSError, RuntimeError, ValueError) as error:
            hint = "start one by `ray start --head`, and set RAY_AUTH_MODE=token if that spoke of a token"
            raise ConfigError(f"no Ray cluster answers ({error})", where=f"address {address}", hint=hint) from error
    try:
        yield ray
    finally:
        if not was_connected:
            ray.shutdown()


def _refuse_silent(address: str) -> None:
    """Raise OSError where nobody listens at a host and port: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()


def _fewest_cpus(ray: Any) -> int:
    """Return the CPUs of the smallest node that has any."""
    resources = [one["Resources"].get("CPU", 0) for one in ray.nodes() if one["Alive"]]
    return int(min(filter(None, resources), default=1))


def _carry_out(ray: Any, tasks: Sequence[_Task], queue: JobQueue[Any], leases: Leases, notify: Listener) -> None:
    """Return when all shards are finished, by these tasks or by other processes; stop at the first error."""
    waiting: dict[Any, Shard] = {}
    sender = uuid4().hex[:8]
    for task in tasks:
        remote = ray.remote(num_cpus=task.cpus, num_gpus=task.gpus, max_retries=RETRIES)(_carry_out_one)
        waiting[remote.remote(task.shard, task.labels, leases.place, sender, leases.guard)] = task.shard
    try:
        while queue.look() or waiting:
            ended = []
            if waiting:
                ended, _ = ray.wait(list(waiting), timeout=LOOK_SECONDS)
            else:  # others work on what is left, or their marks are not seen yet
                time.sleep(LOOK_SECONDS)
            for reference in ended:
                shard = waiting.pop(reference)
                try:
                    ray.get(reference)
                except ray.exceptions.RayError as error:
                    if isinstance(cause := getattr(error, "cause", None), JudgedMeanwhile):
                        raise cause from error
                    raise _failure(error, shard) from error
            notify(Waiting())
    except BaseException:
        _end_in_order(ray, waiting, leases, sender)
        raise


def _carry_out_one(
    shard: Any, labels: GivenLabels | None, place: Place, sender: str, guard: Callable[[], None]
) -> None:
    """Carry out one shard on a node, unless another process has; this runs there."""
    if labels is not None:
        shard = replace(shard, given_labels=np.asarray(labels))
    with Leases(place, sender=sender) as leases:
        leases.guard = guard
        one_after_another(JobQueue([shard], leases, ignore))


def _failure(error: Exception, shard: Shard) -> LabelscanError:
    """Return the error that a task ended with, in its own words where it is one of ours."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, LabelscanError):
        return cause
    problem = f"its task ended with {type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return RunError(problem, where=shard.name, hint="labelscan status RUN says what is done; the same command goes on")


def _end_in_order(ray: Any, waiting: dict[Any, Shard], leases: Leases, sender: str) -> None:
    """Let tasks finish their step and write their checkpoints, and cancel those that have not begun or do not end."""
    started = time.monotonic()
    with suppress(Exception):  # the error that ends the run says more
        holders = {shard.name: leases.holder(shard.name) for shard in waiting.values()}
        held = {name: one for name, one in holders.items() if one is not None and one.owner.startswith(sender)}
        for reference, shard in waiting.items():
            if shard.name in held:
                shard.held_by(held[shard.name].owner).ask_to_stop()
            else:
                ray.cancel(reference)
        running = [reference for reference, shard in waiting.items() if shard.name in held]
        while running and time.monotonic() - started < LAST_STEP_SECONDS:
            _, running = ray.wait(running, timeout=LOOK_SECONDS)
        for reference in running:
            ray.cancel(reference, force=True)
