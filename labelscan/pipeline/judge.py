"""Evidence judged by all detectors, and written with everything that follows from it: where a run ends.

It is the same whether the evidence comes from folds that were trained or from probabilities made elsewhere. The
decisions of a person count where there are some.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Strings, as_strings
from labelscan.correction.judging import Judged, judge_by
from labelscan.correction.review import Review
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import kind_of
from labelscan.detection.decisions.rescoring import kept_log_odds
from labelscan.detection.detectors import detect_all
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detections
from labelscan.errors import RunFolderError
from labelscan.events import Listener, Noted, ignore
from labelscan.files.atomic import write_npz
from labelscan.results.health import NOTHING_FOUND, DataChecks
from labelscan.results.issues import SCORES_FILE, rank_issues
from labelscan.results.run import Run
from labelscan.results.summary import FILE_NAME as SUMMARY_FILE
from labelscan.results.summary import summarise
from labelscan.runs.files import LOG_ODDS_FILE, MEASURE_FILE, REMEMBERED_FILE
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import ELSEWHERE


def judge_and_write(
    dataset: Dataset,
    evidence: Evidence,
    status: Strings,
    detector: str,
    run: RunFolder,
    checks: DataChecks = NOTHING_FOUND,
    *,
    review: Review | None = None,
    seed: int = 0,
    notify: Listener = ignore,
) -> tuple[Run, Detections]:
    """Judge all labels by the evidence, and write everything that follows from it.

    Args:
        dataset: as in ``summarise``, and so are evidence, status and checks.
        evidence: the scored examples, which the run folder has already.
        status: of all examples.
        detector: the one that leads.
        run: where everything is written.
        checks: what was found in the data.
        review: decisions about some of the labels.
        seed: decides which labels are kept to be measured.
        notify: receives a note on decisions that say nothing about these labels.

    Returns:
        The run, and what the detectors say in the order of the evidence, whatever was decided.
    """
    if run.is_read_only:
        _refuse_other_decisions(run, review)
    with run.timed("detection"):
        by_detectors = detect_all(evidence, detector)
        given_labels = {} if review is None else _labels_by_id(dataset)
        of_images = kind_of(dataset.inputs) == "images"
        judged = judge_by(review, by_detectors, evidence, given_labels, of_images=of_images, seed=seed)
        detections = judged.detections
        if not run.is_read_only:
            _write_for_measurement(judged, evidence, by_detectors, run)
        for note in judged.notes:
            notify(Noted(note))
        issues = rank_issues(dataset, evidence, detections, status)
        summary = summarise(
            *(dataset, evidence, detections, issues, status, checks),
            measurement=judged.measurement,
            before=judged.before,
            notes=judged.notes,
        )
        if not run.is_read_only:
            issues.write(run.path)
            summary.write(run.path)
            for name in (SCORES_FILE, SUMMARY_FILE, LOG_ODDS_FILE, MEASURE_FILE):
                run.record_checksum(name)
    if review is not None:
        run.rewrite(dataclasses.replace(run.record, decisions=judged.counted(review, evidence)))
    elif run.earlier and run.earlier.decisions:
        notify(Noted("judged without the decisions of last time: add --decisions FILE to count them"))
    written = Run(
        folder=run.path,
        dataset=dataset,
        evidence=evidence,
        issues=issues,
        summary=summary,
        decided=tuple(evidence.example_ids[detections.decided.index]),
    )
    return written, by_detectors


def _refuse_other_decisions(run: RunFolder, review: Review | None) -> None:
    """Raise RunFolderError where a run that can only be read was judged by other decisions than these."""
    before = run.earlier and run.earlier.decisions
    if (before and dataclasses.replace(before, decided_wrong=())) != (review and review.counted()):
        problem = "this run cannot be written, and was judged by other decisions"
        raise RunFolderError("read-only-run", problem, where=str(run.path), hint=ELSEWHERE)


def _write_for_measurement(judged: Judged, evidence: Evidence, detections: Detections, run: RunFolder) -> None:
    """Write what the page of a report needs to measure, and what later decisions are added to."""
    arrays: dict[str, NDArray[np.generic]] = {
        "error_log_odds": kept_log_odds(detections).astype(np.float32),
        "stratum": judged.sample.stratum.astype(np.int8),
        "number_by_agreement": np.array(np.nan if (number := judged.number_by_agreement) is None else number),
    }
    write_npz(run.path / LOG_ODDS_FILE, arrays)
    judged.sample.write(run.path / MEASURE_FILE, evidence)
    (run.path / REMEMBERED_FILE).unlink(missing_ok=True)
    if judged.remembered:
        judged.remembered.write(run.path / REMEMBERED_FILE)
        run.record_checksum(REMEMBERED_FILE)


def _labels_by_id(dataset: Dataset) -> Mapping[str, str]:
    return dict(zip(dataset.example_ids, as_strings(dataset.class_names)[dataset.given_labels], strict=True))
