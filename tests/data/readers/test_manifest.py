"""Manifests as people write them: spreadsheets, BOMs, quotes, columns of any name; and what is refused."""

import csv

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_each
from hypothesis import strategies as st
from refusals import refuses

from data.reading import given, load, refused, write
from labelscan.config import DatasetConfig
from labelscan.data.inputs import Texts
from labelscan.data.readers import form
from labelscan.errors import ConfigError

LABELS = {"a.png": "cat", "b.png": "dog", "sub/c.png": "cat"}


@pytest.fixture
def folder(tmp_path):
    for name in LABELS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not decoded here")
    return tmp_path


def labels(dataset):
    return dict(zip(dataset.example_ids, given(dataset), strict=True))


CSV = "path,label\na.png,cat\nb.png,dog\nsub/c.png,cat\n"


def test_labels_that_are_numbers_are_kept_as_written_and_sorted_by_value(folder):
    pd.DataFrame({"path": list(LABELS), "label": [10, 9, 1]}).to_parquet(folder / "list.parquet")
    assert load(folder / "list.parquet").class_names == ("1", "9", "10")
    lines = [f'{{"path": "{path}", "label": {label}}}' for path, label in zip(LABELS, (10.0, 9, 1.0), strict=True)]
    (folder / "list.jsonl").write_text("\n".join(lines))
    assert load(folder / "list.jsonl").class_names == ("1.0", "9", "10.0")


def test_a_csv_is_read(folder):
    dataset = load(write(folder, CSV))
    assert labels(dataset) == LABELS
    assert dataset.path(2) == str(folder / "sub" / "c.png")
    assert dataset.name == "table"


@pytest.mark.parametrize("name", ["list.tsv", "list.jsonl", "list.parquet", "list.CSV"])
def test_every_form_of_manifest_is_the_same_data(folder, name):
    frame = pd.DataFrame({"path": list(LABELS), "label": list(LABELS.values())})
    if name.endswith("parquet"):
        frame.to_parquet(folder / name)
    elif name.endswith("jsonl"):
        frame.to_json(folder / name, orient="records", lines=True)
    else:
        frame.to_csv(folder / name, index=False, sep="\t" if name.endswith("tsv") else ",")
    assert labels(load(folder / name)) == LABELS


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_each(order=st.permutations(range(3)))
def test_the_order_of_the_rows_does_not_matter(folder, order):
    rows = CSV.splitlines()[1:]
    shuffled = load(write(folder, "path,label\n" + "\n".join(rows[row] for row in order) + "\n"))
    assert shuffled.example_ids.tolist() == ["a.png", "b.png", "sub/c.png"]
    assert labels(shuffled) == LABELS
    assert [shuffled.path(row) for row in range(3)] == [str(folder / name) for name in LABELS]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("list.csv", "path,label\na.png,NA\nb.png,01\nsub/c.png,1\n", ("1", "01", "NA")),
        ("list.jsonl", '{"path":"a.png","label":1}\n\n{"path":"b.png","label":true}\n', ("1", "true")),
        ("list.csv", """path,label\na.png,Käse\n"a ""b"", c.png","x, y"\n""", ("Käse", "x, y")),
    ],
)
def test_labels_are_text_as_written(folder, name, text, expected):
    (folder / 'a "b", c.png').touch()
    assert set(load(write(folder, text, name)).class_names) == set(expected)


@pytest.mark.parametrize("encoding", ["cp99", "rot13"])
def test_an_encoding_that_there_is_not_is_refused_at_once(encoding):
    with refuses(ConfigError, "unknown-encoding"):
        DatasetConfig(data="list.csv", encoding=encoding)


def test_missing_files_are_found_by_listing_large_folders_as_by_asking_for_each(folder):
    assert labels(load(write(folder, CSV.replace("sub/c.png", "./sub/../sub/c.png")))) == LABELS
    for row in range(64):
        (folder / f"{row}.png").touch()
    many = CSV + "".join(f"{row}.png,cat\n" for row in range(64))
    assert len(load(write(folder, many))) == 67
    gone = many + "gone.png,cat\nsub/gone.png,cat\nnowhere/x.png,cat\n"
    assert refused(write(folder, gone)) == [("no-file", f"table.csv row {row}") for row in (69, 70, 71)]


