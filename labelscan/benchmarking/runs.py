"""The cells of a benchmark on disk: each an ordinary run, with a mark next to its folder.

The mark is written when a cell starts and again when it is finished. It holds the fingerprint of everything that the
cell depends on, so that a finished cell is not trained again unless its labels or settings have changed.
"""

import hashlib
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import msgspec

from labelscan.benchmarking.plan import REFERENCE, BenchmarkPlan, Cell
from labelscan.benchmarking.reference import Reference
from labelscan.config import fingerprint as fingerprint_of
from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.errors import RunError, RunFolderError
from labelscan.events import CellStarted, Chosen, Event, FoldDone, Listener, Noted, Warned
from labelscan.files.atomic import read_json, write_json
from labelscan.noise.plant import plant
from labelscan.pipeline import planning
from labelscan.pipeline.run_plan import run_plan
from labelscan.runs.folder import RunFolder
from labelscan.runs.record import RunRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class CellMark:
    """What a cell depends on, and how long it took."""

    fingerprint: str
    contents: str
    """Fingerprint of the contents of the examples."""
    trained_for: str
    """The detector that had more than the folds trained, or empty."""
    seconds: float | None = None
    """Training time, summed over the folds and over all processes; None until the cell is finished."""

    def write(self, run_folder: Path) -> None:
        """Write the mark of the cell with this run folder."""
        write_json(run_folder.with_suffix(".json"), asdict(self))

    @classmethod
    def read(cls, run_folder: Path) -> "Self | None":
        """Return the mark of a cell, or None where none can be read."""
        with suppress(OSError, ValueError):
            return msgspec.convert(read_json(run_folder.with_suffix(".json")), cls)
        return None

    def agrees(self, fingerprint: str, contents: str | None) -> bool:
        """Return whether the cell was made from exactly this; None are contents that are not known yet."""
        return self.fingerprint == fingerprint and contents in (None, self.contents)


@dataclass(frozen=True, slots=True)
class FinishedCell:
    """What came of a cell."""

    evidence: Evidence
    fold_seconds: float
    """The time of training, summed over the folds."""
    f1_ceiling: float | None
    """The highest F1 that can be expected; None where nothing is known of it."""


class Cells:
    """The cells of a plan in a benchmark's folder.

    Args:
        plan: what the benchmark does.
        run: its folder, whose decoded images and features all cells share.
        contents: fingerprint of the contents of the examples; None assumes that they have not changed.
        notify: receives everything that happens in training.
    """

    def __init__(self, plan: BenchmarkPlan, run: RunFolder, *, contents: str | None, notify: Listener) -> None:
        self._plan, self._run, self._contents, self._notify = plan, run, contents, notify
        self._reference: Reference | None = None
        self._reference_error: RunError | None = None

    def finished(self, cell: Cell) -> FinishedCell | None:
        """Return a cell if it is already finished, and made from exactly what the plan says."""
        mark = CellMark.read(self._folder(cell))
        if mark is None or mark.seconds is None:
            return None
        if cell != REFERENCE and self._plan.trained_for not in ("", mark.trained_for):
            return None  # its folds are finished, and used as they are
        data = self._data(cell)
        if data is None or not mark.agrees(self._fingerprint(cell, data[0]), self._contents):
            return None
        try:
            if record := RunRecord.find(self._folder(cell)):
                record.check_intact(self._folder(cell), EVIDENCE_FILE)
            evidence = Evidence.read(self._folder(cell) / EVIDENCE_FILE)
        except RunFolderError:
            return None  # deleted or damaged: the folds are trained again
        return FinishedCell(evidence, mark.seconds, f1_ceiling=data[1])

    def train(self, cell: Cell) -> FinishedCell:
        """Run or resume the run of a cell, for which ``provide_reference`` has been called where it needs one.

        Raises:
            RunError: it could not be finished.
        """
        data, folder, contents = self._data(cell), self._folder(cell), self._contents
        assert data is not None
        assert contents is not None
        dataset, f1_ceiling = data
        fingerprint = self._fingerprint(cell, dataset)
        mark = CellMark(fingerprint=fingerprint, contents=contents, trained_for=self._plan.trained_for)
        before = CellMark.read(folder)
        if before is not None and not before.agrees(fingerprint, contents):
            self._notify(Warned(f"{cell} starts over: its labels or settings have changed"))
            # Before the new mark is written: a run that is stopped in between must not leave files of the old one.
            shutil.rmtree(folder, ignore_errors=True)
        mark.write(folder)
        seconds: list[float] = []

        def listen(event: Event) -> None:
            if isinstance(event, FoldDone) and event.kind == "fold":  # other trainings serve one detector alone
                seconds.append(round(event.seconds, 3))  # as DONE marks keep them
            if not isinstance(event, Chosen | Noted):  # reported when the plan was made
                self._notify(event)

        settings = replace(self._plan.planned_of(cell).plan.config, seed=cell.seed)
        model = self._plan.reference_model if cell == REFERENCE else self._plan.model
        run = run_plan(
            planning.plan(dataset, settings=settings, model=model, output=folder, notify=listen),
            inputs=self._run.paths.inputs,
            planted=cell.is_planted,
            notify=listen,
        )
        finished = FinishedCell(run.evidence, round(sum(seconds), 3), f1_ceiling)
        replace(mark, seconds=finished.fold_seconds).write(folder)
        return finished

    def provide_reference(self) -> None:
        """Train the reference unless it is finished.

        Raises:
            RunError: it could not be finished, now or at an earlier call.
        """
        if self._reference_error is not None:
            raise self._reference_error
        if self._known_reference() is None:
            self._notify(Noted("some noise depends on probabilities: a run on labels without errors comes first"))
            self._notify(CellStarted(str(REFERENCE)))
            try:
                self._reference = Reference.of(self.train(REFERENCE).evidence)
            except RunError as error:
                self._reference_error = error
                raise

    def _known_reference(self) -> Reference | None:
        """Return the reference, or None while it is not trained."""
        if self._reference is None and (finished := self.finished(REFERENCE)) is not None:
            self._reference = Reference.of(finished.evidence)
        return self._reference

    def _data(self, cell: Cell) -> tuple[Dataset, float | None] | None:
        """Return the data with the labels of a cell, and the highest F1 that can be expected, None where unknown.

        Or None while the labels need a reference that is not trained.
        """
        base = self._plan.dataset
        if not cell.is_planted:
            return base, None
        true_labels, n_classes, f1_ceiling = base.given_labels, len(base.class_names), None
        if not cell.needs_reference:
            given_labels = plant(true_labels, n_classes, cell.noise, cell.seed)
        elif (reference := self._known_reference()) is not None:
            given_labels, f1_ceiling = reference.plant(true_labels, n_classes, cell.noise, cell.seed)
        else:
            return None
        return replace(base, given_labels=given_labels), f1_ceiling

    def _fingerprint(self, cell: Cell, dataset: Dataset) -> str:
        """Return a text that changes with everything that decides what a cell measures.

        What the machine decides is left out: a benchmark may be shown and extended on another.
        """
        plan = self._plan.planned_of(cell).plan
        choices = [{key: one.choices[key] for key in one.choices.keys() - {"model_reason"}} for one in plan.members]
        return fingerprint_of(
            {
                "settings": self._plan.shared_settings,
                "loss": cell.loss,
                "seed": cell.seed,
                "choices": choices,
                "data": plan.data_fingerprint,
                "given_labels": hashlib.blake2b(dataset.given_labels.tobytes(), digest_size=16).hexdigest(),
            }
        )

    def _folder(self, cell: Cell) -> Path:
        return self._run.path / cell.folder
