"""What sheets are refused for: the code and the place of each problem."""

import json

import pytest

from data.reading import hint, load, refused, write

LIST = "path,label\na.png,cat\nb.png,dog\nsub/c.png,cat\n"
BOX = "path,label,{}\na.png,cat{}\n"
WIDE = "pixel_1,pixel_2,id,age,label\n1,2,a,30,a\n3,1,b,20,b\n5,6,c,40,a\n"
REVIEWS = "text,label\na fine film,good\nwhat a dull evening,bad\nnever again,good\n"
GERMAN = "text,label\nein schöner Film,good\nkein guter,bad\n"
PATHS = '{"path": "a.png", "label": "x", "id": "a"}\n{"path": "b.png", "label": "y", "id": "caf\\udce9"}\n'
ONE_HOT = "x,cat,dog,fox\n1,1,0,0\n2,0,1,0\n3,0,0,1\n"


def of_lines(*rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


CELLS = [
    ("t.csv", "x,label\n1,a\ninf,b\n,a\n", "not-typed", "t.csv row 3"),
    ("t.csv", "x,label\n1,a\n1e300,b\n", "not-typed", "t.csv row 3"),
    ("t.csv", 'x,label\n1,a\n2,b\n"3,5",a\n4,b\n', "not-typed", "t.csv row 4"),
    ("t.csv", "day,label\n2020-01-01,a\n2020-01-02,b\nsoon,a\n", "not-typed", "t.csv row 4"),
    ("t.csv", 'c,x,label\n"two\nlines",1,a\n\nv,w,b\nv,3,a\n', "not-typed", "t.csv line 5"),
    ("t.csv", "x;weight;label\n0;1,062;a\n1;1,004;b\n2;1,330;a\n3;9,104;b\n", "not-typed", "t.csv row 2"),
    (
        "t.jsonl",
        of_lines(*({"x": n, "m": {"a": 1}, "label": n % 2} for n in range(4))),
        "not-typed",
        "t.jsonl row 1",
    ),
    ("t.jsonl", of_lines(*({"x": n, "more": ["u"], "label": n % 2} for n in range(4))), "not-typed", "t.jsonl row 1"),
    ("t.csv", 'path,label,note\na.png,cat,"two\nlines"\n\nb.png,,x\n', "empty-cell", "t.csv line 5"),
    ("t.csv", 'path,label,note\na.png,cat,"two\nlines"\n\nb.png\n', "broken-row", "t.csv line 5"),
    ("t.jsonl", of_lines({"path": "a.png", "label": ["cat"]}), "several-values", "t.jsonl row 1"),
    ("t.jsonl", of_lines({"path": "a.png", "label": {"name": "cat"}}), "several-values", "t.jsonl row 1"),
    ("t.csv", LIST + "1.txt,cat\n", "images-and-texts", "t.csv row 5"),
    ("t.csv", LIST + "x.png,a,b\ny.png\n", "broken-row", "t.csv row 5"),
    ("t.csv", LIST.replace(",", ";") + "a.png;cat;more\n", "broken-row", "t.csv row 5"),
    ("t.csv", LIST.replace(",", "|") + "a.png|cat|more\n", "broken-row", "t.csv row 5"),
    ("t.jsonl", PATHS, "not-utf8", "t.jsonl row 2"),
    (
        "t.jsonl",
        '{"text": "\\ud800 a film", "label": "x"}\n{"text": "a film", "label": "y"}\n',
        "not-utf8",
        "row 1",
    ),
]

FILES = [
    ("x,z\n1,2\n", {}, "no-column"),
    (WIDE, {"include": ("x*",)}, "no-column"),
    (WIDE, {"include": ("label",)}, "no-columns"),
    ("kind,prob:a,prob:b\na,0.9,0.1\nb,0.2,0.8\n", {"label_column": "kind"}, "run-not-data"),
    (LIST, {"split": "train"}, "no-splits"),
    (BOX.format("xmin,ymin,xmax,ymax", ",1,1,1,1"), {}, "not-judged"),
    (BOX.format("segmentation", ",1"), {}, "not-judged"),
    (REVIEWS, {"text_column": ("txt",)}, "no-column"),
    (REVIEWS.replace("text,label", "text,p"), {}, "no-column"),
    ("sentence,comment,label\na b,c d,x\ne f,g h,y\ni j,k l,x\n", {}, "which-column"),
    (GERMAN, {"encoding": "cp1252"}, "wrong-encoding"),
    (GERMAN, {"encoding": "latin-1"}, "wrong-encoding"),
    (GERMAN, {"encoding": "gb18030"}, "wrong-encoding"),
    (GERMAN.encode("cp1252"), {"encoding": "ascii"}, "wrong-encoding"),
]


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "sub/c.png", "1.txt"):
        write(tmp_path, "not decoded here", name)
    return tmp_path


@pytest.mark.parametrize(("name", "content", "code", "where"), CELLS)
def test_a_cell_or_row_is_refused_at_its_place(folder, name, content, code, where):
    (found, place), *_ = refused(write(folder, content, name))
    assert found == code
    assert place.endswith(where)


def test_columns_of_0_and_1_are_named_where_no_label_is_found(folder):
    assert "idxmax" in hint(write(folder, ONE_HOT, "t.csv"))


@pytest.mark.parametrize(("content", "config", "code"), FILES)
def test_a_sheet_as_a_whole_is_refused(folder, content, config, code):
    ((found, place),) = refused(write(folder, content, "my sheet.csv"), **config)
    assert (found, place.partition(" row")[0]) == (code, "my sheet.csv")


@pytest.mark.parametrize("column", range(5))
def test_a_cell_with_a_role_may_not_be_empty(folder, column):
    rows = [["path", "label", "id", "group", "true_label"], ["a.png", *"aaaa"], ["b.png", *"bbbb"]]
    rows[2][column] = " "
    path = write(folder, "".join(",".join(row) + "\n" for row in rows), "t.csv")
    assert refused(path) == [("empty-cell", "t.csv row 3")]


@pytest.mark.parametrize("row", [{"messages": [{"role": "user"}]}, {"prompt": "a", "completion": "b"}])
def test_conversations_without_a_label_are_refused(tmp_path, row):
    assert refused(write(tmp_path, of_lines(row), "chat.jsonl")) == [("not-judged", "chat.jsonl")]


def test_brackets_alone_and_a_column_for_each_class_that_is_named_are_labels(folder):
    assert "[UNK]" in load(write(folder, "path,label\na.png,[UNK]\nb.png,dog\n")).class_names
    path = write(folder, "x,label_cat,label_dog\n1,1,0\n2,0,1\n")
    assert load(path, label_column="label_dog").class_names == ("0", "1")