def test_absolute_paths_and_paths_above_are_allowed(folder):
    (folder / "lists").mkdir()
    (folder / "outside.png").touch()
    path = write(folder / "lists", f"path,label\n{folder / 'a.png'},cat\n../b.png,dog\n")
    assert set(load(path).example_ids) == {(folder / "a.png").as_posix(), "../b.png"}
    path = write(folder, f"path,label\n{folder / 'a.png'},cat\nb.png,dog\n")
    assert set(load(path).example_ids) == {"a.png", "b.png"}


@pytest.mark.parametrize(
    ("path_name", "label_name"),
    [("file", "class"), ("Image Path", "Given-Label"), ("filename", "y"), ("img", "target")],
)
def test_usual_names_of_columns_are_found(folder, path_name, label_name):
    path = write(folder, CSV.replace("path,label", f"{path_name},{label_name}"))
    assert labels(load(path)) == LABELS
    assert f"path from '{path_name}', label from '{label_name}'" in load(path).notes[0]


def test_the_first_choice_wins_over_other_usual_names(folder):
    text = "path,filename,label,class\na.png,x,cat,1\nb.png,y,dog,1\nsub/c.png,z,cat,1\n"
    assert labels(load(write(folder, text))) == LABELS


def test_optional_columns_are_read(folder):
    text = "path,label,id,patient,split,true_label\na.png,cat,3,p1,train,cat\nb.png,dog,1,p2,val,bird\n"
    dataset = load(write(folder, text + "sub/c.png,cat,2,p1,train,dog\n"))
    assert dataset.example_ids.tolist() == ["1", "2", "3"]
    assert dataset.groups.tolist() == ["p2", "p1", "p1"]
    assert dataset.splits.tolist() == ["val", "train", "train"]
    assert [dataset.true_class_names[label] for label in dataset.true_labels] == ["bird", "dog", "cat"]
    assert dataset.class_names == ("cat", "dog")
    assert dataset.path(0) == str(folder / "b.png")


def test_a_split_keeps_the_rows_right(folder):
    text = "path,label,split\na.png,cat,train\nb.png,,val\nsub/c.png,dog,train\n"
    path = write(folder, text)
    assert labels(load(path, split="train")) == {"a.png": "cat", "sub/c.png": "dog"}
    assert refused(path, split="val") == [("empty-cell", "table.csv row 3")]


def test_the_one_of_two_columns_of_paths_that_models_may_see_is_taken(folder):
    path = write(folder, "image,file,label\na.png,old/a.png,cat\nb.png,old/b.png,dog\n")
    assert refused(path) == [("which-column", "table.csv")]
    assert labels(load(path, exclude=("file",))) == {"a.png": "cat", "b.png": "dog"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "latin-1"])
@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_a_manifest_is_read_by_its_mark_or_in_the_encoding_that_is_asked_for(folder, encoding, name):
    text = CSV if name.endswith(".csv") else "".join(f'{{"path": "{one}.png", "label": "{one}"}}\n' for one in "ab")
    text = text.replace('"b"}', '"bär"}').replace("cat", "Kätzchen")
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path = write(folder, mark + text, name, encoding=encoding)
    dataset = load(path, encoding="" if encoding.startswith("utf") else encoding)
    assert {"bär", "Kätzchen"}.intersection(dataset.class_names)


def test_our_own_list_of_examples_is_a_manifest(folder):
    path = folder / "examples.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["example_id", "path", "given_label", "group", "split", "status"])
        rows.writerows([name, folder / name, label, "g", "", "scored"] for name, label in LABELS.items())
    assert form(DatasetConfig(data=str(path))) == "manifest"
    assert labels(load(path)) == LABELS


def test_listed_text_files_are_texts(folder):
    for name, text in (("1.txt", "größer"), ("2.TXT", "kleiner")):
        (folder / name).write_text(text, encoding="utf-8")
    dataset = load(write(folder, "path,label\n1.txt,cat\n2.TXT,dog\n"))
    assert isinstance(dataset.inputs, Texts)
    assert dataset.inputs.texts.tolist() == ["größer", "kleiner"]
    assert dataset.path(0) == str(folder / "1.txt")
