"""Memory and time from finished folds to a written run, for very many classes: made-up fold outputs, nothing trained.

    python tests/bench/many_classes.py [--examples 100000] [--classes 1000] [--work DIR]

Writes the outputs of five folds, as training leaves them, then gathers, judges and writes in another process. Memory is
what cannot be taken back (RssAnon) and all that is resident, with mapped files, which the system drops when it needs
the room (VmHWM); both less what the process has before.
"""

import argparse
import multiprocessing
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from labelscan.arrays import as_strings
from labelscan.config import LEADING_DETECTOR, Config, nested
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.inputs import FeatureTable
from labelscan.detection.detectors import DETECTORS
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.gathering import gather
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.outputs import read_output, write_output
from labelscan.pipeline.judge import judge_and_write
from labelscan.runs.opening import open_run
from labelscan.runs.record import Described, Identity

N_FOLDS = 5
NOISE = 0.1
SIGNAL = 6.0
"""How far the logit of the true class is above those of the others, which are normal."""


def main() -> None:
    """Make the fold outputs, and print what the rest of a run takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--work", type=Path, default=Path("labelscan-runs/many-classes"))
    arguments = parser.parse_args()
    sizes = arguments.examples, arguments.classes
    shutil.rmtree(arguments.work, ignore_errors=True)
    for step in (make_folds, judge):  # each in a process of its own, whose memory is not that of the other
        process = multiprocessing.get_context("spawn").Process(target=step, args=(arguments.work, *sizes))
        process.start()
        process.join()
    shutil.rmtree(arguments.work, ignore_errors=True)


def given_labels(n_examples: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return true labels and given ones, a tenth of which are of any class."""
    generator = np.random.default_rng(0)
    true_labels = generator.integers(0, n_classes, n_examples)
    moved = generator.random(n_examples) < NOISE
    return true_labels, np.where(moved, generator.integers(0, n_classes, n_examples), true_labels)


def make_folds(work: Path, n_examples: int, n_classes: int) -> None:
    """Write a shard a fold."""
    true_labels, given = given_labels(n_examples, n_classes)
    for fold in range(N_FOLDS):
        is_out = np.arange(n_examples) % N_FOLDS == fold
        held_out, trained = np.flatnonzero(is_out), np.flatnonzero(~is_out)
        output = FoldOutput(
            repeat=0,
            fold=fold,
            held_out_index=held_out,
            pred_probs=probabilities(true_labels[held_out], n_classes, seed=fold).astype(np.float32),
            train_index=trained,
            train_margin=np.zeros(len(trained), dtype=np.float32),
            train_probs=probabilities(given[trained], n_classes, seed=N_FOLDS + fold),
        )
        (work / f"fold-0-{fold}").mkdir(parents=True)
        write_output(work / f"fold-0-{fold}", output)


def probabilities(labels: np.ndarray, n_classes: int, *, seed: int) -> np.ndarray:
    """Return (N, K) float16 softmax of normal logits, higher at ``labels``; the rows repeat after a while."""
    generator = np.random.default_rng(seed)
    base = generator.standard_normal((4096, n_classes), dtype=np.float32)
    probs = np.empty((len(labels), n_classes), dtype=np.float16)
    for start in range(0, len(labels), len(base)):
        some = labels[start : start + len(base)]
        logits = base[: len(some)].copy()
        logits[np.arange(len(some)), some] += SIGNAL
        np.exp(logits, out=logits)
        probs[start : start + len(base)] = logits / logits.sum(axis=1, keepdims=True)
    return probs


def judge(work: Path, n_examples: int, n_classes: int) -> None:
    """Gather, judge and write, and print time and memory of each step."""
    dataset = made_up(n_examples, n_classes)
    for name in ("confident-learning", "noise-posterior"):
        DETECTORS.build(name)  # what they import is not counted
    size = n_examples * n_classes
    print(f"{n_examples:,} examples, {n_classes:,} classes: pred_probs take {4 * size / 2**20:,.0f} MiB")
    identity = Identity(settings=nested(Config()), results_depend_on={}, data=Described.of(dataset, "made up"))
    with open_run(work / "run", identity) as run:
        with measured("gather", size):
            outputs = (
                FoldOutput(repeat=0, fold=fold, **read_output(work / f"fold-0-{fold}")) for fold in range(N_FOLDS)
            )
            evidence = gather(outputs, dataset=dataset, scored=np.ones(n_examples, dtype=bool), n_repeats=1)
        with measured("write the evidence", size):
            evidence.write(run.path / EVIDENCE_FILE)
            evidence = evidence.mapped_from(run.path / EVIDENCE_FILE)
        with measured("judge and write", size):
            status = as_strings(["scored"] * n_examples)
            judge_and_write(dataset, evidence, status, LEADING_DETECTOR, run)


def made_up(n_examples: int, n_classes: int) -> Dataset:
    """Return a data set with no more in it than labels and ids."""
    names = [f"class {label:04}" for label in range(n_classes)]
    _, given = given_labels(n_examples, n_classes)
    return make_dataset(
        name="made up",
        inputs=FeatureTable(np.zeros((n_examples, 1), dtype=np.float32)),
        labels=[names[label] for label in given],
        example_ids=[f"{row:09}" for row in range(n_examples)],
        where=str,
        ids_depend_on_order=False,
    )


@contextmanager
def measured(step: str, size: int) -> Iterator[None]:
    """Print the seconds and the peaks of memory of the block, in MiB and in bytes a probability."""
    before, peaks, ended = memory(), memory(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peaks.update({name: max(value, peaks[name]) for name, value in memory().items()})

    Path("/proc/self/clear_refs").write_text("5")  # sets VmHWM to what is resident now
    watcher = threading.Thread(target=watch)
    watcher.start()
    started, used = time.perf_counter(), time.process_time()
    yield
    seconds, used = time.perf_counter() - started, time.process_time() - used
    ended.set()
    watcher.join()
    taken = {name: (peaks[name] - before["RssAnon"]) / size for name in peaks}
    shown = ", ".join(f"{name} {taken[name] * size / 2**20:,.0f} MiB ({taken[name]:.2f} B)" for name in taken)
    print(f"{step}: {seconds:.1f} s, {used:.1f} s of processor time; {shown}", flush=True)


def memory() -> dict[str, int]:
    """Return RssAnon and VmHWM in bytes."""
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return {line[0][:-1]: 1024 * int(line[1]) for line in lines if line[0] in ("RssAnon:", "VmHWM:")}


if __name__ == "__main__":
    main()
