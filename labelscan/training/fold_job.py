"""One fold as a self-contained, picklable piece of work, and the shard of the run folder that it leaves.

A shard is ``fold-<repeat>-<fold>/``, or ``fold-<repeat>-<fold>-opinion-2/`` and so on for further models of the run. It
has a log with the figures of each epoch (written as they come, so that the waiting process can follow), a checkpoint
while it is trained, then the probabilities and margins, and finally a DONE mark with the fingerprint of everything it
depends on. Once the evidence of the run is whole, which has the probabilities and margins of all folds, the output is
deleted.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol, TextIO

from labelscan.arrays import GivenLabels, Index
from labelscan.atomic import writing
from labelscan.data.stored_rows import SUFFIX as ROWS_SUFFIX
from labelscan.data.stored_rows import StoredRows
from labelscan.errors import Interrupted, LabelscanError
from labelscan.events import EpochDone, Event, FoldDone, Listener, Warned
from labelscan.reading import parse_json
from labelscan.training.agreement import Agreement
from labelscan.training.batches import StoredInputs
from labelscan.training.checkpoint import Checkpoint
from labelscan.training.device import Device, reproducible, seed_of
from labelscan.training.done_mark import DoneMark
from labelscan.training.failure import failure, leave_reason
from labelscan.training.fold_output import FoldOutput
from labelscan.training.freed_memory import freed_memory_kept
from labelscan.training.shard_files import (
    CHECKPOINT_FILE,
    DONE_FILE,
    FAILED_FILE,
    FOLD,
    LOG_FILE,
    OUTPUT_FILE,
    STOP_FILE,
)

LEAST_TO_TELL = 30
"""Held-out examples below which chance says little."""
RETRY = " at half the learning rate"
"""The attempt at a training that follows one that diverged."""
SHARD_VERSION = 5
"""Goes up whenever training or the content of a shard changes. 2: train_probs. 3: all rows scale features. 4: warnings
in the DONE mark. 5: the gradient of small-cnn's last maximum goes to one of several that are equal; no auxiliary
classifiers."""


class Learner(Protocol):
    """A way to learn labels: a network, or a classifier of scikit-learn. Picklable."""

    @property
    def n_epochs(self) -> int:
        """Return how many times training goes through the examples."""

    @property
    def keeps_checkpoints(self) -> bool:
        """Return whether training can end in order before it is done, and go on from there."""

    def learn(self, job: "FoldJob", inputs: StoredInputs | StoredRows, notify: Listener) -> FoldOutput:
        """Fit a fresh model to the job's training rows and predict its held-out rows; notify after each epoch."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoldJob:
    """Everything needed to carry out one fold, in any process that sees the same folders."""

    repeat: int
    fold: int
    folder: Path
    """The shard."""
    fingerprint: str
    """Changes with all that the shard depends on, to its last digits."""
    method: str
    """Changes with the settings and the data, and not with the machine: device, precision, engine, threads, torch."""
    inputs: Path
    """The whole data set: an .npy file as ``StoredInputs`` reads it, or an .arrow file as ``StoredRows`` does."""
    cache_bytes: int
    given_labels: GivenLabels
    n_classes: int
    train_index: Index
    held_out_index: Index
    learner: Learner
    device: Device
    threads: int
    run_seed: int
    n_processes: int = 1
    """Those that train it together, on its device and the next ones: each takes a slice of every batch."""
    folds_per_gpu: int = 1
    """How many may share a GPU with it; results do not depend on it, nor on the next two."""
    resident_bytes: int = 0
    """The most that the examples may take to lie on a GPU."""
    pass_seconds: float = 0.0
    """About how long one training example takes once on one core."""
    kind: str = FOLD
    """As events and the folder's name have it."""
    opinion: str = ""
    """The model as events name it; empty where the run has only one."""
    holder: str = ""
    """Who holds its lease, of all that ever did."""
    needs_output: bool = False
    """Whether a mark without the output is none: the output is deleted once the evidence of the run is whole."""

    @property
    def name(self) -> str:
        """Return the name of the shard, which no other of the run has."""
        return self.folder.name

    def held_by(self, owner: str) -> "FoldJob":
        """Return the same job for the holder of its lease."""
        return replace(self, holder=owner)

    @property
    def seed(self) -> int:
        return seed_of(self.run_seed, self.repeat, self.fold)

    @property
    def core_seconds(self) -> float:
        """Return about how long the fold takes on one core."""
        return len(self.train_index) * self.learner.n_epochs * self.pass_seconds

    @property
    def place(self) -> str:
        """Return the fold as messages name it."""
        place = f"repeat {self.repeat}, fold {self.fold}" if self.kind == FOLD else f"{self.kind}, run {self.fold}"
        return f"{place} of {self.opinion}" if self.opinion else place

    def checkpoint(self, attempt: str = "") -> Checkpoint:
        """Return the state of the training in the shard; each attempt at it has its own, and the last one is kept."""
        return Checkpoint(self.folder / CHECKPOINT_FILE, self.fingerprint + attempt)

    def begin(self) -> int:
        """Delete what another job has left, and return the size of the log of this one, if it goes on."""
        if not any(self.checkpoint(attempt).exists() for attempt in ("", RETRY)):
            self.clear()
        for left in (*self.folder.glob(f"{STOP_FILE}*"), self.folder / FAILED_FILE):
            left.unlink(missing_ok=True)
        log = self.folder / LOG_FILE
        if not log.is_file():
            return 0
        whole = log.read_bytes().rfind(b"\n") + 1  # the process may have been killed within a line
        os.truncate(log, whole)
        return whole

    def run(self, notify: Listener) -> None:
        """Carry out or resume the fold, and leave a finished shard.

        ``notify`` receives each epoch, warnings and the end, and hears all the time that time has passed.
        """
        started = time.monotonic() - self._seconds_before()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with (
            writing(self.folder / LOG_FILE),
            (self.folder / LOG_FILE).open("a", encoding="utf-8") as log,
            reproducible(self.seed, threads=self.threads),
            freed_memory_kept(),
            self.device.current(),
        ):

            def record(event: Event) -> None:
                _log(event, log)
                notify(event)

            output = self.learner.learn(self, self.stored(), record)
        output.write(self.folder)
        given, predicted = self.given_labels[self.held_out_index], output.pred_probs.argmax(axis=1)
        agreement = Agreement.of(predicted, given, self.n_classes) if len(given) else None
        accuracy = None if agreement is None else agreement.share
        seconds = time.monotonic() - started
        warnings = [event.message for event in self.events_from(0)[0] if isinstance(event, Warned)]
        mark = DoneMark(
            fingerprint=self.fingerprint,
            held_out_accuracy=accuracy,
            learned_nothing=agreement is not None and len(given) >= LEAST_TO_TELL and agreement.learned_nothing,
            seconds=round(seconds, 3),
            warnings=list(dict.fromkeys(warnings)),
            method=self.method,
            host=platform.node(),
        )
        mark.write(self.folder)
        self.tidy()
        notify(FoldDone(self.repeat, self.fold, accuracy, seconds, kind=self.kind, opinion=self.opinion))

    def stored(self) -> StoredInputs | StoredRows:
        """Return the whole data set as learners take it."""
        if self.inputs.suffix == ROWS_SUFFIX:
            return StoredRows(self.inputs)
        return StoredInputs(self.inputs, self.cache_bytes)

    def _seconds_before(self) -> float:
        """Return how long earlier processes have trained the fold, without what is done again."""
        return max(self.checkpoint(attempt).seconds() for attempt in ("", RETRY))

    def clear(self) -> None:
        """Delete what an earlier attempt left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Delete what a finished fold no longer needs."""
        self.checkpoint().delete()
        self._stop_file.unlink(missing_ok=True)

    def ask_to_stop(self) -> None:
        """Ask the process that trains the fold for the same holder to end in order."""
        self.folder.mkdir(parents=True, exist_ok=True)  # it may not have begun
        self._stop_file.touch()

    @property
    def is_asked_to_stop(self) -> bool:
        return self._stop_file.exists()

    @property
    def _stop_file(self) -> Path:
        return self.folder / f"{STOP_FILE}{self.holder and '-'}{self.holder}"

    def failure(self, error: BaseException) -> LabelscanError:
        """Return the error with the fold that failed, and leave it in the shard, as far as the disk takes it."""
        told = failure(error, self.place)
        if not isinstance(told, Interrupted):
            leave_reason(self.folder, told)
        return told

    def mark(self) -> DoneMark | None:
        """Return the mark of a finished shard that was made from exactly this job, or None."""
        mark = DoneMark.read(self.folder)
        return mark if mark is not None and mark.fingerprint == self.fingerprint else None

    def finished(self, *, reused: bool = False, by_any: bool = False, on_any_machine: bool = False) -> FoldDone | None:
        """Return how the fold ended, or None unless a finished shard was made from this job, or ``by_any``.

        ``on_any_machine`` is by this job or by one that differs from it by its machine alone.
        """
        mark = DoneMark.read(self.folder)
        is_it = mark is not None and (mark.fingerprint == self.fingerprint or by_any)
        is_like_it = mark is not None and on_any_machine and mark.method == self.method
        if mark is None or not (is_it or is_like_it) or (self.needs_output and not self.has_output()):
            return None
        return FoldDone(self.repeat, self.fold, mark.held_out_accuracy, mark.seconds, reused, self.kind, self.opinion)

    def was_finished(self) -> bool:
        """Return whether there is a finished shard, made from this job or from another."""
        return DoneMark.read(self.folder) is not None

    def has_output(self) -> bool:
        """Return whether the output is there, which it is until the evidence of the run is whole."""
        return (self.folder / OUTPUT_FILE).is_file()

    def drop_output(self) -> None:
        """Delete the output, which the evidence of the run holds now."""
        with suppress(OSError):  # some systems keep a file that is still mapped
            (self.folder / OUTPUT_FILE).unlink(missing_ok=True)

    def events_from(self, offset: int) -> tuple[list[EpochDone | Warned], int]:
        """Return the epochs and warnings in the log from ``offset`` on, in bytes, and the new offset."""
        try:
            with (self.folder / LOG_FILE).open("rb") as file:
                file.seek(offset)
                text = file.read()
        except OSError:
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        events = (_event_of(line) for line in whole.splitlines())
        return [event for event in events if event is not None], offset + len(whole)


