"""Commands that are cut off: forks of a process that has imported labelscan, so that each starts at once."""

import json
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from labelscan.__main__ import main
from labelscan.jobs.executors import ray
from labelscan.processes import workers
from labelscan.training import checkpoint

RESULTS = ("issues.csv", "scores.csv", "evidence.npz", "log_odds.npz", "measure.csv", "summary.json", "folds.csv")
ENDED = 0
_STARTS = threading.Lock()
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["labelscan.api", "labelscan.cli", "labelscan.pipeline.detect", "labelscan.training.models"]
)


@dataclass
class Attempts:
    """The same command again and again, each time in a process group of its own."""

    arguments: list[str]
    log: Path
    keep_every_epoch: bool = True
    codes: list[int] = field(default_factory=list)

    def run(
        self, seconds: float = math.inf, number: int = signal.SIGKILL, once: Callable[[], bool] = lambda: True
    ) -> int:
        """Return the exit code of the command, which gets a signal so many seconds after ``once`` is true."""
        process = _CONTEXT.Process(target=_run_plan, args=(self.arguments, self.log, self.keep_every_epoch))
        with _STARTS:  # of which one at a time is safe, where threads start processes
            process.start()
        while process.is_alive() and not once():
            time.sleep(0.1)
        process.join(None if math.isinf(seconds) else seconds)
        if process.exitcode is None:
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:  # it has ended just now, or has not made its group yet
                process.kill()
            process.join()
        assert process.exitcode is not None
        self.codes.append(process.exitcode)
        return process.exitcode


def _run_plan(arguments: list[str], log: Path, keep_every_epoch: bool) -> None:
    os.setsid()  # with the processes that it starts
    sys.stdout = sys.stderr = log.open("a", encoding="utf-8")
    if keep_every_epoch:
        _keep_every_epoch()
        workers.prepare_worker = _prepare_worker
        _keep_every_epoch_on_ray()
    code = main(arguments)
    sys.stdout.flush()
    os._exit(code)  # multiprocessing would wait a minute for idle processes that have trained


def _prepare_worker(parent: int, prepare: Callable[[int], None] = workers.prepare_worker) -> None:
    _keep_every_epoch()
    prepare(parent)


def _keep_every_epoch() -> None:
    """Write a checkpoint of every epoch, however short it is."""
    checkpoint.LARGEST_SHARE = math.inf


def _keep_every_epoch_on_ray() -> None:
    """Have tasks do the same; Ray sends them a function within a function as it is, so nodes need not have it."""

    def keep_and_run(*arguments: object) -> object:
        from labelscan.jobs.executors.ray import _run_there

        checkpoint.LARGEST_SHARE = math.inf
        return _run_there(*arguments)

    keep_and_run.__name__ = keep_and_run.__qualname__ = ray._run_there.__name__  # as their processes are called
    ray._run_there = keep_and_run


def contents(folder: Path) -> dict[str, bytes]:
    """Return the results of a run, of its self-check, and of all cells of a benchmark."""
    found = {
        str(path.relative_to(folder)): path.read_bytes() for name in RESULTS for path in sorted(folder.rglob(name))
    }
    assert found
    return {name: content for name, content in found.items() if not name.endswith("summary.json")} | {
        name: _without_times(content) for name, content in found.items() if name.endswith("summary.json")
    }


def _without_times(summary: bytes) -> bytes:
    return b"\n".join(line for line in summary.splitlines() if b"seconds" not in line)


def epochs_trained_twice(folder: Path) -> int:
    """Return how many epochs are more than once in the logs of all folds."""
    return sum(len(epochs) - len(set(epochs)) for epochs in _epochs(folder))


def most_repeated_at_once(folder: Path) -> int:
    """Return how many epochs a fold has trained again, at most, when it was resumed once."""
    return max(before - after + 1 for epochs in _epochs(folder) for before, after in pairwise(epochs))


def epochs_trained(folder: Path) -> int:
    """Return how many epochs the logs of all folds have."""
    return sum(map(len, _epochs(folder)))


def _epochs(folder: Path) -> list[list[int]]:
    """Return the numbers of epochs in the log of each fold, in the order in which they were trained."""
    logs = [path for path in folder.rglob("*/log.jsonl") if not (path.parent / "run.json").exists()]
    whole = [log.read_text().rpartition("\n")[0] for log in logs]  # a writer may be within a line
    events = [[json.loads(line) for line in text.splitlines()] for text in whole]
    return [[event["epoch"] for event in of_fold if "epoch" in event] for of_fold in events]
