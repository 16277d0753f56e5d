from dataclasses import replace

from tiny_run import a_dataset, an_evidence, detections_of

from labelscan.detection.evidence import Opinion
from labelscan.results.health import NOTHING_FOUND, warnings_about
from labelscan.training.agreement import Agreement


def test_models_that_predict_the_same_are_no_two_opinions() -> None:
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    probs = evidence.pred_probs
    for second, n_warnings in ((probs.copy(), 1), (probs[:, [1, 0, 2]], 0)):
        opinions = (Opinion(name="a", pred_probs=probs, weight=0.5), Opinion(name="b", pred_probs=second, weight=0.5))
        asked = replace(evidence, opinions=opinions)
        agreement = Agreement.of(probs.argmax(axis=1), evidence.given_labels, probs.shape[1])
        found = warnings_about(dataset, asked, detections_of(asked), agreement, NOTHING_FOUND)
        assert sum(one.startswith("a and b predict the same") for one in found) == n_warnings
