"""Evidence judged by all detectors, and written with everything that follows from it: where a run ends.

It is the same whether the evidence comes from folds that were trained or from probabilities made elsewhere.
"""

from labelscan.arrays import Strings
from labelscan.data.dataset import Dataset
from labelscan.detection.detectors import Detections, detect_all
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.results.finished_run import Run
from labelscan.results.health import NOTHING_FOUND, DataChecks
from labelscan.results.issues import rank_issues
from labelscan.results.run_folder import RunFolder
from labelscan.results.summary import summarise


def judge_and_write(
    dataset: Dataset,
    evidence: Evidence,
    status: Strings,
    detector: str,
    run: RunFolder,
    checks: DataChecks = NOTHING_FOUND,
) -> tuple[Run, Detections]:
    """Judge all labels by the evidence, and write it with everything that follows from it.

    Returns the run, and the judgements of the detectors in the order of the evidence. ``detector`` leads; the other
    arguments are those of ``summarise``.
    """
    with run.timed("detection"):
        evidence.write(run.path / EVIDENCE_FILE)
        detections = detect_all(evidence, detector)
        issues = rank_issues(dataset, evidence, detections, status)
        summary = summarise(dataset, evidence, detections, issues, status, checks)
        issues.write(run.path)
        summary.write(run.path)
    return Run(folder=run.path, dataset=dataset, evidence=evidence, issues=issues, summary=summary), detections
