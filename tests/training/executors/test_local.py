import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import loky
import pytest
import torch

from labelscan.events import FoldDone, ignore
from labelscan.interruption import SIGNALS
from labelscan.leases import Leases
from labelscan.training.device import Device
from labelscan.training.executors import local
from labelscan.training.job_queue import JobQueue


def test_signals_wait_while_a_pool_may_start_processes(monkeypatch):
    held_back = []

    def start(**_):
        held_back.extend(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        raise RuntimeError("enough")

    monkeypatch.setattr(loky, "get_reusable_executor", start)
    with pytest.raises(RuntimeError, match="enough"):
        local._side_by_side(JobQueue([], Leases(Path("none")), ignore), 2, 0, [Device("cpu")], ignore)
    assert set(held_back) >= set(SIGNALS)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(SIGNALS)


ALL_GPUS = Device("cuda:0", one_of_all=True)


@dataclass(frozen=True)
class Fold:
    """What the executor asks of a job, whose training is that the first ones wait for each other."""

    number: int
    folds_per_gpu: int
    together: threading.Barrier
    on: Counter
    most: Counter
    device: Device = ALL_GPUS
    threads: int = 1
    core_seconds: float = 0.0
    learner: str = "picklable"
    lock: threading.Lock = field(default_factory=threading.Lock)

    done: list = field(default_factory=list)

    @property
    def name(self):
        return f"fold-0-{self.number}"

    def held_by(self, owner):
        return self

    def begin(self):
        return 0

    def run(self, notify):
        with self.lock:
            self.on[self.device.name] += 1
            self.most[self.device.name] = max(self.most[self.device.name], self.on[self.device.name])
        if self.number < self.together.parties:
            self.together.wait(timeout=60)
        with self.lock:
            self.on[self.device.name] -= 1
        self.done.append(1)

    def events_from(self, offset):
        return [], offset

    def finished(self):
        return FoldDone(0, self.number, 1.0, 0.0) if self.done else None


@pytest.mark.parametrize(("n_gpus", "folds_per_gpu"), [(2, 2), (1, 3), (3, 1), (2, 1)])
def test_folds_run_on_all_gpus_and_on_none_more_than_its_share(tmp_path, monkeypatch, n_gpus, folds_per_gpu):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: "a GPU")
    monkeypatch.setattr(loky, "get_reusable_executor", lambda max_workers, **_: ThreadPoolExecutor(max_workers))
    at_a_time = n_gpus * folds_per_gpu
    together, most, lock, done = threading.Barrier(at_a_time), Counter(), threading.Lock(), []
    on = Counter()
    jobs = [Fold(number, folds_per_gpu, together, on, most, lock=lock) for number in range(2 * at_a_time + 1)]
    with Leases(tmp_path) as leases:
        local.LocalExecutor().run(
            jobs, leases, lambda event: done.append(event.fold) if isinstance(event, FoldDone) else None
        )
    assert sorted(done) == list(range(2 * at_a_time + 1))
    assert most == {f"cuda:{number}": folds_per_gpu for number in range(n_gpus)}


def test_a_fold_is_let_go_of_after_it_was_told_that_it_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(loky, "get_reusable_executor", lambda max_workers, **_: ThreadPoolExecutor(max_workers))
    together, on, most, lock = threading.Barrier(2), Counter(), Counter(), threading.Lock()
    jobs = [Fold(number, 1, together, on, most, Device("cpu"), lock=lock) for number in range(3)]
    held = []
    with Leases(tmp_path) as leases:

        def hear(event):
            if isinstance(event, FoldDone):
                held.append(leases.holds(f"fold-0-{event.fold}"))

        local.LocalExecutor(processes=2).run(jobs, leases, hear)
        assert not leases.held()
    assert held == [True] * 3, "what is told may first be put where others look for it"


@pytest.mark.parametrize(("core_seconds", "at_a_time"), [(4.0, 1), (6.0, 3), (1e6, 3)])
def test_processes_are_started_where_folds_take_longer_than_that(monkeypatch, core_seconds, at_a_time):
    monkeypatch.setattr(local, "available_cores", lambda: 7)
    executor = local.LocalExecutor()
    assert executor.side_by_side(5, core_seconds, Device("cpu"), 2, 1) == at_a_time
    assert executor.side_by_side(2, core_seconds, Device("cpu"), 2, 1) == min(at_a_time, 2)
