"""The file of labels that were reviewed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from labelscan.errors import GateError
from labelscan.gating.baseline import read_baseline, read_to_update, update_baseline

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)
HEADER = "example_id,given_label\n"


@given(st.sets(st.tuples(TEXT, TEXT), max_size=5))
def test_a_baseline_is_read_back_as_written_and_sorted(tmp_path_factory, suspects):
    path = tmp_path_factory.mktemp("baseline") / "known.csv"
    update = update_baseline(read_to_update(path), frozenset(suspects), {})
    assert (update.n_rows, len(update.added), update.removed) == (len(suspects), len(suspects), ())
    assert read_baseline(path).rows.keys() == suspects
    again = path.read_bytes()
    given_labels = dict(suspects)
    kept = {one for one in suspects if given_labels[one[0]] == one[1]}
    update = update_baseline(read_to_update(path), frozenset(kept), given_labels)
    assert set(update.removed) == suspects - kept
    assert suspects != kept or path.read_bytes() == again


def test_reviewed_labels_stay_while_they_are_in_the_data(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text(HEADER + "gone,cat\nkept,cat\nrelabelled,cat\n")
    labels = {"kept": "cat", "relabelled": "dog", "new": "dog"}
    baseline = read_to_update(path)
    assert baseline.stale(labels) == ((("gone", "cat"),), (("relabelled", "cat"),))
    update = update_baseline(baseline, frozenset([("new", "dog")]), labels)
    assert update.added == (("new", "dog"),)
    assert update.removed == (("relabelled", "cat"),)
    assert update.unknown == (("gone", "cat"),)
    assert path.read_text() == HEADER + "gone,cat\nkept,cat\nnew,dog\n"


def test_two_runs_may_share_a_baseline(tmp_path):
    path = tmp_path / "known.csv"
    train, test = {"train/1": "cat", "train/2": "dog"}, {"test/1": "cat"}
    for labels in (train, test, train):
        update = update_baseline(read_to_update(path), frozenset(labels.items()), labels)
    assert (update.added, update.removed) == ((), ())
    assert update.unknown == (("test/1", "cat"),)
    assert path.read_text() == HEADER + "test/1,cat\ntrain/1,cat\ntrain/2,dog\n"


def test_a_users_own_columns_stay(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text('note,example_id,"by, whom",given_label\n"a ""cat"", yes",b,Ann,cat\n,a,,cat\nold,c,Ann,cat\n')
    update_baseline(read_to_update(path), frozenset([("d", "dog")]), dict.fromkeys("abcd", "cat") | {"c": "dog"})
    assert path.read_text() == 'note,example_id,"by, whom",given_label\n,a,,cat\n"a ""cat"", yes",b,Ann,cat\n,d,,dog\n'


def test_a_file_that_a_spreadsheet_has_saved_is_read(tmp_path):
    path = tmp_path / "known.csv"
    path.write_bytes(b'\xef\xbb\xbfnote,given_label,example_id\r\nfine,"a ""cat""\nor so",x\r\n')
    assert read_baseline(path).rows == {("x", 'a "cat"\nor so'): {"note": "fine"}}
    path.write_bytes(b"\xef\xbb\xbfexample_id;given_label\r\n1,5;cat\r\n")
    assert read_baseline(path).rows.keys() == {("1,5", "cat")}


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        ("", "no-column", ""),
        ("example_id\nx\n", "no-column", ""),
        (HEADER + "a,cat\n,cat\n", "empty-cell", "known.csv row 3"),
        (HEADER + "a,\n" * 30, "empty-cell", "known.csv row 2"),
        (HEADER + "a\n", "empty-cell", "known.csv row 2"),
        (HEADER + 'a,"cat\n', "unreadable", ""),
        (HEADER + "a,sch\xf6n\n", "unreadable", ""),
        ("example_id,decision,new_label\na,keep,\n", "no-given-label", ""),
    ],
)
def test_an_incomplete_file_is_refused(tmp_path, content, code, where):
    (tmp_path / "known.csv").write_text(content, encoding="cp1252")
    for read in (read_baseline, read_to_update):
        with refuses(GateError, code, where) as caught:
            read(tmp_path / "known.csv")
        assert len(caught.value.problems) == (21 if content.count("\n") > 30 else 1), "many are reported at once"


def test_decisions_to_keep_a_label_count(tmp_path):
    path = tmp_path / "decisions.csv"
    rows = ["a,keep,,,cat", "b,relabel,dog,,cat", "c,drop,,,cat", "d,unsure,,,cat", "'=e,keep,,,'-1"]
    path.write_text("\n".join(["example_id,decision,new_label,time,given_label", *rows]))
    assert read_baseline(path).rows.keys() == {("a", "cat"), ("=e", "-1")}
    with refuses(GateError, "holds-decisions"):
        read_to_update(path)
