"""Quick runs of ``labelscan.detect``: their settings, what they leave, and what they say meanwhile."""

from pathlib import Path
from typing import TypeVar

import labelscan
from labelscan.config import Config
from labelscan.events import EpochDone, Event, FoldDone

E = TypeVar("E")
PLANTED = [5, 33, 61, 100, 121, 140]
"""Rows with wrong labels among the 180 images that most tests share."""
N_FOLDS, N_EPOCHS = 3, 6
RESULTS = (
    "issues.csv",
    "scores.csv",
    "examples.csv",
    "folds.csv",
    "summary.json",
    "evidence.npz",
    "log_odds.npz",
    "measure.csv",
)


def quick(**changes: object) -> Config:
    """Return settings for a run of seconds, with ``changes`` by key, of one small network unless they name others.

    One thread: the bytes do not depend on cores.
    """
    overrides = {"model.name": "small-cnn", "training.epochs": N_EPOCHS, "executor.processes": 1, **changes}
    overrides.setdefault("executor.threads", 1)
    return labelscan.settings(overrides=overrides, folds=N_FOLDS)


def contents(folder: Path, *names: str) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names or RESULTS}


class Recorder:
    """A listener that keeps all events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def reused(self) -> list[int]:
        """Return the folds that an earlier process has finished."""
        return [event.fold for event in self.of(FoldDone) if event.reused]

    def epochs(self) -> list[tuple[int, int]]:
        """Return the fold and number of each epoch that was trained."""
        return [(event.fold, event.epoch) for event in self.of(EpochDone)]
