from dataclasses import replace

import numpy as np
import pytest
from tiny_run import a_dataset, an_evidence, detections_of

from labelscan.detection.decisions.decided_labels import DecidedLabels
from labelscan.detection.decisions.interval import DrawnLabels
from labelscan.detection.decisions.rescoring import error_probability_if, kept_log_odds, rescore

EVIDENCE = an_evidence(a_dataset())
STRATUM = np.arange(10) % 2
DECIDED = DecidedLabels(index=np.array([0, 1, 3, 8]), is_wrong=np.array([False, True, False, True]))


@pytest.mark.parametrize("leading", ["confident-learning", "noise-posterior"])
def test_no_detector_contradicts_a_decision(leading):
    before = replace(detections_of(EVIDENCE), leading=leading)
    after, _ = rescore(before, DECIDED)
    for one in after.by_name.values():
        assert one.flagged[DECIDED.index].tolist() == DECIDED.is_wrong.tolist()
    assert after.error_probability[DECIDED.index].tolist() == DECIDED.is_wrong.tolist()
    assert (after.error_log_odds == before.error_log_odds).all()


UNDECIDED = np.setdiff1d(np.arange(10), DECIDED.index)


def test_only_the_probabilities_of_noise_posterior_follow_the_decisions(monkeypatch):
    monkeypatch.setattr("labelscan.detection.decisions.rescoring.LEAST_DECISIONS", 4)
    before = detections_of(EVIDENCE)
    after, measurement = rescore(before, DECIDED, drawn=DrawnLabels(stratum=STRATUM, index=DECIDED.index))
    assert after.wrong_labels == measurement.n_wrong()
    other = after.by_name["confident-learning"]
    assert (other.label_quality == before.lead.label_quality).all()
    assert (other.flagged[UNDECIDED] == before.lead.flagged[UNDECIDED]).all()
    own = after.by_name["noise-posterior"]
    assert (own.label_quality == 1 - measurement.error_probability).all()
    assert (own.error_probability == after.error_probability).all()


def test_decisions_are_compared_with_the_digits_that_a_run_keeps():
    before = detections_of(EVIDENCE)
    kept = replace(before, error_log_odds=kept_log_odds(before))
    first, second = (rescore(one, DECIDED)[0].error_probability for one in (before, kept))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("n_drawn", "least"), [(None, 3), (4, 10), (3, 4)])
@pytest.mark.parametrize("end", ["low", "high"])
def test_few_drawn_labels_or_none_leave_other_labels_to_the_models(end, n_drawn, least, monkeypatch):
    """However many labels of the list are decided beside them."""
    monkeypatch.setattr("labelscan.detection.decisions.rescoring.LEAST_DECISIONS", least)
    drawn = None if n_drawn is None else DrawnLabels(stratum=STRATUM, index=DECIDED.index[:n_drawn])
    before = detections_of(EVIDENCE)
    after, measurement = rescore(before, DECIDED, drawn=drawn)
    assert measurement is None
    expected = error_probability_if(before, getattr(before.wrong_labels, end))
    if end == "low":
        expected[~before.by_name["noise-posterior"].flagged] = 0
    expected[DECIDED.index] = DECIDED.is_wrong
    assert getattr(after.wrong_labels, end) == pytest.approx(expected.sum())
    assert (after.error_probability[UNDECIDED] == before.error_probability[UNDECIDED]).all()
    flagged, flagged_before = (one.by_name["noise-posterior"].flagged for one in (after, before))
    assert (flagged[UNDECIDED] == flagged_before[UNDECIDED]).all()
