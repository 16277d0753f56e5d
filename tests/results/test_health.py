from dataclasses import replace

import numpy as np
import pytest
from tiny_run import a_dataset, an_evidence, detections_of, evidence_of

from labelscan.arrays import as_strings
from labelscan.detection.evidence import Member
from labelscan.results.health import NOTHING_FOUND, warnings_about
from labelscan.training.agreement import Agreement


def test_models_that_predict_the_same_are_no_two_members() -> None:
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    probs = evidence.pred_probs
    for second, n_warnings in ((probs.copy(), 1), (probs[:, [1, 0, 2]], 0)):
        members = (Member(name="a", pred_probs=probs, weight=0.5), Member(name="b", pred_probs=second, weight=0.5))
        asked = replace(evidence, members=members)
        agreement = Agreement.of(probs.argmax(axis=1), evidence.given_labels, probs.shape[1])
        found = warnings_about(dataset, asked, detections_of(asked), agreement, NOTHING_FOUND)
        assert sum(one.startswith("a and b predict the same") for one in found) == n_warnings


def test_probabilities_of_models_that_have_seen_the_labels_are_reported(monkeypatch) -> None:
    monkeypatch.setattr("labelscan.results.health.FEWEST_IN_SAMPLE", 10)
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    overfit = Agreement.of(evidence.given_labels, evidence.given_labels, 3)
    held_out = Agreement.of(evidence.pred_probs.argmax(axis=1), evidence.given_labels, 3)
    unknown = replace(evidence, fold_names=as_strings([""] * 10))
    for known, agreement, is_told in ((unknown, overfit, True), (unknown, held_out, False), (evidence, overfit, False)):
        found = warnings_about(dataset, known, detections_of(evidence), agreement, NOTHING_FOUND)
        assert any("if their models were trained on them" in one for one in found) == is_told


@pytest.mark.parametrize(("n_back", "is_told"), [(0, True), (30, True), (60, False)])
def test_errors_that_go_one_way_are_told(n_back: int, is_told: bool) -> None:
    """Of 100 cats 40 are flagged as dogs, of 400 dogs some as cats."""
    given_labels = np.repeat([0, 1], [100, 400])
    flagged = np.isin(np.arange(500), [*range(40), *range(100, 100 + n_back)])
    predicted = np.where(flagged, 1 - given_labels, given_labels)
    evidence = evidence_of(np.eye(2, dtype=np.float32)[predicted] * 0.8 + 0.1, given_labels)
    detections = detections_of(evidence)
    by_name = {name: replace(one, flagged=flagged) for name, one in detections.by_name.items()}
    agreement = Agreement.of(predicted, given_labels, 2)
    found = warnings_about(a_dataset(), evidence, replace(detections, by_name=by_name), agreement, NOTHING_FOUND)
    one, other = evidence.class_names[:2]
    told = f"the errors may go one way: 40 of 100 labels '{one}' look like '{other}', and {n_back} of 400 the other way"
    assert any(message.startswith(told) for message in found) == is_told
