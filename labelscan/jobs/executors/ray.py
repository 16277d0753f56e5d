"""Jobs as tasks of a Ray cluster, whose nodes need not see any file of the driver.

Ray decides which node runs what, tries again where a node was lost, and moves data: inputs go by reference, outputs
come back as objects. Each checkpoint goes to an actor on the node of the driver, which keeps it in the folder of the
job: so a lost node costs one epoch at most, and so does a killed driver.
"""

import logging
import platform
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from labelscan import __version__
from labelscan.arrays import GivenLabels
from labelscan.errors import ConfigError, Interrupted, LabelscanError, RunError
from labelscan.events import EpochDone, Event, Waiting, Warned
from labelscan.images.remote import sent
from labelscan.jobs.blocks import BlockJob
from labelscan.jobs.fold_job import FoldJob
from labelscan.jobs.outputs import Driver
from labelscan.jobs.run_job import Job, Result, failure, run_job
from labelscan.jobs.sent_files import SentFile, file_here, send
from labelscan.jobs.state import FolderState
from labelscan.jobs.where import Where
from labelscan.processes import interruption
from labelscan.processes.cores import available_cores
from labelscan.processes.interruption import keeping_handlers, shutting_down_gracefully
from labelscan.registry import OptionError, check_option
from labelscan.training.device import Device

RETRIES = 5
"""How often a task is begun again whose node or process was lost."""
ANSWER_SECONDS = 15.0
"""The most that a cluster may take to answer."""
LAST_STEP_SECONDS = 60.0
"""The most that tasks get to finish a step and to write a checkpoint."""
LOOK_SECONDS = 0.5
"""Between two looks at tasks and logs."""
ON_A_NODE = "run the command on a node of the cluster, as by `ray job submit`, with an address such as 10.0.0.5:6379"
NO_LABELS: GivenLabels = np.empty(0, dtype=np.int64)
"""What a task has in place of the labels, which it gets by reference."""


