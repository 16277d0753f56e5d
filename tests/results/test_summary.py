import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from refusals import refuses
from tiny_run import a_dataset, a_status, an_evidence, detections_of

from labelscan.errors import RunFolderError
from labelscan.results.health import DataChecks
from labelscan.results.issues import rank_issues
from labelscan.results.summary import MOST_CONFLICTS, ClassHealth, ConfusedPair, Summary, summarise

CONFLICT = [("00.png", "cat"), ("01.png", "dog")]


def a_summary(
    *,
    true_labels: bool = True,
    pred_probs: np.ndarray | None = None,
    flagged: np.ndarray | None = None,
    **checks: object,
) -> Summary:
    dataset = a_dataset(true_labels=true_labels)
    evidence = an_evidence(dataset)
    if pred_probs is not None:
        evidence = replace(evidence, pred_probs=pred_probs.astype(np.float32))
    detections = detections_of(evidence)
    if flagged is not None:
        lead = replace(detections.lead, flagged=flagged)
        detections = replace(detections, by_name={**detections.by_name, "confident-learning": lead})
    issues = rank_issues(dataset, evidence, detections, a_status())
    return summarise(dataset, evidence, detections, issues, a_status(), DataChecks(**checks))


def test_counts_add_up_and_estimates_are_sums_of_error_probabilities() -> None:
    summary = a_summary()
    assert (summary.n_examples, summary.n_scored, summary.n_unscored, summary.n_unreadable) == (12, 10, 1, 1)
    assert (summary.n_classes, summary.n_flagged) == (3, 2)
    assert summary.flagged_by == {"confident-learning": 2, "noise-posterior": 2}
    assert summary.flagged_by_all == 1
    assert summary.estimated_wrong_labels == pytest.approx(7 * 0.0625 + 0.75 + 0.875 + 0.75)
    assert summary.estimated_noise_rate == pytest.approx(summary.estimated_wrong_labels / 10)
    assert summary.out_of_fold_agreement == 0.7


@pytest.mark.parametrize(
    ("low", "high", "true_labels", "may_be"),
    [(0.9, None, False, True), (1.0, None, False, False), (0.9, 2.0, False, False), (0.9, None, True, False)],
)
def test_most_flagged_labels_may_be_right_unless_something_tells_that_half_are_wrong(
    low: float, high: float | None, true_labels: bool, may_be: bool
) -> None:
    summary = a_summary(true_labels=true_labels)
    wrong = replace(summary.wrong_labels, low=low, high=high)
    assert replace(summary, wrong_labels=wrong).list_may_be_right is may_be
    assert summary.n_flagged == 2


def test_each_class_has_its_health_and_confused_pairs_count_what_is_flagged() -> None:
    assert a_summary().class_health[2] == ClassHealth(
        class_name="fox",
        n_examples=4,
        n_scored=2,
        n_flagged=0,
        flagged_rate=0.0,
        estimated_wrong_labels=0.8125,
        out_of_fold_agreement=0.5,
    )
    assert [health.n_flagged for health in a_summary().class_health] == [1, 1, 0]
    assert a_summary().confused_pairs == (
        ConfusedPair(given_label="cat", suggested_label="dog", count=1),
        ConfusedPair(given_label="dog", suggested_label="fox", count=1),
    )


def test_true_labels_tell_how_well_each_detector_did() -> None:
    truth = a_summary().against_truth
    assert truth is not None
    assert (truth.n_label_errors, truth.noise_rate, truth.out_of_fold_accuracy) == (2, 0.2, 0.9)
    assert (truth.quality["confident-learning"].f1, truth.quality["noise-posterior"].f1) == (1.0, 0.5)
    assert a_summary(true_labels=False).against_truth is None


def test_nothing_that_needs_a_look_goes_unsaid() -> None:
    warnings = a_summary(
        warnings=["from the run"],
        label_conflicts=[CONFLICT],
    ).warnings
    assert warnings == (
        "from the run",
        "1 group of copies with different labels, such as '00.png' (cat) and '01.png' (dog)",
        "a note",
    )


def test_what_is_extreme_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = a_summary(pred_probs=np.full((10, 3), 1 / 3))
    assert summary.learned_nothing
    assert "every class has the same probability" in summary.warnings[0]
    assert "learned nothing" in summary.warnings[1]
    assert not a_summary().learned_nothing
    assert any("40% of the labels" in line for line in a_summary(flagged=np.arange(10) < 4).warnings)
    assert not any("of the labels are flagged" in line for line in a_summary(flagged=np.arange(10) < 3).warnings)

    monkeypatch.setattr("labelscan.results.health.EXTREME_IMBALANCE", 1)
    assert any("rare classes" in line for line in a_summary().warnings)


def test_summary_json_is_what_programs_read(tmp_path: Path) -> None:
    summary = a_summary(label_conflicts=[CONFLICT])
    summary.write(tmp_path)
    assert Summary.read(tmp_path).to_json() == summary.to_json()
    content = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert content["format_version"] == 2
    assert list(content)[1:7] == ["data", "n_examples", "n_scored", "n_unscored", "n_unreadable", "n_classes"]
    assert content["label_conflicts"] == [[{"example_id": one, "given_label": label} for one, label in CONFLICT]]
    assert content["noise_matrix"] == np.eye(3).tolist()
    assert content["against_truth"]["quality"]["confident-learning"]["auroc"] == 0.96875


def test_with_very_many_classes_the_matrix_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelscan.results.summary.MOST_CLASSES_IN_MATRIX", 2)
    assert a_summary().noise_matrix is None


def test_only_the_first_label_conflicts_are_listed() -> None:
    summary = a_summary(label_conflicts=[CONFLICT] * (MOST_CONFLICTS + 1))
    assert (summary.n_label_conflicts, len(summary.label_conflicts)) == (MOST_CONFLICTS + 1, MOST_CONFLICTS)


def test_what_a_later_version_says_besides_is_left_out_and_what_is_damaged_is_named(tmp_path: Path) -> None:
    content = a_summary().to_json()
    (tmp_path / "summary.json").write_text(json.dumps({**content, "of_a_later_version": 1}))
    assert Summary.read(tmp_path).to_json() == content
    content["class_health"][1]["n_flagged"] = "many"
    (tmp_path / "summary.json").write_text(json.dumps(content))
    with refuses(RunFolderError, "damaged", "summary.json"):
        Summary.read(tmp_path)
