"""Corrected copies of csv and tsv files, byte by byte."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.correction.label_lists import delimited
from labelscan.correction.label_lists.rows import RowEdits

CELL = st.text(st.sampled_from('ab,\t"\r\n é '), max_size=5)


def edits(labels, *, new=None, dropped=(), ids=None):
    """Return what becomes of rows whose label column is called label."""
    new = new or {}
    return RowEdits(
        label_column="label",
        path_column="",
        dropped=[row in dropped for row in range(len(labels))],
        new_labels=[new.get(row, "") for row in range(len(labels))],
        new_paths=[""] * len(labels),
        old_labels=labels,
        new_ids=ids,
    )


def copied(folder, content, changes, name="a.csv"):
    (folder / name).write_bytes(content)
    delimited.write(folder / name, changes, folder / f"copy-{name}")
    return (folder / f"copy-{name}").read_bytes()


NASTY = b'\xef\xbb\xbfnote,label,n\r\n"a, ""b""\r\nc",NA,01\r\n\r\nplain , "odd,01\n"x","quoted", \r,last,'


LABELS = ["NA", ' "odd', "quoted", "last"]
CHANGED = (
    NASTY.replace(b",NA,", b",01,")
    .replace(b', "odd,', b',"a ""b""",')
    .replace(b'"quoted"', b'"cat"')
    .replace(b",last,", b',"x,y",')
)


@pytest.mark.parametrize(
    ("name", "content", "changes", "expected"),
    [
        ("a.csv", NASTY, edits(LABELS), NASTY),
        ("a.csv", NASTY, edits(LABELS, new={0: "01", 1: 'a "b"', 2: "cat", 3: "x,y"}), CHANGED),
        (
            "a.csv",
            NASTY,
            edits(LABELS, dropped=(0, 2), ids=["p", "q,", "r", "s"]),
            b'\xef\xbb\xbfnote,label,n,example_id\r\n\r\nplain , "odd,01,"q,"\n,last,,s',
        ),
        ("a.tsv", b"label\tx\na\t1\nb\t2", edits(["a", "b"], new={1: "c\td"}), b'label\tx\na\t1\n"c\td"\t2'),
        (
            "a.csv",
            b"label;x\na;1,5\nb;2\n",
            edits(["a", "b"], new={1: "c;d"}, ids=["p", "q"]),
            b'label;x;example_id\na;1,5;p\n"c;d";2;q\n',
        ),
        ("a.tsv", b"label|x\na|1\n", edits(["a"], new={0: "b,c"}), b"label|x\nb,c|1\n"),
        ("a.csv", b'label,x\n"a",1\n', edits(["a"], new={0: "b"}), b'label,x\n"b",1\n'),
    ],
    ids=["no changes", "changed cells", "dropped rows and ids", "no last line end", "semicolons", "bars", "quotes"],
)
def test_all_bytes_stay_but_those_of_what_is_changed(tmp_path, name, content, changes, expected):
    assert copied(tmp_path, content, changes, name) == expected


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=4),
    new=st.dictionaries(st.integers(0, 3), CELL.filter(bool)),
    dropped=st.sets(st.integers(0, 3)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_is_read_from_the_copy_is_what_was_meant(tmp_path_factory, rows, new, dropped, quoting):
    folder = tmp_path_factory.mktemp("sheet")
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=quoting)
        writer.writerow(["x", "label", "y"])
        writer.writerows(rows)
    content = (folder / "a.csv").read_bytes()
    made = copied(folder, content, edits([row[1] for row in rows], new=new, dropped=dropped))
    with (folder / "copy-a.csv").open(encoding="utf-8", newline="") as file:
        there = list(csv.reader(file, strict=True))
    meant = [[x, new.get(row, label), y] for row, (x, label, y) in enumerate(rows) if row not in dropped]
    assert there == [["x", "label", "y"], *meant]
    assert dropped or new or made == content