class _Keeper:
    """The actor that keeps the states of jobs in their folders, on the machine of the driver."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._states = {name: FolderState(folder) for name, folder in folders.items()}

    def do(self, name: str, method: str, *arguments: object) -> object:
        """Call a method of the state of a job, and return what it returns."""
        return getattr(self._states[name], method)(*arguments)


@dataclass(frozen=True, slots=True)
class _KeptState:
    """The state of a job with the actor; every call waits for its answer."""

    keeper: Any
    name: str

    def read(self) -> bytes | None:
        return cast(bytes | None, self._ask("read"))

    def write(self, content: bytes) -> None:
        self._ask("write", content)

    def delete(self) -> None:
        self._ask("delete")

    def record(self, event: EpochDone | Warned) -> None:
        self._ask("record", event)

    def events(self) -> Sequence[Event]:
        return cast(Sequence[Event], self._ask("events"))

    def _ask(self, method: str, *arguments: object) -> object:
        return _got(self.keeper.do.remote(self.name, method, *arguments))


class RayExecutor:
    """Runs jobs as tasks of a Ray cluster.

    Args:
        address: of the cluster, such as ``10.0.0.5:6379``, of which this machine is a node; empty is RAY_ADDRESS, else
            the one that runs on this machine, else one that is started on it and ends with the run.
        gpus_per_fold: that each takes where models train on GPUs; four folds share one with 0.25.
        cpus: that each fold takes, and as many threads.
    """

    def __init__(self, address: str = "", gpus_per_fold: float = 1.0, cpus: int = 1) -> None:
        check_option(gpus_per_fold > 0, gpus_per_fold, "gpus_per_fold", "above 0")
        check_option(cpus >= 1, cpus, "cpus", "at least 1")
        if "://" in address:  # that is what Ray takes for an address of Ray Client
            raise OptionError("wrong-option", f"must be a host and port, got {address!r}", "address", hint=ON_A_NODE)
        self.address, self.gpus_per_fold, self.cpus = address, gpus_per_fold, cpus

    @property
    def runs_elsewhere(self) -> bool:
        return True

    @property
    def submits(self) -> bool:
        return False

    @property
    def folds_per_gpu(self) -> int | None:
        return max(1, int(1 / self.gpus_per_fold))

    def threads_per_fold(self, n_jobs: int, device: Device) -> int:  # noqa: ARG002
        return self.cpus

    def side_by_side(self, n_jobs: int, *_: object) -> int:
        return n_jobs

    def run(self, jobs: Sequence[Job], driver: Driver) -> None:
        if not jobs:
            return
        with _cluster(self.address) as ray:
            tasks = _Tasks(ray, self, jobs, driver)
            try:
                tasks.wait()
            except BaseException as error:
                tasks.end(gracefully=isinstance(error, Interrupted))
                raise

    def gpus(self, where: Where, job: Job) -> float:
        """Return how many GPUs a job takes: one process of it has one, or shares one."""
        if where.device.kind != "cuda":
            return 0.0
        if isinstance(job, BlockJob):
            return 1.0
        return float(where.n_processes) if where.n_processes > 1 else min(self.gpus_per_fold, 1.0)


class _Tasks:
    """The tasks of some jobs, from their submission to their results."""

    def __init__(self, ray: Any, executor: RayExecutor, jobs: Sequence[Job], driver: Driver) -> None:
        self._ray, self._executor, self._driver = ray, executor, driver
        self._todo, self._running = list(jobs), dict[Any, Job]()
        self._offsets: dict[str, int] = {}
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        keeper = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=RETRIES, scheduling_strategy=here)(_Keeper)
        self._keeper = keeper.remote({job.name: driver.outputs.folder_of(job).absolute() for job in jobs})
        read = {job.inputs for job in jobs if isinstance(job, FoldJob)}
        self._rows = {name: send(driver.inputs[name].absolute(), ray.put) for name in read}
        labels = {id(job.given_labels): job.given_labels for job in jobs if isinstance(job, FoldJob)}
        self._labels = {key: ray.put(array) for key, array in labels.items()}
        resources = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        self._fewest_cpus = min(filter(None, resources), default=1)
        self._most = 2 * max(1, sum(resources))
        """Tasks at a time: what a block of inputs brings is not put together long before it runs."""

    def wait(self) -> None:
        """Return when all tasks have ended well; raise what one ended with."""
        while self._todo or self._running:
            while self._todo and len(self._running) < self._most:
                self._submit(self._todo.pop(0))
            ended, _ = self._ray.wait(list(self._running), timeout=LOOK_SECONDS)
            for job in self._running.values():
                self._offsets[job.name] = self._driver.follow(job, self._offsets[job.name])
            for reference in ended:
                job = self._running.pop(reference)
                try:
                    result = self._ray.get(reference)
                except self._ray.exceptions.RayError as error:
                    raise _failure(error, job) from error
                self._driver.notify(self._driver.store(job, result))
            self._driver.notify(Waiting())

    def end(self, *, gracefully: bool) -> None:
        """Cancel all tasks; ``gracefully`` lets them finish their step and write their checkpoints first."""
        with suppress(Exception):  # the error that ends the run says more
            for reference in self._running:
                self._ray.cancel(reference, force=not gracefully)
            started, left = time.monotonic(), list(self._running)
            while left and gracefully and time.monotonic() - started < LAST_STEP_SECONDS:
                _, left = self._ray.wait(left, timeout=LOOK_SECONDS)
            for reference, job in self._running.items():
                if reference in left:
                    self._ray.cancel(reference, force=True)
                    continue
                with suppress(self._ray.exceptions.RayError):
                    self._driver.store(job, self._ray.get(reference))  # it was finished meanwhile

    def _submit(self, job: Job) -> None:
        where = self._driver.where(job)
        _, self._offsets[job.name] = self._driver.begin(job)
        cpus = self._fewest_cpus  # a block keeps all cores of a node busy
        rows = labels = None
        shown = job
        if isinstance(job, BlockJob):
            images = replace(job.images, source=sent(job.images.source, max_pixels=job.images.max_pixels))
            shown = replace(job, images=images)
        else:
            cpus, rows = where.threads * where.n_processes, self._rows[job.inputs]
            labels = self._labels[id(job.given_labels)]
            shown = replace(job, given_labels=NO_LABELS)
        # Which of the GPUs of its node it is, is for the cluster to say.
        there = replace(where, device=replace(where.device, one_of_all=False))
        gpus = self._executor.gpus(where, job)
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
            has = f"{cpus} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")
            self._driver.notify(Warned(f"no node of the cluster has {has}, which {job.place} takes: it waits for one"))
        remote = self._ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES)(_run_there)
        state = _KeptState(self._keeper, job.name)
        self._running[remote.remote(shown, there, labels, rows, state, _versions())] = job


def _versions() -> dict[str, str]:
    """Return those that must be the same on all nodes, or the last digits of a run depend on which node did what."""
    return {"labelscan": __version__, "torch": torch.__version__}


def _run_there(
    job: Job,
    where: Where,
    labels: GivenLabels | None,
    rows: SentFile | None,
    state: _KeptState,
    of_driver: Mapping[str, str],
) -> Result:
    """Run one job on a node; this runs there, and only with the versions of the driver."""
    for name, here in _versions().items():
        if here != of_driver[name]:
            raise RunError(
                "other-versions",
                f"{name} is {here} on {platform.node()}, and {of_driver[name]} where the run was started",
                where=job.place,
                hint="install the same versions of labelscan and torch on all nodes",
            )
    if isinstance(job, FoldJob):
        assert labels is not None
        job = replace(job, given_labels=np.asarray(labels))
    path = None if rows is None else file_here(rows, _got)
    try:
        with shutting_down_gracefully():
            return run_job(job, where, path, state, lambda _: interruption.check())
    except Exception as error:
        raise failure(error, job.place) from error


def _got(reference: Any) -> Any:
    """Return an object of the cluster within a task.

    Ray lends the CPU of a task that waits in its main thread to another one, and both then share it until they end.
    """
    import ray

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ray.get, reference).result()


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Yield ray, connected to a cluster; one that is started here ends with the block.

    Raises:
        ConfigError: Ray is not installed, there is no cluster at the address, or this machine is no node of it.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "not-installed", "Ray is not installed", where="executor.name", hint="pip install 'labelscan[ray]'"
        ) from error
    was_connected = ray.is_initialized()
    if not was_connected:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            _refuse_unresponsive(address)
            with keeping_handlers():
                try:
                    ray.init(address=address or "auto", **options)
                except ConnectionError:
                    if address:
                        raise
                    ray.init(num_cpus=available_cores(), include_dashboard=False, **options)
        except (OSError, RuntimeError, ValueError) as error:
            hint = "start one by `ray start --head`, and set RAY_AUTH_MODE=token if that spoke of a token"
            raise ConfigError(
                "no-cluster", f"no Ray cluster answers ({error})", where=f"address {address}", hint=hint
            ) from error
    try:
        client: Any = ray.util.client.ray
        if client.is_connected():  # as RAY_ADDRESS says, or by whoever connected before
            raise ConfigError(
                "ray-client", "Ray Client would keep checkpoints on the cluster", where="executor ray", hint=ON_A_NODE
            )
        yield ray
    finally:
        if not was_connected:
            ray.shutdown()


def _refuse_unresponsive(address: str) -> None:
    """Raise OSError where nobody listens at a host and port: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()


def _failure(error: Exception, job: Job) -> LabelscanError:
    """Return the error that a task ended with, in its own words where it is one of ours."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, LabelscanError):
        return cause
    problem = f"its task ended with {type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return RunError(
        "node-lost", problem, where=job.place, hint="labelscan status RUN says what is done; the same command resumes"
    )
