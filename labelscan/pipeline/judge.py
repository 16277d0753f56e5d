"""Evidence judged by all detectors, and written with everything that follows from it: where a run ends.

It is the same whether the evidence comes from folds that were trained or from probabilities made elsewhere.
"""

import numpy as np

from labelscan.arrays import Strings
from labelscan.atomic import write_npz
from labelscan.data.dataset import Dataset
from labelscan.detection.detectors import Detections, detect_all
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.detection.measured_sample import draw_sample
from labelscan.results.finished_run import Run
from labelscan.results.health import NOTHING_FOUND, DataChecks
from labelscan.results.issues import rank_issues
from labelscan.results.run_files import DOUBT_FILE, MEASURE_FILE
from labelscan.results.run_folder import RunFolder
from labelscan.results.summary import summarise


def judge_and_write(
    dataset: Dataset,
    evidence: Evidence,
    status: Strings,
    detector: str,
    run: RunFolder,
    checks: DataChecks = NOTHING_FOUND,
    *,
    seed: int = 0,
) -> tuple[Run, Detections]:
    """Judge all labels by the evidence, and write it with everything that follows from it.

    Returns the run, and the judgements of the detectors in the order of the evidence. ``detector`` leads; ``seed``
    decides which labels are kept to be measured; the other arguments are those of ``summarise``.
    """
    with run.timed("detection"):
        evidence.write(run.path / EVIDENCE_FILE)
        detections = detect_all(evidence, detector)
        doubt = detections.error_log_odds.astype(np.float32)
        write_npz(run.path / DOUBT_FILE, {"error_log_odds": doubt})
        sample = draw_sample(evidence.example_ids, doubt.astype(np.float64), seed=seed)
        sample.write(run.path / MEASURE_FILE, evidence)
        issues = rank_issues(dataset, evidence, detections, status)
        summary = summarise(dataset, evidence, detections, issues, status, checks)
        issues.write(run.path)
        summary.write(run.path)
    return Run(folder=run.path, dataset=dataset, evidence=evidence, issues=issues, summary=summary), detections
