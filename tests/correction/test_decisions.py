"""The file of review decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from labelscan.correction.decisions import Decision, bare, check_decisions, guarded, read_decisions, write_decisions
from labelscan.errors import DecisionsError

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
LABELS = {"a.png": "cat", "b.png": "dog"}


@given(TEXT)
def test_what_a_spreadsheet_would_run_is_guarded_and_read_back(cell):
    assert bare(guarded(cell)) == cell
    assert guarded(cell)[0] not in "=+-@\t\r"


@given(ids=st.lists(TEXT, unique=True, max_size=4), label=TEXT.filter(str.strip))
def test_decisions_written_are_read_back(ids, label, tmp_path_factory):
    path = tmp_path_factory.mktemp("decisions") / "decisions.csv"
    verdicts = ("keep", "relabel", "drop", "unsure")
    written = [
        Decision(
            example_id=one,
            verdict=verdict,
            new_label=label if verdict == "relabel" else "",
            time="2026-01-02T03:04:05Z",
            given_label=label,
        )
        for one, verdict in zip(ids, verdicts, strict=False)
    ]
    write_decisions(written, path)
    assert read_decisions(path) == written


def test_columns_are_read_by_name_and_the_last_decision_counts(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("note,decision,example_id,new_label\n?, Keep ,a.png,\n!,relabel,a.png,dog\n")
    assert read_decisions(path) == [Decision(example_id="a.png", verdict="relabel", new_label="dog")]


def test_every_row_that_says_nothing_is_reported(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("example_id,decision,new_label\na.png,kepe,\n,keep,\nb.png,relabel, \n")
    with pytest.raises(DecisionsError) as caught:
        read_decisions(path)
    assert [problem.where for problem in caught.value.problems] == [f"mine.csv row {row}" for row in (2, 3, 4)]


@pytest.mark.parametrize("content", [b"example_id,new_label\n", b"", b"\xff\xfe", b'example_id,decision,new_label\n"a'])
def test_what_is_no_file_of_decisions_is_refused(content, tmp_path):
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(DecisionsError):
        read_decisions(tmp_path / "mine.csv")


def test_decisions_about_other_examples_or_labels_are_refused():
    fine = [
        Decision(example_id="a.png", verdict="keep", given_label="cat"),
        Decision(example_id="b.png", verdict="drop"),
        Decision(example_id="a.png", verdict="relabel", new_label="cat", given_label="dog"),  # corrected already
    ]
    check_decisions(fine, LABELS, where="mine.csv")
    for unknown in (
        Decision(example_id="c.png", verdict="keep"),
        Decision(example_id="a.png", verdict="keep", given_label="dog"),
    ):
        code = "unknown-example" if unknown.given_label is None else "other-label"
        with refuses(DecisionsError, code, "mine.csv"):
            check_decisions([*fine, unknown], LABELS, where="mine.csv")
