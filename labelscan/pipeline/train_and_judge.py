"""The whole line: from the folds of a plan to a ranked table of label issues."""

from labelscan.arrays import Strings, as_strings
from labelscan.correction.review import Review
from labelscan.data.dataset import Dataset
from labelscan.data.duplicates import find_label_conflicts
from labelscan.detection.protocol import Detections
from labelscan.events import Listener
from labelscan.pipeline.evidence_of_folds import evidence_of
from labelscan.pipeline.inputs import Contents
from labelscan.pipeline.judge import judge_and_write
from labelscan.pipeline.planning import PlannedRun
from labelscan.pipeline.run_folds import assign
from labelscan.results.health import DataChecks
from labelscan.results.issues import SCORED, UNREADABLE
from labelscan.results.run import Run
from labelscan.runs.folder import RunFolder
from labelscan.training.folds import Folds, unscored_reasons


def train_and_judge(
    planned: PlannedRun, contents: Contents, run: RunFolder, notify: Listener, review: Review | None = None
) -> tuple[Run, Detections]:
    """Return the finished run, and what its detectors say without any decision of a person."""
    plan = planned.plan
    dataset, folds = plan.dataset, assign(plan, contents)
    status = _status(dataset, contents, folds)
    if not run.is_read_only:
        dataset.write(run.path / "examples.csv", status)
        folds.write(run.path / "folds.csv", dataset.example_ids)
    evidence, warnings = evidence_of(planned, contents, folds, run, notify)
    checks = DataChecks(
        label_conflicts=find_label_conflicts(dataset, contents.numbers),
        warnings=(*plan.warnings, *warnings),
    )
    detector, seed = plan.config.detection.detector, plan.config.seed
    return judge_and_write(dataset, evidence, status, detector, run, checks, review=review, seed=seed, notify=notify)


def _status(dataset: Dataset, contents: Contents, folds: Folds) -> Strings:
    status = as_strings([SCORED] * len(dataset))
    for row, reason in contents.unreadable.items():
        status[row] = f"{UNREADABLE}: {reason}"
    for row, reason in unscored_reasons(folds, dataset.given_labels, ~contents.unusable).items():
        status[row] = reason
    return status
