import dataclasses
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import loky
import numpy as np
import pytest
import torch
from refusals import refuses
from tiny_training import CPU, HERE, fold_job
from torch import nn

from labelscan.errors import Interrupted, RunError
from labelscan.events import EpochDone, FoldDone, Waiting, Warned, ignore
from labelscan.jobs.done_mark import Figures
from labelscan.jobs.executors import local
from labelscan.jobs.executors.local import LocalExecutor
from labelscan.jobs.files import DONE_FILE, LOG_FILE, OUTPUT_FILE
from labelscan.jobs.fold_job import FoldId
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.learners import GivenMaker, NetworkLearner
from labelscan.jobs.outputs import Driver, Outputs
from labelscan.jobs.run_job import Result
from labelscan.processes.interruption import SIGNALS
from labelscan.training.device import Device
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import build_schedule

LABELS = np.arange(40) % 2
ALL_GPUS = dataclasses.replace(HERE, device=Device("cuda:0", one_of_all=True))


def test_signals_wait_while_a_pool_may_start_processes(monkeypatch):
    held_back = []

    def start(**_):
        held_back.extend(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        raise RuntimeError("enough")

    monkeypatch.setattr(loky, "get_reusable_executor", start)
    with pytest.raises(RuntimeError, match="enough"):
        local._side_by_side([], Driver({}, None, None, ignore), 2, 0, [CPU])
    assert set(held_back) >= set(SIGNALS)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(SIGNALS)


@dataclasses.dataclass(frozen=True)
class Learner:
    """What the executor asks of a learner."""

    keeps_checkpoints: bool = True
    n_epochs: int = 1


def folds(n, learner=None):
    return [fold_job(learner or Learner(), LABELS, n_trained=32, id=FoldId(fold=number)) for number in range(n)]


class Threads(ThreadPoolExecutor):
    """Threads in place of the processes of loky."""

    _processes = ()

    def shutdown(self, wait=True, kill_workers=False):
        super().shutdown(wait=wait)


@pytest.fixture
def in_threads(monkeypatch):
    """Return a function that runs folds in threads, each by calling a function that is given the job and the device."""

    def run(executor, jobs, run_one, where, outputs, notify):
        def run_job(job, there, inputs, state, tell):
            run_one(job, there.device)
            none = np.zeros((0, 2), dtype=np.float32)
            rows = {"held_out_index": job.held_out_index[:0], "train_index": job.train_index[:0]}
            output = FoldOutput(repeat=0, fold=job.id.fold, **rows, pred_probs=none, train_margin=none[:, 0])
            return Result(output, Figures(seconds=0.0, held_out_agreement=1.0))

        monkeypatch.setattr(loky, "get_reusable_executor", lambda max_workers, **_: Threads(max_workers))
        monkeypatch.setattr(local, "run_job", run_job)
        executor.run(jobs, Driver({"inputs.npy": None}, lambda _: where, outputs, notify))

    return run


@pytest.mark.parametrize(("n_gpus", "folds_per_gpu"), [(2, 2), (1, 3), (3, 1), (2, 1)])
def test_folds_run_on_all_gpus_and_on_none_more_than_its_share(
    tmp_path, monkeypatch, in_threads, n_gpus, folds_per_gpu
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: "a GPU")
    at_a_time = n_gpus * folds_per_gpu
    together, lock, on, most, received = threading.Barrier(at_a_time), threading.Lock(), Counter(), Counter(), []

    def run_one(job, device):  # the first ones wait for each other
        with lock:
            on[device.name] += 1
            most[device.name] = max(most[device.name], on[device.name])
        if job.id.fold < at_a_time:
            together.wait(timeout=60)
        with lock:
            on[device.name] -= 1

    jobs, outputs = folds(2 * at_a_time + 1), Outputs(tmp_path)
    where = dataclasses.replace(ALL_GPUS, folds_per_gpu=folds_per_gpu)
    in_threads(LocalExecutor(), jobs, run_one, where, outputs, received.append)
    assert sorted(event.fold for event in received if isinstance(event, FoldDone)) == list(range(2 * at_a_time + 1))
    assert all(outputs.is_done(job, where) for job in jobs)
    assert most == {f"cuda:{number}": folds_per_gpu for number in range(n_gpus)}


def test_a_fold_is_stored_by_the_process_that_was_asked_before_it_is_reported_as_done(tmp_path, in_threads):
    outputs, ran, reported = Outputs(tmp_path), [], []

    def receive(event):
        if isinstance(event, FoldDone):
            reported.append((outputs.is_done(jobs[event.fold], HERE), threading.current_thread()))

    jobs = folds(3)
    here = threading.current_thread()
    in_threads(
        LocalExecutor(processes=2), jobs, lambda *_: ran.append(threading.current_thread()), HERE, outputs, receive
    )
    assert reported == [(True, here)] * 3, "what is reported may first be put where others look for it"
    assert here not in ran


def test_what_is_finished_while_a_run_is_interrupted_is_kept_and_nothing_is_begun(tmp_path, in_threads):
    outputs, begun, asked_to_stop = Outputs(tmp_path), [], threading.Event()

    def run_one(job, device):
        begun.append(job.id.fold)
        if job.id.fold == 1:
            assert asked_to_stop.wait(timeout=60)

    def stop(event):
        if isinstance(event, FoldDone):
            asked_to_stop.set()
            raise Interrupted("interrupted", "enough")

    jobs = folds(5)
    with refuses(Interrupted, "interrupted"):
        in_threads(LocalExecutor(processes=2), jobs, run_one, HERE, outputs, stop)
    assert sorted(begun) == [0, 1]
    assert [outputs.is_done(job, HERE) for job in jobs] == [True, True, False, False, False]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_fold_that_fails_ends_the_run_with_its_place_and_what_was_done_before_stays(tmp_path, in_threads, processes):
    outputs = Outputs(tmp_path)

    def run_one(job, device):
        if job.id.fold == 2:
            raise ZeroDivisionError("no")

    jobs = folds(5)
    with refuses(RunError, "job-failed"):
        in_threads(LocalExecutor(processes=processes), jobs, run_one, HERE, outputs, ignore)
    assert all(outputs.is_done(job, HERE) for job in jobs[:2])
    assert not outputs.was_done(jobs[2])


def make_network():
    return nn.Linear(2, 2)


@pytest.fixture
def linear(tmp_path):
    """Return three folds that train a network on ``inputs.npy``, each of which holds out other rows."""
    features = np.random.default_rng(0).normal(size=(40, 2)) + 4 * LABELS[:, None]
    np.save(tmp_path / "inputs.npy", features.astype(np.float32))
    recipe = Recipe(epochs=3, batch_size=8, learning_rate=0.1, weight_decay=0)
    learner = NetworkLearner(GivenMaker(make_network), recipe, build_schedule("ce", n_epochs=3, n_classes=2))
    held_out = [np.arange(40) % 3 == number for number in range(3)]
    return [
        dataclasses.replace(job, train_index=np.flatnonzero(~rows), held_out_index=np.flatnonzero(rows))
        for job, rows in zip(folds(3, learner), held_out, strict=True)
    ]


def run(executor, jobs, folder, name, notify):
    driver = Driver({"inputs.npy": folder / "inputs.npy"}, lambda _: HERE, Outputs(folder / name), notify)
    executor.run(jobs, driver)
    return driver.outputs


def reported_of(job, received):
    """Return what was reported of a fold, but for the time that it took."""
    reported = [event for event in received if isinstance(event, EpochDone | FoldDone) and event.fold == job.id.fold]
    return [dataclasses.replace(event, seconds=0.0) for event in reported]


def test_folds_in_other_processes_say_and_leave_the_same_as_in_this_one(linear, tmp_path):
    here, there = [], []
    one = run(LocalExecutor(processes=1), linear, tmp_path, "one", here.append)
    two = run(LocalExecutor(processes=2), linear, tmp_path, "two", there.append)
    for job in linear:
        assert two.is_done(job, HERE)
        path = two.folder_of(job) / OUTPUT_FILE
        assert path.read_bytes() == (one.folder_of(job) / OUTPUT_FILE).read_bytes()
        assert sorted(file.name for file in path.parent.iterdir()) == [DONE_FILE, LOG_FILE, OUTPUT_FILE]
        assert reported_of(job, there) == reported_of(job, here)
        assert [type(event) for event in reported_of(job, there)] == [EpochDone] * 3 + [FoldDone]
    assert any(isinstance(event, Waiting) for event in there)


def test_a_model_that_cannot_be_sent_to_other_processes_is_trained_in_this_one_and_that_is_said(linear, tmp_path):
    lock, received = threading.Lock(), []

    def make():
        with lock:
            return nn.Linear(2, 2)

    learner = dataclasses.replace(linear[0].learner, make=GivenMaker(make))
    jobs = [dataclasses.replace(job, learner=learner) for job in linear]
    outputs = run(LocalExecutor(processes=2), jobs, tmp_path, "run", received.append)
    assert [event.message for event in received if isinstance(event, Warned)] == [
        "the model cannot be sent to other processes: folds run one after another"
    ]
    assert all(outputs.is_done(job, HERE) for job in jobs)


@pytest.mark.parametrize(("core_seconds", "at_a_time"), [(4.0, 1), (6.0, 3), (1e6, 3)])
def test_processes_are_started_where_folds_take_longer_than_that(monkeypatch, core_seconds, at_a_time):
    monkeypatch.setattr(local, "available_cores", lambda: 7)
    executor = LocalExecutor()
    assert executor.side_by_side(5, core_seconds, Device("cpu"), 2, 1) == at_a_time
    assert executor.side_by_side(2, core_seconds, Device("cpu"), 2, 1) == min(at_a_time, 2)


def test_nothing_is_run_where_there_is_nothing_to_run(tmp_path):
    received = []
    run(LocalExecutor(), [], tmp_path, "run", received.append)
    assert received == []
    assert list(tmp_path.iterdir()) == []
