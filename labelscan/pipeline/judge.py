"""Evidence judged by all detectors, and written with everything that follows from it: where a run ends.

It is the same whether the evidence comes from folds that were trained or from probabilities made elsewhere. The
decisions of a person count where there are some; ``judge_finished`` applies them to a finished run without writing.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from labelscan.arrays import Strings, as_strings
from labelscan.correction.review import Review, settle
from labelscan.data.dataset import Dataset
from labelscan.detection.decisions.decided_labels import DecidedLabels
from labelscan.detection.decisions.interval import Measurement
from labelscan.detection.decisions.measured_sample import MeasuredSample, draw_sample, seed_for
from labelscan.detection.decisions.rescoring import LEAST_DECISIONS, kept_log_odds, rescore
from labelscan.detection.detectors import detect_all
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detections
from labelscan.errors import RunFolderError
from labelscan.events import Listener, Noted, ignore
from labelscan.files.atomic import write_npz
from labelscan.results.health import NOTHING_FOUND, DataChecks
from labelscan.results.issues import SCORES_FILE, rank_issues, rerank
from labelscan.results.run import FinishedRun, Run
from labelscan.results.summary import FILE_NAME as SUMMARY_FILE
from labelscan.results.summary import summarise, with_judgement
from labelscan.runs.files import FRESH, LOG_ODDS_FILE, MEASURE_FILE
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import ELSEWHERE
from labelscan.runs.record import CountedDecisions


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
        sample = draw_sample(evidence.example_ids, kept_log_odds(by_detectors), seed=seed_for(evidence, seed))
        if not run.is_read_only:
            log_odds = kept_log_odds(by_detectors).astype(np.float32)
            write_npz(run.path / LOG_ODDS_FILE, {"error_log_odds": log_odds, "stratum": sample.stratum.astype(np.int8)})
            sample.write(run.path / MEASURE_FILE, evidence)
        given_labels = {} if review is None else _labels_by_id(dataset)
        detections, measurement, notes = _with_decisions(by_detectors, evidence, sample, review, given_labels)
        decided = detections.decided
        for note in notes:
            notify(Noted(note))
        issues = rank_issues(dataset, evidence, detections, status)
        summary = summarise(dataset, evidence, detections, issues, status, checks, measurement=measurement, notes=notes)
        if not run.is_read_only:
            issues.write(run.path)
            summary.write(run.path)
            for name in (SCORES_FILE, SUMMARY_FILE, LOG_ODDS_FILE, MEASURE_FILE):
                run.record_checksum(name)
    if review is not None:
        run.rewrite(dataclasses.replace(run.record, decisions=_counted(review, evidence, decided)))
    elif run.earlier and run.earlier.decisions:
        notify(Noted("judged without the decisions of last time: add --decisions FILE to count them"))
    written = Run(
        folder=run.path,
        dataset=dataset,
        evidence=evidence,
        issues=issues,
        summary=summary,
        decided=tuple(evidence.example_ids[decided.index]),
    )
    return written, by_detectors


def judge_finished(run: FinishedRun, review: Review) -> FinishedRun:
    """Return a finished run as it is by these decisions alone; its folder is only read.

    Raises:
        RunFolderError: the evidence of the run is missing or damaged.
    """
    run.record.check_intact(run.folder, EVIDENCE_FILE)
    evidence = Evidence.read(run.folder / EVIDENCE_FILE)
    if not run.given_labels.keys() >= set(evidence.example_ids):
        where = str(run.folder / EVIDENCE_FILE)
        raise RunFolderError("damaged", "is not about the labels of scores.csv", where=where, hint=FRESH)
    by_detectors = detect_all(evidence, run.summary.detector)
    seed = seed_for(evidence, int(str(run.record.settings.get("seed", 0))))
    sample = draw_sample(evidence.example_ids, kept_log_odds(by_detectors), seed=seed)
    detections, measurement, notes = _with_decisions(by_detectors, evidence, sample, review, run.given_labels)
    return dataclasses.replace(
        run,
        record=dataclasses.replace(run.record, decisions=_counted(review, evidence, detections.decided)),
        issues=rerank(run.issues, evidence, detections),
        summary=with_judgement(
            run.summary, evidence, detections, measurement, of_images=run.record.data.kind == "images", warnings=notes
        ),
        is_as_written=False,
    )


def _refuse_other_decisions(run: RunFolder, review: Review | None) -> None:
    """Raise RunFolderError where a run that can only be read was judged by other decisions than these."""
    before = run.earlier and run.earlier.decisions
    if (before and dataclasses.replace(before, decided_wrong=())) != (review and review.counted()):
        problem = "this run cannot be written, and was judged by other decisions"
        raise RunFolderError("read-only-run", problem, where=str(run.path), hint=ELSEWHERE)


def _labels_by_id(dataset: Dataset) -> Mapping[str, str]:
    return dict(zip(dataset.example_ids, as_strings(dataset.class_names)[dataset.given_labels], strict=True))


def _counted(review: Review, evidence: Evidence, decided: DecidedLabels) -> CountedDecisions:
    rows = decided.index[decided.is_wrong].tolist()
    return dataclasses.replace(review.counted(), decided_wrong=tuple(map(str, evidence.example_ids[rows])))


def _with_decisions(
    detections: Detections,
    evidence: Evidence,
    sample: MeasuredSample,
    review: Review | None,
    given_labels: Mapping[str, str],
) -> tuple[Detections, Measurement | None, tuple[str, ...]]:
    """Return the judgements with what was decided, what decisions measure, and notes on them.

    ``given_labels`` are those of all examples, by id.
    """
    if review is None:
        return detections, None, ()
    row_of = {example_id: row for row, example_id in enumerate(evidence.example_ids)}
    settled = settle(review, given_labels, row_of)
    if not settled.is_wrong:
        return detections, None, settled.notes
    by_row = dict(sorted((row_of[example_id], is_wrong) for example_id, is_wrong in settled.is_wrong.items()))
    decided = DecidedLabels(
        index=np.array(list(by_row), dtype=np.int64), is_wrong=np.array(list(by_row.values()), dtype=np.bool_)
    )
    drawn = sample.drawn(decided, [row_of[example_id] for example_id in settled.unsure])
    judged, measurement = rescore(detections, decided, drawn=None if settled.are_corrected else drawn)
    notes = settled.notes
    if measurement is None and not settled.are_corrected:
        found = f"{int(decided.is_wrong.sum()):,} of {len(decided):,} decided labels are wrong"
        nobody = f"of the {len(evidence) - len(decided):,} others nobody has measured any"
        how = f"the first {LEAST_DECISIONS} labels of {MEASURE_FILE}, or more, would say how many are wrong"
        notes = (*notes, f"{review.where}: {found}; {nobody}: {how}")
    return judged, measurement, notes
