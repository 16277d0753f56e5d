"""Judgements once a person has decided some labels, in this run or before the labels were corrected.

``pipeline.judge`` writes them; ``judge_finished`` applies decisions to a finished run and writes nothing.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from labelscan.correction.remembered import Remembered, remembered_by
from labelscan.correction.review import Review, settle
from labelscan.detection.decisions.decided_labels import DecidedLabels
from labelscan.detection.decisions.interval import Measurement
from labelscan.detection.decisions.measured_sample import MeasuredSample, draw_sample, seed_for
from labelscan.detection.decisions.rescoring import LEAST_DECISIONS, kept_log_odds, rescore
from labelscan.detection.detectors import detect_all
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detections
from labelscan.errors import RunFolderError
from labelscan.results.issues import rerank
from labelscan.results.run import FinishedRun
from labelscan.results.summary import with_judgement
from labelscan.results.wrong_labels import MeasuredBefore
from labelscan.runs.files import FRESH, MEASURE_FILE
from labelscan.runs.record import CountedDecisions


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What is said of N labels by detectors and decisions."""

    detections: Detections
    sample: MeasuredSample
    """The labels to decide, of which none was decided before."""
    number_by_agreement: float | None
    """How many labels are wrong by the agreement of models, whatever was decided; None where that does not tell."""
    measurement: Measurement | None = None
    """What decisions measure, where there are enough of them."""
    remembered: Remembered | None = None
    """What was known of exactly these labels before."""
    notes: tuple[str, ...] = ()
    """On decisions that say nothing about these labels."""

    @property
    def before(self) -> MeasuredBefore | None:
        """Return what was measured before the labels were corrected."""
        return self.remembered.measured if self.remembered else None

    def counted(self, review: Review, evidence: Evidence) -> CountedDecisions:
        """Return what run.json says of the decisions."""
        decided = self.detections.decided
        wrong = evidence.example_ids[decided.index[decided.is_wrong]]
        return dataclasses.replace(review.counted(), decided_wrong=tuple(map(str, wrong)))


def judge_by(
    review: Review | None,
    detections: Detections,
    evidence: Evidence,
    given_labels: Mapping[str, str],
    *,
    of_images: bool,
    seed: int,
) -> Judged:
    """Return what is said of the labels of the evidence once those of the review are known.

    Args:
        review: None where nobody decided anything.
        detections: what the detectors say without it.
        evidence: the scored examples.
        given_labels: those of all examples, by id.
        of_images: whether the examples are images, on which the agreement of models tells how many labels are wrong.
        seed: decides which labels are kept to be measured.
    """
    by_agreement = detections.wrong_labels.estimate if of_images and evidence.members else None
    row_of = {example_id: row for row, example_id in enumerate(evidence.example_ids)}
    remembered = review.remembered if review and review.remembered else None
    notes: tuple[str, ...] = ()
    if remembered and not remembered.is_about(given_labels):
        notes = ("labels or examples have changed since the decisions beside this copy: they are not used",)
        remembered = None
    right = np.array([row_of[one] for one in (remembered.right if remembered else ()) if one in row_of], dtype=np.int64)
    log_odds, drawn_by = kept_log_odds(detections), seed_for(evidence, seed)
    sample = draw_sample(evidence.example_ids, log_odds, seed=drawn_by, known=right)
    if review is None or not (review.decisions or remembered):
        return Judged(detections=detections, sample=sample, number_by_agreement=by_agreement, notes=notes)
    settled = settle(review, given_labels, row_of)
    notes += settled.notes
    if not (settled.is_wrong or remembered):
        return Judged(detections=detections, sample=sample, number_by_agreement=by_agreement, notes=notes)
    by_row = {row_of[example_id]: is_wrong for example_id, is_wrong in settled.is_wrong.items()}
    decided = DecidedLabels(
        index=np.array(list(by_row), dtype=np.int64), is_wrong=np.array(list(by_row.values()), dtype=np.bool_)
    )
    drawn = sample.drawn(decided, [row_of[example_id] for example_id in settled.unsure])
    judged, measurement = rescore(
        detections,
        decided,
        right=np.setdiff1d(right, decided.index),
        drawn=None if settled.are_corrected else drawn,
        number_by_agreement=by_agreement,
    )
    if by_row and measurement is None and not settled.are_corrected:
        found = f"{int(decided.is_wrong.sum()):,} of {len(decided):,} decided labels are wrong"
        nobody = f"of the {len(evidence) - len(decided):,} others nobody has measured any"
        how = f"the first {LEAST_DECISIONS} labels of {MEASURE_FILE}, or more, would say how many are wrong"
        notes += (f"{review.where}: {found}; {nobody}: {how}",)
    return Judged(
        detections=judged,
        sample=sample,
        number_by_agreement=by_agreement,
        measurement=measurement,
        remembered=remembered,
        notes=notes,
    )


def judge_finished(run: FinishedRun, review: Review) -> FinishedRun:
    """Return a finished run as it is by these decisions, and what it remembers; its folder is only read.

    Raises:
        RunFolderError: the evidence of the run is missing or damaged.
    """
    run.record.check_intact(run.folder, EVIDENCE_FILE)
    evidence = Evidence.read(run.folder / EVIDENCE_FILE)
    if not run.given_labels.keys() >= set(evidence.example_ids):
        where = str(run.folder / EVIDENCE_FILE)
        raise RunFolderError("damaged", "is not about the labels of scores.csv", where=where, hint=FRESH)
    seed = int(str(run.record.settings.get("seed", 0)))
    review = dataclasses.replace(review, remembered=remembered_by(run))
    detections, of_images = detect_all(evidence, run.summary.detector), run.record.data.kind == "images"
    judged = judge_by(review, detections, evidence, run.given_labels, of_images=of_images, seed=seed)
    return dataclasses.replace(
        run,
        record=dataclasses.replace(run.record, decisions=judged.counted(review, evidence)),
        issues=rerank(run.issues, evidence, judged.detections),
        summary=with_judgement(
            run.summary,
            evidence,
            judged.detections,
            judged.measurement,
            before=judged.before,
            of_images=of_images,
            warnings=judged.notes,
        ),
        is_as_written=False,
    )
