"""What decisions settle: which labels are known, and which decisions say nothing about them."""

import json

import pandas as pd
import pytest
from refusals import refuses

from labelscan.correction.decisions import Decision, write_decisions
from labelscan.correction.review import Review, read_review, settle
from labelscan.errors import DecisionsError

GIVEN = {"a": "cat", "b": "dog", "c": "cat", "d": "dog", "e": "cat"}


def decision(example_id, verdict, new_label="", given_label=None):
    return Decision(example_id=example_id, verdict=verdict, new_label=new_label, given_label=given_label)


@pytest.mark.parametrize(
    ("made", "is_wrong"),
    [
        (
            [decision("a", "keep"), decision("b", "relabel", "cat"), decision("c", "drop"), decision("d", "unsure")],
            {"a": False, "b": True, "c": True},
        ),
        ([decision("a", "relabel", "cat", given_label="cat")], {"a": False}),  # the label that is there
        ([decision("a", "relabel", "cat"), decision("b", "relabel", "cat")], {"a": False, "b": True}),  # every class
        ([decision("a", "keep"), decision("a", "drop")], {"a": True}),  # the last counts
        ([], {}),
    ],
)
def test_keep_is_right_relabel_and_drop_are_wrong_and_unsure_says_nothing(made, is_wrong):
    settled = settle(read_review(iter(made)), GIVEN, GIVEN)
    assert settled.is_wrong == is_wrong
    assert not settled.are_corrected
    assert settled.notes == ()


@pytest.mark.parametrize(
    ("made", "is_wrong"),
    [
        (decision("a", "relabel", "cat", given_label="dog"), {"a": False}),  # as apply has it
        (decision("a", "relabel", "cat"), {"a": False}),  # no decision calls a label wrong that is still there
        (decision("a", "relabel", "fox", given_label="dog"), {}),
        (decision("a", "drop", given_label="dog"), {}),
        (decision("gone", "drop", given_label="dog"), {}),
    ],
    ids=["changed to it", "no label that was looked at", "changed to another", "not dropped but changed", "dropped"],
)
def test_once_wrong_labels_are_corrected_the_other_decisions_measure_nothing(made, is_wrong):
    settled = settle(Review(decisions=(decision("c", "keep", given_label="cat"), made)), GIVEN, GIVEN)
    assert settled.is_wrong == {"c": False, **is_wrong}
    assert settled.are_corrected
    assert f"1 by 2 decisions, the first is {made.example_id!r}; decisions count" in settled.notes[-1]


def test_decisions_about_other_labels_and_lost_examples_are_left_out_with_one_note():
    made = (
        decision("b", "keep", given_label="cat"),
        decision("gone", "keep"),
        decision("a", "keep", given_label="cat"),
    )
    settled = settle(Review(decisions=made, file="d.csv"), GIVEN, GIVEN)
    assert settled.is_wrong == {"a": False}
    (note,) = settled.notes
    assert note.startswith("d.csv: 2 of 3 decisions were left out")
    assert note.endswith("the first is 'b'")


def test_a_label_without_a_score_is_left_out_and_not_taken_for_corrected():
    settled = settle(Review(decisions=(decision("a", "drop"), decision("b", "keep"))), GIVEN, {"b"})
    assert settled.is_wrong == {"b": False}
    assert not settled.are_corrected
    assert "1 of 2 decisions was left out" in settled.notes[0]


def test_a_file_of_the_report_and_an_export_of_label_studio_are_read_alike(tmp_path):
    write_decisions([decision("a", "relabel", "dog", "cat")], tmp_path / "d.csv")
    task = {"example_id": "a", "given_label": "cat", "label": "dog"}
    (tmp_path / "d.json").write_text(json.dumps([task, {"example_id": "b", "given_label": "dog"}]))
    csv, exported = read_review(tmp_path / "d.csv"), read_review(str(tmp_path / "d.json"))
    assert csv.decisions == exported.decisions
    assert "1 of 2 tasks decides nothing" in settle(exported, GIVEN, GIVEN).notes[0]


def test_run_json_names_the_file_and_changes_with_what_was_decided(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_decisions([decision("a", "keep")], tmp_path / "d.csv")
    first = read_review("d.csv").counted()
    assert (first.file, first.number) == (str(tmp_path / "d.csv"), 1)
    write_decisions([decision("a", "drop")], tmp_path / "d.csv")
    assert read_review("d.csv").counted().fingerprint != first.fingerprint


def test_decisions_none_of_which_is_about_the_data_are_refused_unless_all_were_taken_out():
    with refuses(DecisionsError, "not-decisions"):
        settle(Review(decisions=(decision("007", "keep"), decision("8", "keep"))), GIVEN, GIVEN)
    moved = decision("dark/0.txt", "relabel", "light", "dark")  # to the folder of another class
    assert settle(Review(decisions=(moved, decision("8", "drop"))), GIVEN, GIVEN).are_corrected


def test_a_file_that_a_spreadsheet_saved_half_way_through_a_review_is_read(tmp_path):
    rows = 'Example_ID;Decision ;New_Label;"why, who, when, how"\n1,5;keep;\n2;;\n;;\n3;relabel;cat\n'
    (tmp_path / "d.csv").write_text(rows, encoding="utf-8-sig")
    made = read_review(tmp_path / "d.csv").decisions
    assert [(one.example_id, one.verdict, one.new_label) for one in made] == [
        ("1,5", "keep", ""),
        ("3", "relabel", "cat"),
    ]


@pytest.mark.parametrize(("verdict", "code"), [("wrong", "not-a-decision"), ("relabel", "no-new-label")])
def test_a_decision_in_memory_is_checked_as_it_is_made(verdict, code):
    with refuses(DecisionsError, code, "'a'"):
        Decision(example_id="a", verdict=verdict)


def test_the_rows_of_a_frame_are_ids_as_text():
    made = Decision(example_id=7, verdict="relabel", new_label=3, given_label=4)
    assert (made.example_id, made.new_label, made.given_label) == ("7", "3", "4")
    unknown = Decision(example_id=7, verdict="keep", new_label=float("nan"), given_label=float("nan"))
    assert (unknown.new_label, unknown.given_label) == ("", None)
    with refuses(DecisionsError, "wrong-type"):
        read_review(pd.DataFrame({"example_id": ["a"]}))
