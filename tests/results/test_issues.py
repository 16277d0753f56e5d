from dataclasses import replace

import numpy as np
import pandas as pd
from tiny_run import a_dataset, a_status, an_evidence, detections_of

from labelscan.arrays import as_strings
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detection, Detections
from labelscan.results.issues import ISSUE_COLUMNS, SCORE_COLUMNS, Issues, rank_issues, status_is


def the_issues() -> Issues:
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    return rank_issues(dataset, evidence, detections_of(evidence), a_status())


def rows_of(detections: Detections, order: np.ndarray) -> Detections:
    by_name = {
        name: Detection(label_quality=one.label_quality[order], flagged=one.flagged[order])
        for name, one in detections.by_name.items()
    }
    return replace(detections, by_name=by_name, error_probability=detections.error_probability[order])


def test_columns_have_their_names_and_order() -> None:
    issues = the_issues()
    assert tuple(issues.scores.columns) == (*SCORE_COLUMNS, "true_label")
    assert tuple(issues.flagged.columns) == ISSUE_COLUMNS
    dataset = a_dataset(true_labels=False)
    evidence = an_evidence(dataset)
    unknown = rank_issues(dataset, evidence, detections_of(evidence), a_status())
    assert tuple(unknown.scores.columns) == SCORE_COLUMNS


def test_flagged_examples_come_first_then_the_most_likely_wrong() -> None:
    scores = the_issues().scores
    # 3 and 7 are flagged. Of the rest, 8 is the most likely wrong, and equal ones are in the order of their ids.
    assert [name[:2] for name in scores["example_id"]] == [
        *["03", "07", "08"],
        *["00", "01", "02", "04", "05", "06", "09"],
        *["10", "11"],
    ]
    assert list(the_issues().flagged["example_id"]) == ["03.png", "07.png"]


def test_ranks_count_the_scored_examples_and_are_missing_for_the_others() -> None:
    ranks = the_issues().scores["rank"]
    assert list(ranks[:10]) == list(range(1, 11))
    assert ranks[10:].isna().all()


def test_a_row_says_what_the_evidence_says() -> None:
    row = the_issues().scores.set_index("example_id").loc["03.png"]
    assert row[["path", "given_label", "suggested_label", "true_label"]].tolist() == [
        *["pets/03.png", "cat", "dog", "dog"],
    ]
    assert row["self_confidence"] == row["label_quality"] == 0.0625
    assert row["suggested_confidence"] == 0.875
    assert row["normalized_margin"] == (0.0625 - 0.875 + 1) / 2
    assert (row["error_probability"], row["train_margin"], row["fold"]) == (0.75, 3.0, "1")


def test_the_suggested_label_is_another_even_where_the_given_one_is_the_most_probable() -> None:
    scores = the_issues().scores
    scored = scores["status"] == "scored"
    assert (scores["suggested_label"] != scores["given_label"])[scored].all()


def test_flagged_by_names_every_detector_that_flags() -> None:
    by_id = the_issues().scores.set_index("example_id")["flagged_by"]
    assert by_id["03.png"] == "confident-learning"
    assert by_id["07.png"] == "confident-learning|noise-posterior"
    assert by_id["08.png"] == "noise-posterior"
    assert by_id["00.png"] == ""


def test_examples_without_a_score_keep_their_row_and_their_reason() -> None:
    last = the_issues().scores.iloc[10:]
    assert list(last["status"]) == ["unscored: only member of its group", "unreadable: truncated"]
    assert last["label_quality"].isna().all()
    assert (last["suggested_label"] == "").all()
    assert not last["flagged"].any()
    assert list(last["given_label"]) == ["fox", "fox"]


def test_equal_qualities_are_ranked_by_error_probability() -> None:
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    detections = detections_of(evidence)
    detections.error_probability[5] = 0.5
    scores = rank_issues(dataset, evidence, detections, a_status()).scores
    assert list(scores["example_id"][2:5]) == ["08.png", "05.png", "00.png"]


def test_the_order_of_rows_changes_nothing() -> None:
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    order = np.random.default_rng(0).permutation(10)
    shuffled: Evidence = evidence[order]
    turned = rank_issues(dataset, shuffled, rows_of(detections_of(evidence), order), a_status())
    pd.testing.assert_frame_equal(turned.scores, the_issues().scores)


def test_ids_decide_on_ties_also_where_the_data_set_is_not_in_their_order() -> None:
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    ids = as_strings([f"{11 - row:02}" for row in range(12)])
    turned = replace(dataset, example_ids=ids)
    renamed = replace(evidence, example_ids=ids[:10])
    scores = rank_issues(turned, renamed, detections_of(evidence), a_status()).scores
    assert list(scores["example_id"][3:]) == ["02", "05", "06", "07", "09", "10", "11", "00", "01"]


def test_a_status_is_known_by_how_it_begins() -> None:
    assert list(status_is(a_status(), "unscored")) == [False] * 10 + [True, False]
    assert status_is(a_status(), "scored").sum() == 10


def test_probabilities_that_rounding_puts_above_one_are_shown_as_one() -> None:
    dataset = a_dataset()
    probs = np.full((10, 3), 0.0, dtype=np.float32)
    probs[:, 1] = 1.009
    scores = rank_issues(
        dataset, replace(an_evidence(dataset), pred_probs=probs), detections_of(an_evidence(dataset)), a_status()
    ).scores
    for name in ("self_confidence", "suggested_confidence", "normalized_margin"):
        assert scores[name].dropna().between(0, 1).all(), name
