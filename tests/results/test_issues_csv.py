import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses
from tiny_run import CLASSES, a_dataset, a_status, an_evidence, detections_of

from labelscan.arrays import as_strings
from labelscan.errors import RunFolderError
from labelscan.results.issues import Issues, rank_issues

HEADER = (
    "rank,example_id,path,given_label,suggested_label,label_quality,error_probability,self_confidence,"
    "suggested_confidence,normalized_margin,train_margin,flagged_by,fold"
)


def the_issues(**options: object) -> Issues:
    dataset = a_dataset(**options)
    evidence = an_evidence(dataset)
    return rank_issues(dataset, evidence, detections_of(evidence), a_status())


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
    assert ",0.333333," in (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()[1]
    assert ",1.23457e-07," in (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()[1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=12))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("run")
    issues = the_issues()
    issues.scores["example_id"] = pd.Series(texts[:12], dtype=object)
    issues.write(folder)
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert [row["example_id"] for row in csv.DictReader(file)] == texts[:12]
    assert Issues.read(folder / "scores.csv").scores["example_id"].tolist() == texts[:12]


@pytest.mark.parametrize("label", ["=1+1", "NA", "01", "a,b", 'say "a"', "two\nlines", "a\rb", " space ", "ü"])
def test_labels_are_never_altered(tmp_path: Path, label: str) -> None:
    names = (label, *CLASSES[1:])
    the_issues(names=names).write(tmp_path)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert {row["given_label"] for row in csv.DictReader(file)} == set(names)


def test_the_same_issues_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        the_issues().write(tmp_path / folder)
    for name in ("issues.csv", "scores.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


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
    dataset = a_dataset()
    evidence = an_evidence(dataset)
    detections = detections_of(evidence)
    lead = replace(detections.lead, flagged=np.zeros(10, dtype=bool))
    quiet = replace(detections, by_name={**detections.by_name, "confident-learning": lead})
    rank_issues(dataset, evidence, quiet, as_strings(list(a_status()))).write(tmp_path)
    assert (tmp_path / "issues.csv").read_text(encoding="utf-8") == f"{HEADER}\n"
