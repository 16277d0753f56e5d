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


def test_keep_is_right_relabel_and_drop_are_wrong_and_unsure_says_nothing():
    made = (decision("a", "keep"), decision("b", "relabel", "cat"), decision("c", "drop"), decision("d", "unsure"))
    settled = settle(Review(decisions=made), GIVEN, GIVEN)
    assert settled.is_wrong == {"a": False, "b": True, "c": True}
    assert settled.notes == ()


def test_to_relabel_as_the_label_that_is_there_keeps_it():
    settled = settle(Review(decisions=(decision("a", "relabel", "cat", given_label="cat"),)), GIVEN, GIVEN)
    assert settled.is_wrong == {"a": False}
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


def test_of_several_decisions_in_memory_the_last_counts():
    review = read_review([decision("a", "keep"), decision("a", "drop")])
    assert settle(review, GIVEN, GIVEN).is_wrong == {"a": True}


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


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "d.csv").write_text("example_id,decision,new_label\na,perhaps,\n")
    with refuses(DecisionsError, "not-a-decision"):
        read_review(tmp_path / "d.csv")


def test_decisions_none_of_which_is_about_the_data_are_refused_unless_all_were_taken_out():
    with refuses(DecisionsError, "not-decisions"):
        settle(Review(decisions=(decision("007", "keep"), decision("8", "keep"))), GIVEN, GIVEN)
    assert settle(Review(decisions=(decision("8", "drop"),)), GIVEN, GIVEN).are_corrected
    assert not settle(Review(decisions=()), GIVEN, GIVEN).is_wrong


def test_a_file_that_a_spreadsheet_saved_half_way_through_a_review_is_read(tmp_path):
    rows = "Example_ID;Decision ;New_Label\n1,5;keep;\n2;;\n;;\n3;relabel;cat\n"
    (tmp_path / "d.csv").write_text(rows, encoding="utf-8-sig")
    made = read_review(tmp_path / "d.csv").decisions
    assert [(one.example_id, one.verdict, one.new_label) for one in made] == [
        ("1,5", "keep", ""),
        ("3", "relabel", "cat"),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"verdict": "wrong"}, "'wrong' is no verdict"),
        ({"verdict": "relabel"}, "relabel without a new_label"),
    ],
)
def test_a_decision_in_memory_is_checked_as_it_is_made(options, said):
    with pytest.raises(DecisionsError, match=said):
        Decision(example_id="a", **options)


def test_the_rows_of_a_frame_are_ids_as_text():
    made = Decision(example_id=7, verdict="relabel", new_label=3, given_label=4)
    assert (made.example_id, made.new_label, made.given_label) == ("7", "3", "4")
    unknown = Decision(example_id=7, verdict="keep", new_label=float("nan"), given_label=float("nan"))
    assert (unknown.new_label, unknown.given_label) == ("", None)
    with refuses(DecisionsError, "wrong-type"):
        read_review(pd.DataFrame({"example_id": ["a"]}))


def test_whoever_names_the_class_of_every_label_has_corrected_none():
    made = (decision("a", "relabel", "cat"), decision("b", "relabel", "cat"))
    settled = settle(Review(decisions=made), GIVEN, GIVEN)
    assert settled.is_wrong == {"a": False, "b": True}
    assert not settled.are_corrected


def test_labels_that_were_corrected_by_moving_files_are_gone_and_no_error():
    moved = decision("dark/0.txt", "relabel", "light", "dark")
    assert settle(Review(decisions=(moved,)), {"light/0.txt": "light"}, {"light/0.txt"}).are_corrected


def test_decisions_may_come_one_by_one():
    assert len(read_review(decision(name, "keep") for name in "abc").decisions) == 3


def test_columns_of_the_user_do_not_hide_what_separates(tmp_path):
    (tmp_path / "d.csv").write_text('example_id,decision,new_label,"why; who; when; how"\na,keep,,\n')
    assert len(read_review(tmp_path / "d.csv").decisions) == 1
