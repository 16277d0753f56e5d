"""Evidence judged by all detectors, and written with everything that follows from it: where a run ends.

However the evidence came about, from folds that were trained or from probabilities made elsewhere, this is the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from labelscan.arrays import Strings
from labelscan.data.dataset import Dataset
from labelscan.detection.detectors import Detections, detect_all
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.results.finished_run import Run
from labelscan.results.issues import rank_issues
from labelscan.results.run_folder import RunFolder
from labelscan.results.summary import LabelConflict, summarise
from labelscan.results.tables import write_issues


def judge(
    dataset: Dataset,
    evidence: Evidence,
    status: Strings,
    detector: str,
    run: RunFolder,
    *,
    label_conflicts: Sequence[LabelConflict] = (),
    small_classes: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> tuple[Run, Detections]:
    """Judge all labels by the evidence, and write it with everything that follows from it.

    Returned beside the run are the judgements of each detector, in the order of the evidence. ``detector`` is whose
    flags and ranking lead; the other arguments are those of ``summarise``.
    """
    with timed(run, "detection"):
        evidence.write(run.path / EVIDENCE_FILE)
        detections = detect_all(evidence, detector)
        issues = rank_issues(dataset, evidence, detections, status)
        summary = summarise(
            dataset,
            evidence,
            detections,
            issues,
            status,
            label_conflicts=label_conflicts,
            small_classes=small_classes,
            warnings=warnings,
        )
        write_issues(issues, run.path)
        summary.write(run.path)
    return Run(folder=run.path, dataset=dataset, evidence=evidence, issues=issues, summary=summary), detections


@contextmanager
def timed(run: RunFolder, step: str) -> Iterator[None]:
    """Put the wall time of the block into the timings of the run."""
    started = monotonic()
    yield
    run.timings[step] = monotonic() - started
