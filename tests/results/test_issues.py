import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from refusals import refuses
from tiny_run import a_dataset, a_status, an_evidence, detections_of

from labelscan.arrays import as_strings
from labelscan.detection.protocol import Detection, Detections
from labelscan.errors import RunFolderError
from labelscan.results.issues import ISSUE_COLUMNS, SCORE_COLUMNS, Issues, rank_issues, status_is

HEADER = (
    "rank,example_id,path,given_label,suggested_label,label_quality,error_probability,self_confidence,"
    "suggested_confidence,normalized_margin,train_margin,flagged_by,fold"
)


def the_issues(**options: object) -> Issues:
    dataset = a_dataset(**options)
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
    assert tuple(the_issues(true_labels=False).scores.columns) == SCORE_COLUMNS


def test_flagged_examples_come_first_then_the_most_likely_wrong_and_those_without_a_score_have_no_rank() -> None:
    scores = the_issues().scores
    # 3 and 7 are flagged. Of the rest, 8 is the most likely wrong, and equal ones are in the order of their ids.
    assert [int(name[:2]) for name in scores["example_id"]] == [3, 7, 8, 0, 1, 2, 4, 5, 6, 9, 10, 11]
    assert list(the_issues().flagged["example_id"]) == ["03.png", "07.png"]
    assert list(scores["rank"][:10]) == list(range(1, 11))
    assert scores["rank"][10:].isna().all()


def test_a_row_says_what_the_evidence_says() -> None:
    row = the_issues().scores.set_index("example_id").loc["03.png"]
    labels = row[["path", "given_label", "suggested_label", "true_label"]]
    assert labels.tolist() == ["pets/03.png", "cat", "dog", "dog"]
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
    evidence, order = an_evidence(a_dataset()), np.random.default_rng(0).permutation(10)
    turned = rank_issues(a_dataset(), evidence[order], rows_of(detections_of(evidence), order), a_status())
    pd.testing.assert_frame_equal(turned.scores, the_issues().scores)


def test_ids_decide_on_ties_also_where_the_data_set_is_not_in_their_order() -> None:
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    ids = as_strings([f"{11 - row:02}" for row in range(12)])
    renamed = replace(dataset, example_ids=ids), replace(evidence, example_ids=ids[:10])
    scores = rank_issues(*renamed, detections_of(evidence), a_status()).scores
    assert list(scores["example_id"][3:]) == ["02", "05", "06", "07", "09", "10", "11", "00", "01"]


def test_a_status_is_known_by_how_it_begins() -> None:
    assert list(status_is(a_status(), "unscored")) == [False] * 10 + [True, False]
    assert status_is(a_status(), "scored").sum() == 10


def test_probabilities_that_rounding_puts_above_one_are_shown_as_one() -> None:
    evidence, probs = an_evidence(a_dataset()), np.tile(np.float32([0, 1.009, 0]), (10, 1))
    above = replace(evidence, pred_probs=probs)
    scores = rank_issues(a_dataset(), above, detections_of(evidence), a_status()).scores
    for name in ("self_confidence", "suggested_confidence", "normalized_margin"):
        assert scores[name].dropna().between(0, 1).all(), name


def test_issues_csv_holds_what_is_flagged(tmp_path: Path) -> None:
    the_issues().write(tmp_path)
    assert (tmp_path / "issues.csv").read_bytes().decode() == (
        f"{HEADER}\n"
        "1,03.png,pets/03.png,cat,dog,0.0625,0.75,0.0625,0.875,0.09375,3,confident-learning,1\n"
        "2,07.png,pets/07.png,dog,fox,0.125,0.875,0.125,0.75,0.1875,7,confident-learning|noise-posterior,1\n"
    )


def test_scores_csv_holds_every_example(tmp_path: Path) -> None:
    the_issues().write(tmp_path)
    lines = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"{HEADER},flagged,status,true_label"
    assert len(lines) == 13
    assert lines[4] == "4,00.png,pets/00.png,cat,dog,0.75,0.0625,0.75,0.125,0.8125,,,0,false,scored,cat"
    assert lines[12] == ",11.png,pets/11.png,fox,,,,,,,,,,false,unreadable: truncated,fox"


def test_numbers_have_6_significant_digits(tmp_path: Path) -> None:
    issues = the_issues()
    issues.scores["error_probability"] = 1 / 3
    issues.scores["train_margin"] = 1.23456789e-7
    issues.write(tmp_path)
    row = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()[1].split(",")
    assert {"0.333333", "1.23457e-07"} <= set(row)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=12))
@example(["=1+1", "NA", "01", "a,b", 'say "a"', "two\nlines", "a\rb", " space ", "ü", "nan", "1e3", "true"])
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("run")
    issues = the_issues()
    for name in ("example_id", "given_label"):
        issues.scores[name] = pd.Series(texts[:12], dtype=object)
    issues.write(folder)
    read = Issues.read(folder / "scores.csv").scores
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("example_id", "given_label"):
        assert [row[name] for row in rows] == read[name].tolist() == texts[:12]


@pytest.mark.parametrize("true_labels", [True, False])
def test_scores_that_are_read_are_those_written(tmp_path: Path, true_labels: bool) -> None:
    issues = the_issues(true_labels=true_labels)
    issues.write(tmp_path)
    read = Issues.read(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(read.scores, issues.scores)
    pd.testing.assert_frame_equal(read.flagged, issues.flagged)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scores.csv").write_bytes(content)
    with refuses(RunFolderError, "damaged", "scores.csv"):
        Issues.read(tmp_path / "scores.csv")


def test_nothing_flagged_is_a_table_without_rows(tmp_path: Path) -> None:
    evidence = an_evidence(a_dataset())
    detections = detections_of(evidence)
    lead = replace(detections.lead, flagged=np.zeros(10, dtype=bool))
    quiet = replace(detections, by_name={**detections.by_name, "confident-learning": lead})
    rank_issues(a_dataset(), evidence, quiet, a_status()).write(tmp_path)
    assert (tmp_path / "issues.csv").read_text(encoding="utf-8") == f"{HEADER}\n"
