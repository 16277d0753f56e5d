"""One fold as a value: what is learned from which rows, by which learner and with which seed.

It knows no path, no folder and no device: where it runs is a ``Where``, and its inputs are named, not located. A
training of all rows with an extra class, and a fold of a self-check, are the same kind of thing.
"""

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from labelscan.arrays import GivenLabels, Index
from labelscan.data.stored_rows import StoredRows
from labelscan.events import Listener
from labelscan.jobs.files import FOLD
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.where import Where
from labelscan.training.batches import StoredInputs
from labelscan.training.checkpoint import Checkpoint
from labelscan.training.device import seed_of

JOB_VERSION = 6
"""Goes up whenever training or the content of an output changes. 2: train_probs. 3: all rows scale features.
4: warnings in the DONE mark. 5: the gradient of small-cnn's last maximum goes to one of several that are equal; no
auxiliary classifiers. 6: checksums."""

Checkpoints: TypeAlias = tuple[Checkpoint, Checkpoint]
"""Those of a training, and of the second attempt after one that diverged."""


class Learner(Protocol):
    """A way to learn labels: a network, or a classifier of scikit-learn. Picklable."""

    @property
    def n_epochs(self) -> int:
        """Return how many times training goes through the examples."""

    @property
    def keeps_checkpoints(self) -> bool:
        """Return whether training can stop before it is done, and be resumed."""

    def learn(
        self,
        job: "FoldJob",
        inputs: StoredInputs | StoredRows,
        where: Where,
        checkpoints: Checkpoints,
        notify: Listener,
    ) -> FoldOutput:
        """Fit a fresh model to the job's training rows and predict its held-out rows; notify after each epoch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldId:
    """Which fold of a run a job is."""

    repeat: int = 0
    fold: int = 0
    kind: str = FOLD
    """As events and names have it."""
    number: int = 0
    """That of its model."""
    opinion: str = ""
    """The model as events name it; empty where the run has only one."""

    @property
    def name(self) -> str:
        """Return a name that no other job of the run has; its folder has it too."""
        name = f"{FOLD}-{self.repeat}-{self.fold}" if self.kind == FOLD else f"{self.kind}-{self.fold}"
        return f"{name}-opinion-{self.number + 1}" if self.number and self.kind == FOLD else name

    @property
    def place(self) -> str:
        """Return the fold as messages name it."""
        place = f"repeat {self.repeat}, fold {self.fold}" if self.kind == FOLD else f"{self.kind}, run {self.fold}"
        return f"{place} of {self.opinion}" if self.opinion else place


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldJob:
    """What is learned from which rows. Picklable; equal to another with the same name that is made from the same."""

    id: FoldId
    made_from: str
    """Changes with the settings and the data that the output depends on, and not with the machine."""
    inputs: str
    """The name of the rows that it reads."""
    given_labels: GivenLabels = field(compare=False)
    n_classes: int = field(compare=False)
    train_index: Index = field(compare=False)
    held_out_index: Index = field(compare=False)
    learner: Learner = field(compare=False)
    run_seed: int = field(compare=False)
    pass_seconds: float = field(default=0.0, compare=False)
    """About how long one training example takes once on one core."""

    @property
    def name(self) -> str:
        return self.id.name

    @property
    def place(self) -> str:
        return self.id.place

    @property
    def seed(self) -> int:
        return seed_of(self.run_seed, self.id.repeat, self.id.fold)

    @property
    def core_seconds(self) -> float:
        """Return about how long the fold takes on one core."""
        return len(self.train_index) * self.learner.n_epochs * self.pass_seconds
