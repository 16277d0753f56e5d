"""Corrected copies of jsonl files, byte by byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correction.label_lists.test_delimited import edits
from labelscan.correction.label_lists import json_lines

NASTY = (
    '\ufeff{"label": 3, "nested": {"label": [1, "}"]}, "n": 1.0}\r\n'
    "\n"
    '  {"a,b":"x\\"y" , "label" : "\\u00e9"}  \n'
    '{"label":"3","label":"NA","n":12345678901234567890}'
)
LABELS = ["3", "é", "NA"]


def copied(folder, content, changes):
    (folder / "a.jsonl").write_bytes(content.encode())
    json_lines.write(folder / "a.jsonl", changes, folder / "copy.jsonl")
    return (folder / "copy.jsonl").read_bytes().decode()


def test_only_the_label_is_rewritten_and_numbers_stay_numbers(tmp_path):
    assert copied(tmp_path, NASTY, edits(LABELS)) == NASTY
    made = copied(tmp_path, NASTY, edits(LABELS, new={0: "é", 1: "3", 2: "ü"}))
    expected = NASTY.replace('{"label": 3,', '{"label": "\\u00e9",').replace('"label" : "\\u00e9"', '"label" : 3')
    assert made == expected.replace('"label":"3","label":"NA"', '"label":"\\u00fc","label":"\\u00fc"')


def test_rows_go_whole_and_ids_come_last(tmp_path):
    made = copied(tmp_path, NASTY, edits(LABELS, dropped=(0,), ids=["p", "q", "é"]))
    _, _, second, third = NASTY.split("\n")
    second = second.replace('"}', '", "example_id": "q"}')
    assert made == "\n".join(["", second, third.replace("890}", '890, "example_id": "\\u00e9"}')])


def test_rows_without_a_label_or_without_anything_stay(tmp_path):
    content = '{"label": "a"}\n{}\n{"x": 1}\n{"label": null}\n{ }\n'
    made = copied(tmp_path, content, edits(["a", "", "", "", ""], new={0: "b"}, ids=["p", "", "r", "s", "t"]))
    assert [json.loads(line) for line in made.splitlines()] == [
        {"label": "b", "example_id": "p"},
        {"example_id": ""},
        {"x": 1, "example_id": "r"},
        {"label": None, "example_id": "s"},
        {"example_id": "t"},
    ]


@pytest.mark.parametrize(
    ("labels", "new", "written"),
    [
        ([3, 4], "7", "7"),
        ([3, 4], "-7.5", "-7.5"),
        ([3, 4], "07", '"07"'),
        ([3, 4], "cat", '"cat"'),
        ([3, "4"], "7", '"7"'),
        ([True, True], "false", "false"),
    ],
)
def test_a_new_label_is_a_number_only_where_all_labels_are(tmp_path, labels, new, written):
    content = "".join(json.dumps({"label": label}) + "\n" for label in labels)
    made = copied(tmp_path, content, edits([str(label).lower() for label in labels], new={0: new}))
    assert made.splitlines()[0] == f'{{"label": {written}}}'


TEXT = st.text(max_size=3)


@given(st.lists(st.dictionaries(TEXT, st.none() | TEXT | st.floats() | st.lists(TEXT, max_size=3)), max_size=4))
def test_any_object_gets_its_label_and_keeps_the_rest(tmp_path_factory, rows):
    rows = [{**row, "label": "a"} for row in rows]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    changes = edits(["a"] * len(rows), new=dict.fromkeys(range(len(rows)), "b"))
    made = copied(tmp_path_factory.mktemp("rows"), content, changes)
    assert made == "".join(json.dumps({**row, "label": "b"}) + "\n" for row in rows)
