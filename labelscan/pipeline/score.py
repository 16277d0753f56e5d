"""Only the detectors, on out-of-fold probabilities made elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import ArrayLike

from labelscan.arrays import as_strings
from labelscan.config import LEADING_DETECTOR
from labelscan.correction.apply import Applied
from labelscan.correction.review import GivenDecisions, Review, read_review, with_remembered
from labelscan.data.probabilities import Probabilities
from labelscan.detection.detectors import needs_threshold_runs
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.detection.pooling import pool
from labelscan.errors import ConfigError
from labelscan.events import Listener, Noted, StepDone, StepStarted, ignore
from labelscan.pipeline.given_probabilities import GivenMembers, Probs, read_members
from labelscan.pipeline.judge import judge_and_write
from labelscan.results.issues import SCORED
from labelscan.results.run import Run
from labelscan.runs.files import DEFAULT_PARENT
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import open_run
from labelscan.runs.record import Described, Identity

COMMAND = "score"
"""The command as run.json has it: neither ``score`` nor ``detect`` resumes a run of the other."""


def score(
    probs: Probs,
    given_labels: ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    example_ids: Sequence[str] | None = None,
    true_labels: ArrayLike | None = None,
    detector: str | None = None,
    label_column: str = "",
    output: Path | str | None = None,
    fresh: bool = False,
    decisions: GivenDecisions | None = None,
    after: Applied | None = None,
    notify: Listener = ignore,
) -> Run:
    """Judge labels by out-of-fold probabilities made elsewhere, and leave a run folder.

    Args:
        probs: a file as ``labelscan score`` reads it, or (N, K) probabilities: an array, lists, a torch tensor. A list
            of files or of such arrays is as many opinions about the same examples, which are pooled.
        given_labels: (N,) class indices, or class names as text. It and the next three go with probabilities in
            memory only.
        class_names: K names in the order of the columns.
        example_ids: N ids, each once; the order of rows then makes no difference.
        true_labels: (N,) labels known to be right, in the form of ``given_labels``.
        detector: which detector's flags and ranking lead.
        label_column: the column or array of given labels in a file.
        output: the run folder; None is ``labelscan-runs/<name>-<fingerprint>``.
        fresh: whether an earlier run in the folder is deleted.
        decisions: as in ``detect``.
        after: as in ``detect``.
        notify: receives the steps, and notes on how the data was read.

    Raises:
        UsageError: probabilities or labels that cannot be judged, with the row, or a folder of another run.
    """
    detector = detector or LEADING_DETECTOR
    if needs_threshold_runs(detector):  # refused here, as an unknown name is, before the file is read
        raise ConfigError(
            "needs-training",
            f"{detector} needs trainings of its own, and probabilities are nothing to train on",
            where="detector",
            hint="use confident-learning or noise-posterior, or labelscan detect on the data itself",
        )
    review = None if decisions is None else read_review(decisions)
    place = probs if isinstance(probs, str | Path) else ""
    review = with_remembered(review, place, after.remembered if after else None)
    started = monotonic()
    notify(StepStarted("read"))
    beside = {"given_labels": given_labels, "class_names": class_names}
    beside |= {"example_ids": example_ids, "true_labels": true_labels}
    given = read_members(probs, label_column, beside)
    notify(StepDone("read", monotonic() - started))
    for note in dict.fromkeys(note for one in given.probabilities for note in one.dataset.notes):
        notify(Noted(note))
    dataset, fingerprint = given.probabilities[0].dataset, given.fingerprint
    with open_run(
        Path(output or DEFAULT_PARENT / f"{dataset.name}-{fingerprint[:8]}"),
        Identity(
            settings={"detection": {"detector": detector}},
            # The detector is left out: it judges in seconds, so a run is resumed with another one.
            results_depend_on={"command": COMMAND},
            data=Described.of(dataset, fingerprint),
        ),
        fresh=fresh,
    ) as run:
        run.rewrite(replace(run.record, source=replace(given.source, label_column=label_column)))
        run.record_machine()
        return _judge(given, detector, run, review, notify)


def _judge(given: GivenMembers, detector: str, run: RunFolder, review: Review | None, notify: Listener) -> Run:
    started, dataset = monotonic(), given.probabilities[0].dataset
    notify(StepStarted("detection"))
    evidence = pool(given.names, [_evidence(one) for one in given.probabilities])
    if not run.is_read_only:
        with run.replacing(EVIDENCE_FILE) as path:
            evidence.write(path)
        evidence = evidence.mapped_from(run.path / EVIDENCE_FILE)
    run.rewrite(replace(run.record, opinion_weights={one.name: one.weight for one in evidence.members}))
    status = as_strings([SCORED] * len(dataset))
    if not run.is_read_only:
        dataset.write(run.path / "examples.csv", status)
    result, _ = judge_and_write(dataset, evidence, status, detector, run, review=review, notify=notify)
    notify(StepDone("detection", monotonic() - started))
    return result


def _evidence(probabilities: Probabilities) -> Evidence:
    dataset = probabilities.dataset
    return Evidence(
        pred_probs=probabilities.pred_probs,
        given_labels=dataset.given_labels,
        class_names=dataset.class_names,
        example_ids=dataset.example_ids,
        index=np.arange(len(dataset), dtype=np.int64),
        fold_names=as_strings([""] * len(dataset)),
        from_columns=probabilities.from_columns,
    )