def _event_of(line: bytes) -> EpochDone | Warned | None:
    """Return the event that a line of the log tells, or None where it was damaged."""
    try:
        told = parse_json(line.decode())
        return EpochDone(**told) if "epoch" in told else Warned(**told)
    except (ValueError, TypeError):
        return None


def _log(event: Event, log: TextIO) -> None:
    if isinstance(event, EpochDone | Warned):
        log.write(json.dumps(asdict(event)) + "\n")
        log.flush()
    if isinstance(event, Warned):
        os.fsync(log.fileno())  # the DONE mark repeats it, in another process if this one is killed


def read_outputs(jobs: Sequence[FoldJob]) -> Iterator[FoldOutput]:
    """Yield the outputs of finished jobs, one in memory at a time."""
    return (FoldOutput.read(job.folder, repeat=job.repeat, fold=job.fold) for job in jobs)


def last_epoch(shard: Path) -> EpochDone | None:
    """Return the last epoch that the log in the folder of a fold tells, or None."""
    try:
        lines = (shard / LOG_FILE).read_bytes().splitlines()
    except OSError:
        return None
    events = [event for event in map(_event_of, lines) if isinstance(event, EpochDone)]
    return events[-1] if events else None


def count_finished(run_folder: Path, kind: str = FOLD) -> int:
    """Return how many jobs of a kind have left a finished shard in a run folder."""
    return sum(1 for _ in run_folder.glob(f"{kind}-*/{DONE_FILE}"))
