"""One fold as a self-contained, picklable piece of work, and what it leaves: a shard of the run folder.

A shard is ``fold-<repeat>-<fold>/`` with the metrics of each epoch (written as they come, so that whoever waits
can follow), the probabilities and margins, and last a DONE mark with the fingerprint of all that it was made from.
"""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, PredProbs, TrainProbs
from labelscan.atomic import replacing, write_npz
from labelscan.errors import RunFolderError
from labelscan.events import EpochDone, FoldDone, Listener
from labelscan.training.batches import StoredInputs
from labelscan.training.device import Device, reproducible, seed_of

OUTPUT_FILE = "output.npz"
EPOCHS_FILE = "epochs.jsonl"
DONE_FILE = "DONE"
SHARD_VERSION = 3
"""Of what a shard holds; raised whenever training or output change. 2: train_probs. 3: all rows scale features."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What a learner returns for one fold."""

    pred_probs: PredProbs
    """(M, K) of the held-out examples."""
    train_margin: NDArray[np.float32]
    """(T,) of the training examples; NaN where the learner has no logits."""
    train_probs: TrainProbs | None = None
    """(T, K) of the training examples, as the training passes gave them; None where the learner has none."""


@dataclass(frozen=True, slots=True)
class FoldTask:
    """What a learner is given: all inputs, and which rows it may train on and must judge."""

    repeat: int
    fold: int
    inputs: StoredInputs
    given_labels: GivenLabels
    n_classes: int
    train_index: Index
    held_out_index: Index
    seed: int


class Learner(Protocol):
    """A way to learn labels: a network, or a classifier of scikit-learn. Picklable."""

    @property
    def n_epochs(self) -> int:
        """Return how often the training examples are gone through."""

    def learn(self, task: FoldTask, *, device: Device, notify: Listener) -> Learned:
        """Fit the training rows with a model made fresh, and predict the held-out rows."""


@dataclass(frozen=True, slots=True)
class FoldOutput:
    """A finished shard."""

    repeat: int
    fold: int
    held_out_index: Index
    """(M,) rows of the data set."""
    pred_probs: PredProbs
    """(M, K) their out-of-fold probabilities."""
    train_index: Index
    """(T,) rows of the data set."""
    train_margin: NDArray[np.float32]
    """(T,) their mean logit margin in training; NaN where there is none."""
    train_probs: TrainProbs | None
    """(T, K) their probabilities in training, means over the later epochs; None where there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldJob:
    """Everything needed to carry out one fold, anywhere that sees the same folders."""

    repeat: int
    fold: int
    folder: Path
    """The shard."""
    fingerprint: str
    """Of the settings and the data that the shard depends on."""
    inputs: Path
    cache_bytes: int
    given_labels: GivenLabels
    n_classes: int
    train_index: Index
    held_out_index: Index
    learner: Learner
    device: Device
    threads: int
    seed: int
    """Of the run; the fold's own is drawn from it."""
    kind: str = "fold"
    """Told in events; another for a training that is no fold."""

    @property
    def n_passes(self) -> int:
        """Return how many training examples the fold goes through, all epochs together."""
        return len(self.train_index) * self.learner.n_epochs

    def run(self, notify: Listener, *, device: Device | None = None) -> None:
        """Carry out the fold and leave a finished shard.

        Args:
            notify: told of each epoch and of the end.
            device: in place of the job's own, where several are shared among jobs.
        """
        started = time.monotonic()
        self.clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        seed = seed_of(self.seed, self.repeat, self.fold)
        task = FoldTask(
            repeat=self.repeat,
            fold=self.fold,
            inputs=StoredInputs(self.inputs, self.cache_bytes),
            given_labels=self.given_labels,
            n_classes=self.n_classes,
            train_index=self.train_index,
            held_out_index=self.held_out_index,
            seed=seed,
        )
        with (
            (self.folder / EPOCHS_FILE).open("a", encoding="utf-8") as epochs,
            reproducible(seed, threads=self.threads),
        ):

            def tell(event: object) -> None:
                if isinstance(event, EpochDone):
                    event = replace(event, kind=self.kind)
                    epochs.write(json.dumps(asdict(event)) + "\n")
                    epochs.flush()
                    notify(event)

            learned = self.learner.learn(task, device=device or self.device, notify=tell)
        write_npz(
            self.folder / OUTPUT_FILE,
            {
                "held_out_index": self.held_out_index,
                "pred_probs": learned.pred_probs,
                "train_index": self.train_index,
                "train_margin": learned.train_margin,
                **({} if learned.train_probs is None else {"train_probs": learned.train_probs}),
            },
        )
        right = learned.pred_probs.argmax(axis=1) == self.given_labels[self.held_out_index]
        seconds = time.monotonic() - started
        accuracy = float(right.mean()) if len(right) else None
        done = {"fingerprint": self.fingerprint, "held_out_accuracy": accuracy, "seconds": round(seconds, 3)}
        with replacing(self.folder / DONE_FILE) as file:
            json.dump(done, file)
        notify(FoldDone(self.repeat, self.fold, accuracy, seconds, kind=self.kind))

    def clear(self) -> None:
        """Delete what an earlier attempt left, before anybody follows this one."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def finished(self, *, reused: bool = False) -> FoldDone | None:
        """Return how the fold ended if its shard was made from exactly this job, else None."""
        try:
            done = json.loads((self.folder / DONE_FILE).read_text(encoding="utf-8"))
            if done["fingerprint"] != self.fingerprint or not (self.folder / OUTPUT_FILE).is_file():
                return None
            accuracy = done["held_out_accuracy"]
            return FoldDone(
                self.repeat,
                self.fold,
                None if accuracy is None else float(accuracy),
                float(done["seconds"]),
                reused,
                self.kind,
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there, or cut off: the fold is done again

    def has_another_output(self) -> bool:
        """Return whether the shard is finished, but not made from this job."""
        return (self.folder / DONE_FILE).is_file() and self.finished() is None

    def epochs_from(self, offset: int) -> tuple[list[EpochDone], int]:
        """Return the epochs written since ``offset`` bytes into the shard's record, and the new offset."""
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
    for job in jobs:
        try:
            with np.load(job.folder / OUTPUT_FILE, allow_pickle=False) as arrays:
                output = FoldOutput(
                    job.repeat,
                    job.fold,
                    arrays["held_out_index"],
                    arrays["pred_probs"],
                    arrays["train_index"],
                    arrays["train_margin"],
                    arrays.get("train_probs"),
                )
        except (OSError, ValueError, KeyError) as error:
            raise RunFolderError(
                f"the shard is damaged ({error})", where=str(job.folder), hint="delete this folder and run again"
            ) from error
        yield output
        del output  # before the next one is loaded
