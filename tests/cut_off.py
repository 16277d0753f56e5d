"""Commands that are cut off: forks of a process that has imported labelscan, so that each starts at once."""

import math
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from labelscan.__main__ import main
from labelscan.processes import interruption
from labelscan.training import checkpoint

RESULTS = ("issues.csv", "scores.csv", "evidence.npz", "doubt.npz", "measure.csv", "summary.json", "folds.csv")
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

    def run(self, seconds: float = math.inf, number: int = signal.SIGKILL) -> int:
        """Return the exit code of the command, which gets a signal after so many seconds."""
        process = _CONTEXT.Process(target=_carry_out, args=(self.arguments, self.log, self.keep_every_epoch))
        with _STARTS:  # of which one at a time is safe, where threads start processes
            process.start()
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


def _carry_out(arguments: list[str], log: Path, keep_every_epoch: bool) -> None:
    os.setsid()  # with the processes that it starts
    sys.stdout = sys.stderr = log.open("a", encoding="utf-8")
    if keep_every_epoch:
        _keep_every_epoch()
        interruption.prepare_worker = _prepare_worker
    code = main(arguments)
    sys.stdout.flush()
    os._exit(code)  # multiprocessing would wait a minute for idle processes that have trained


def _prepare_worker(parent: int, prepare: Callable[[int], None] = interruption.prepare_worker) -> None:
    _keep_every_epoch()
    prepare(parent)


def _keep_every_epoch() -> None:
    """Write a checkpoint of every epoch, however short it is."""
    checkpoint.LARGEST_SHARE = math.inf


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
    more = 0
    for log in folder.rglob("*/log.jsonl"):
        if (log.parent / "run.json").exists():
            continue
        lines = [line for line in log.read_text().splitlines() if '"epoch"' in line]
        epochs = Counter(line.partition('"epoch": ')[2].partition(",")[0] for line in lines)
        more += sum(epochs.values()) - len(epochs)
    return more
