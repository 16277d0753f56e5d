"""One fold as a self-contained, picklable piece of work, and the shard of the run folder that it leaves.

A shard is ``fold-<repeat>-<fold>/``, or ``fold-<repeat>-<fold>-opinion-2/`` and so on for further models of the run. It
has the metrics of each epoch (written as they come, so that the waiting process can follow), the probabilities and
margins, and finally a DONE mark with the fingerprint of everything it depends on.
"""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from labelscan.arrays import GivenLabels, Index
from labelscan.atomic import replacing, writing
from labelscan.events import EpochDone, FoldDone, Listener
from labelscan.training.batches import StoredInputs
from labelscan.training.device import Device, reproducible, seed_of
from labelscan.training.fold_output import OUTPUT_FILE, FoldOutput

EPOCHS_FILE = "epochs.jsonl"
DONE_FILE = "DONE"
FOLD = "fold"
"""The kind of job that holds examples out; other kinds train on all of them."""
SHARD_VERSION = 3
"""Goes up whenever training or the content of a shard changes. 2: train_probs. 3: all rows scale features."""


class Learner(Protocol):
    """A way to learn labels: a network, or a classifier of scikit-learn. Picklable."""

    @property
    def n_epochs(self) -> int:
        """Return how many times training goes through the examples."""

    def learn(self, job: "FoldJob", inputs: StoredInputs, notify: Listener) -> FoldOutput:
        """Fit a fresh model to the job's training rows and predict its held-out rows; notify after each epoch."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoldJob:
    """Everything needed to carry out one fold, in any process that sees the same folders."""

    repeat: int
    fold: int
    folder: Path
    """The shard."""
    fingerprint: str
    """Changes with the settings and the data that the shard depends on."""
    inputs: Path
    """An .npy file: the whole data set, as ``StoredInputs`` reads it."""
    cache_bytes: int
    given_labels: GivenLabels
    n_classes: int
    train_index: Index
    held_out_index: Index
    learner: Learner
    device: Device
    threads: int
    run_seed: int
    kind: str = FOLD
    """As events and the folder's name have it."""
    opinion: str = ""
    """The model as events name it; empty where the run has only one."""

    @property
    def seed(self) -> int:
        return seed_of(self.run_seed, self.repeat, self.fold)

    @property
    def n_passes(self) -> int:
        """Return how many training examples the fold goes through in all its epochs."""
        return len(self.train_index) * self.learner.n_epochs

    def run(self, notify: Listener) -> None:
        """Carry out the fold and leave a finished shard; ``notify`` receives each epoch and the end."""
        started = time.monotonic()
        self.clear()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with (
            writing(self.folder / EPOCHS_FILE),
            (self.folder / EPOCHS_FILE).open("a", encoding="utf-8") as epochs,
            reproducible(self.seed, threads=self.threads),
        ):

            def record(event: object) -> None:
                if isinstance(event, EpochDone):
                    epochs.write(json.dumps(asdict(event)) + "\n")
                    epochs.flush()
                    notify(event)

            output = self.learner.learn(self, StoredInputs(self.inputs, self.cache_bytes), record)
        output.write(self.folder)
        right = output.pred_probs.argmax(axis=1) == self.given_labels[self.held_out_index]
        seconds = time.monotonic() - started
        accuracy = float(right.mean()) if len(right) else None
        done = {"fingerprint": self.fingerprint, "held_out_accuracy": accuracy, "seconds": round(seconds, 3)}
        with replacing(self.folder / DONE_FILE) as file:
            json.dump(done, file)
        notify(FoldDone(self.repeat, self.fold, accuracy, seconds, kind=self.kind, opinion=self.opinion))

    def clear(self) -> None:
        """Delete what an earlier attempt left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def finished(self, *, reused: bool = False) -> FoldDone | None:
        """Return how the fold ended, or None unless a finished shard was made from exactly this job."""
        try:
            done = json.loads((self.folder / DONE_FILE).read_text(encoding="utf-8"))
            if done["fingerprint"] != self.fingerprint or not (self.folder / OUTPUT_FILE).is_file():
                return None
            accuracy = None if done["held_out_accuracy"] is None else float(done["held_out_accuracy"])
            seconds = float(done["seconds"])
            return FoldDone(self.repeat, self.fold, accuracy, seconds, reused, self.kind, self.opinion)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # missing, or cut off: the fold is done again

    def has_another_output(self) -> bool:
        """Return whether there is a finished shard, but made from another job."""
        return (self.folder / DONE_FILE).is_file() and self.finished() is None

    def epochs_from(self, offset: int) -> tuple[list[EpochDone], int]:
        """Return the epochs written since ``offset``, in bytes, and the new offset."""
        try:
            with (self.folder / EPOCHS_FILE).open("rb") as file:
                file.seek(offset)
                text = file.read()
        except OSError:
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        return [EpochDone(**json.loads(line)) for line in whole.splitlines()], offset + len(whole)


def read_outputs(jobs: Sequence[FoldJob]) -> Iterator[FoldOutput]:
    """Yield the outputs of finished jobs, one in memory at a time."""
    return (FoldOutput.read(job.folder, repeat=job.repeat, fold=job.fold) for job in jobs)


def count_finished(run_folder: Path, kind: str = FOLD) -> int:
    """Return how many jobs of a kind have left a finished shard in a run folder."""
    return sum(1 for _ in run_folder.glob(f"{kind}-*/{DONE_FILE}"))
