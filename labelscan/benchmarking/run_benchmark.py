"""Noises x losses x detectors on one data set: how many of its wrong labels each loss and detector finds.

Every cell, one loss on the labels of one noise and seed, is an ordinary run, whose evidence all detectors judge.
Images are decoded, and features of a frozen backbone computed, once for all cells.
"""

from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from time import monotonic

import pandas as pd

from labelscan.benchmarking.plan import REFERENCE, BenchmarkPlan, Cell
from labelscan.benchmarking.runs import Cells, FinishedCell
from labelscan.benchmarking.scoreboard import FOLD_SECONDS, Row, Scoreboard, in_order, judge
from labelscan.config import nested
from labelscan.detection.detectors import DETECTORS
from labelscan.errors import DiskError, RunError, TimeOver
from labelscan.events import CellDone, CellsPlanned, CellStarted, Listener, ignore, interruptible
from labelscan.pipeline.estimate import seconds_of_inputs, seconds_of_training
from labelscan.pipeline.inputs import read_contents
from labelscan.processes.interruption import shutting_down_gracefully
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import open_run
from labelscan.runs.record import Described, Identity

COMMAND = "benchmark"
"""The command as run.json has it."""
OWN_ENTRIES = ("cells", "benchmark.*", "measurements.csv")
"""What a benchmark writes in addition to the files of a run."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Benchmark:
    """What a benchmark measured, in full or as far as its time went."""

    folder: Path
    scoreboard: Scoreboard

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a noise, detector and loss: means over seeds, intervals, paired differences."""
        return self.scoreboard.table

    @property
    def measurements(self) -> pd.DataFrame:
        """Return one row a noise, detector, loss and seed."""
        return self.scoreboard.measurements

    def __repr__(self) -> str:
        scoreboard = self.scoreboard
        left = f", {len(scoreboard.missing):,} cells missing" if scoreboard.missing else ""
        failed = f", {len(scoreboard.failures):,} failed" if scoreboard.failures else ""
        return f"Benchmark({str(self.folder)!r}: {len(self.table):,} rows{left}{failed})"


