from dataclasses import replace

from tiny_run import a_dataset, an_evidence, detections_of

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