def benchmark(
    plan: BenchmarkPlan, *, fresh: bool = False, max_seconds: float | None = None, notify: Listener = ignore
) -> Benchmark:
    """Train the cells that are not finished, judge all, and write the tables and the plot.

    The tables are written after every cell, so that they are there whatever stops a benchmark. A cell that fails does
    not end it.

    Args:
        plan: from ``make_benchmark_plan``.
        fresh: as in ``labelscan.benchmark``, like the next two.
        max_seconds: when to stop; what is done by then is the result.
        notify: receives everything that happens.

    Raises:
        UsageError: the folder holds something else, or a benchmark with other settings or data.
        Interrupted: a signal came, or ``max_seconds`` were over before the first cell was finished.
    """
    listen = interruptible(notify, max_seconds)
    measured = _Measured(plan)
    try:
        with open_run(
            plan.folder,
            Identity(
                settings=nested(plan.config),
                results_depend_on={"command": COMMAND, **plan.shared_settings, **plan.planned.plan.models},
                data=Described.of(plan.dataset, plan.data_fingerprint),
            ),
            fresh=fresh,
            also_owns=OWN_ENTRIES,
        ) as run:
            _fill(measured, run, listen)
            if not measured.failures:  # else the same command trains again what failed
                run.drop_inputs()
    except TimeOver:
        if not measured.rows:
            raise
    scoreboard = measured.write_tables()
    if measured.rows:
        from labelscan.benchmarking.plot import write_scoreboard_plot  # matplotlib takes a second to load

        write_scoreboard_plot(scoreboard, plan.folder)
    return Benchmark(folder=plan.folder, scoreboard=scoreboard)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What is left to do of a benchmark."""

    n_cells: int
    finished_cells: int
    estimate_seconds: float | None
    """Rough; None for a classifier of scikit-learn, or where images cannot be read now."""


def look_ahead(plan: BenchmarkPlan) -> Outlook:
    """Return what is left to do, by the marks of finished cells and a timing of the images and of each loss."""
    cells = Cells(plan, RunFolder(plan.folder), contents=None, notify=ignore)
    todo = [cell for cell in plan.cells if cells.finished(cell) is None]
    by_loss = {loss: seconds_of_training(plan.runs[loss]) for loss in dict.fromkeys(cell.loss for cell in todo)}
    training = [by_loss[cell.loss] for cell in todo]
    if any(cell.needs_reference for cell in todo) and cells.finished(REFERENCE) is None:
        training.append(seconds_of_training(plan.planned_of(REFERENCE)))
    inputs = seconds_of_inputs(plan.planned) if todo else 0.0  # made once for all cells
    return Outlook(
        n_cells=len(plan.cells),
        finished_cells=len(plan.cells) - len(todo),
        estimate_seconds=None if inputs is None or not (inputs or all(training)) else inputs + sum(training),
    )


def _fill(measured: "_Measured", run: RunFolder, listen: Listener) -> None:
    """Measure every cell of the plan: first the finished ones, then one after another."""
    plan, log = measured.plan, run.logging(listen)
    with shutting_down_gracefully():
        here = replace(plan.planned, paths=run.paths)
        contents = read_contents(here, log, may_change=run.may_change_data).fingerprint
    cells = Cells(plan, run, contents=contents, notify=listen)
    for cell in plan.cells:
        if (finished := cells.finished(cell)) is not None:
            measured.add(cell, finished)
    todo = [cell for cell in plan.cells if cell not in measured.rows]
    log(CellsPlanned(len(plan.cells), len(plan.cells) - len(todo)))
    for cell in todo:
        started = monotonic()
        try:
            if cell.needs_reference:
                cells.provide_reference()
            log(CellStarted(str(cell)))
            started = monotonic()
            finished = cells.train(cell)
        except DiskError:  # no other cell would be written either
            raise
        except RunError as error:
            measured.failures[cell] = str(error)
            log(CellDone(str(cell), {}, monotonic() - started, failure=str(error)))
        else:
            f1 = measured.add(cell, finished)
            measured.write_tables()
            log(CellDone(str(cell), f1, monotonic() - started))


class _Measured:
    """What has been measured so far."""

    def __init__(self, plan: BenchmarkPlan) -> None:
        self.plan = plan
        self.failures: dict[Cell, str] = {}
        self.rows: dict[Cell, list[Row]] = {}

    def add(self, cell: Cell, finished: FinishedCell) -> dict[str, float]:
        """Judge a finished cell by every detector, and return F1 by detector."""
        evidence, true_labels = finished.evidence, self.plan.dataset.true_labels
        assert true_labels is not None
        detections = {name: DETECTORS.build(name).detect(evidence) for name in self.plan.detectors}
        about = asdict(cell) | {FOLD_SECONDS: finished.fold_seconds, "f1_ceiling": finished.f1_ceiling}
        rows = judge(detections, evidence, true_labels[evidence.index], **about)
        self.rows[cell] = rows
        return {row["detector"]: row["f1"] for row in rows}

    def write_tables(self) -> Scoreboard:
        """Write the tables that programs and people read, and return them."""
        plan, done = self.plan, {*self.rows, *self.failures}
        order = {"noise": plan.noises, "detector": plan.detectors, "loss": plan.losses, "seed": plan.seeds}
        scoreboard = Scoreboard(
            data=plan.dataset.name,
            n_examples=len(plan.dataset),
            noises=plan.noises,
            losses=plan.losses,
            detectors=plan.detectors,
            seeds=plan.seeds,
            measurements=in_order(chain.from_iterable(self.rows.values()), **order),
            failures={str(cell): reason for cell, reason in self.failures.items()},
            missing=tuple(str(cell) for cell in plan.cells if cell not in done),
            notes=plan.dataset.notes,
            planter=plan.planter,
        )
        scoreboard.write(self.plan.folder)
        return scoreboard
