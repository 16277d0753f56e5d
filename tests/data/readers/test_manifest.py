"""Manifests as people write them: spreadsheets, BOMs, quotes, columns of any name; and what is refused."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import refuses

from labelscan.config import DatasetConfig
from labelscan.data.inputs import Texts
from labelscan.data.readers import form, manifest, read
from labelscan.data.readers.sheet import MOST_CHARACTERS
from labelscan.errors import ConfigError, DatasetError

LABELS = {"a.png": "cat", "b.png": "dog", "sub/c.png": "cat"}


@pytest.fixture
def folder(tmp_path):
    for name in LABELS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not decoded here")
    return tmp_path


def write(folder, text, name="list.csv", encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def load(path, **config):
    return read(DatasetConfig(data=str(path), **config))


def labels(dataset):
    names = [dataset.class_names[label] for label in dataset.given_labels]
    return dict(zip(dataset.example_ids, names, strict=True))


def refused(path, **config):
    with pytest.raises(DatasetError) as caught:
        load(path, **config)
    return str(caught.value)


CSV = "path,label\na.png,cat\nb.png,dog\nsub/c.png,cat\n"


def test_a_csv_is_read(folder):
    dataset = load(write(folder, CSV))
    assert labels(dataset) == LABELS
    assert dataset.path(2) == str(folder / "sub" / "c.png")
    assert dataset.name == "list"


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
@given(order=st.permutations(range(3)))
def test_the_order_of_the_rows_does_not_matter(folder, order):
    rows = CSV.splitlines()[1:]
    shuffled = load(write(folder, "path,label\n" + "\n".join(rows[row] for row in order) + "\n"))
    assert shuffled.example_ids.tolist() == ["a.png", "b.png", "sub/c.png"]
    assert labels(shuffled) == LABELS
    assert [shuffled.path(row) for row in range(3)] == [str(folder / name) for name in LABELS]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_and_line_ends_do_not_matter(folder, encoding, end):
    assert labels(load(write(folder, CSV.replace("\n", end), encoding=encoding))) == LABELS


def test_labels_are_text_as_written(folder):
    dataset = load(write(folder, "path,label\na.png,NA\nb.png,01\nsub/c.png,1\n"))
    assert labels(dataset) == {"a.png": "NA", "b.png": "01", "sub/c.png": "1"}


def test_json_values_become_text_as_written(folder):
    rows = '{"path":"a.png","label":1}\n\n{"path":"b.png","label":true}\n{"path":"sub/c.png","label":1.0}\n'
    assert labels(load(write(folder, rows, "list.jsonl"))) == {"a.png": "1", "b.png": "true", "sub/c.png": "1.0"}


def test_parquet_integers_become_text(folder):
    pd.DataFrame({"path": list(LABELS), "label": [1, 10, 9]}).to_parquet(folder / "list.parquet")
    assert load(folder / "list.parquet").class_names == ("1", "9", "10")


def test_names_with_umlauts_spaces_and_quotes_are_read(folder):
    for name in ("größe 1.png", 'a "b", c.png'):
        (folder / name).touch()
    path = write(folder, 'path,label\ngröße 1.png,Käse\n"a ""b"", c.png","x, y"\n')
    assert labels(load(path)) == {"größe 1.png": "Käse", 'a "b", c.png': "x, y"}


def test_after_line_breaks_in_fields_a_line_is_named_as_an_editor_numbers_them(folder):
    text = 'path,label,note\na.png,cat,"two\nlines"\n\nb.png,,x\nsub/c.png,dog,y\n'
    assert "list.csv line 5: 'label' is empty" in refused(write(folder, text))
    assert "list.csv line 5: 1 fields for 3 columns" in refused(write(folder, text.replace("b.png,,x", "b.png")))


def test_missing_files_are_reported_together_with_their_rows(folder):
    rows = "".join(f"gone-{number}.png,cat\n" for number in range(30))
    message = refused(write(folder, CSV + rows))
    assert f"list.csv row 5: no such file: {folder / 'gone-0.png'}" in message
    assert message.count("no such file") == 20
    assert "and 10 more problems" in message


@pytest.mark.parametrize("least", [1, 64])
def test_missing_files_are_found_by_listing_as_by_asking(folder, monkeypatch, least):
    monkeypatch.setattr(manifest, "LIST_FOLDER_FROM", least)
    assert labels(load(write(folder, CSV))) == LABELS
    assert labels(load(write(folder, CSV.replace("sub/c.png", "./sub/../sub/c.png")))) == LABELS
    message = refused(write(folder, CSV + "sub/gone.png,cat\nnowhere/x.png,cat\n"))
    assert "row 5" in message
    assert "row 6" in message


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        (" a.png", "take out the spaces"),
        ("sub\\c.png", "write / between folders"),
        ("https://me:hidden@example.org/a.png", "take it out; fsspec finds credentials"),
    ],
)
def test_a_path_that_nearly_fits_has_a_hint(folder, cell, hint):
    assert hint in refused(write(folder, f"path,label\n{cell},cat\nb.png,dog\n"))


def test_absolute_paths_and_paths_above_are_allowed(folder):
    (folder / "lists").mkdir()
    (folder / "outside.png").touch()
    path = write(folder / "lists", f"path,label\n{folder / 'a.png'},cat\n../b.png,dog\n")
    assert set(load(path).example_ids) == {(folder / "a.png").as_posix(), "../b.png"}
    path = write(folder, f"path,label\n{folder / 'a.png'},cat\nb.png,dog\n")
    assert set(load(path).example_ids) == {"a.png", "b.png"}


def test_a_file_that_cannot_be_decoded_is_not_the_readers_matter(folder):
    (folder / "a.png").write_bytes(b"")
    assert len(load(write(folder, CSV))) == 3


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


def test_two_columns_that_could_be_meant_are_an_error_that_names_the_flag(folder):
    path = write(folder, CSV.replace("path,label", "path,label,given_label").replace("cat", "cat,x"))
    message = refused(write(folder, "file,image,label\na.png,a.png,cat\nb.png,b.png,dog\n"))
    assert "'file' and 'image' could both be the path column" in message
    assert "--path-column" in message
    path = write(folder, "path,label,given_label\na.png,cat,dog\nb.png,dog,cat\n")
    assert "--label-column" in refused(path)
    assert labels(load(path, label_column="given_label")) == {"a.png": "dog", "b.png": "cat"}


def test_a_missing_column_is_reported_with_those_there_are(folder):
    message = refused(write(folder, "path,species\na.png,cat\nb.png,dog\n"))
    assert message.startswith(
        "list.csv: no label column; there are 'path', 'species'; hint: name it by --label-column, or call it label, "
    )
    path = write(folder, "path,species\na.png,cat\nb.png,dog\n")
    assert "did you mean 'species'?" in refused(path, label_column="specie")
    assert labels(load(path, label_column="species")) == {"a.png": "cat", "b.png": "dog"}


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
    assert "list.csv row 3" in refused(path, split="val")
    assert "no split is called 'test'" in refused(path, split="test")
    assert "--split-column" in refused(write(folder, CSV), split="train")


@pytest.mark.parametrize("column", ["path", "label", "id", "group", "true_label"])
def test_empty_cells_are_errors(folder, column):
    frame = pd.DataFrame({"path": list(LABELS), "label": list(LABELS.values())})
    frame = frame.assign(id=frame["path"], group="g", true_label=frame["label"])
    frame.loc[1, column] = " "
    frame.to_csv(folder / "list.csv", index=False)
    assert f"list.csv row 3: '{column}' is empty" in refused(folder / "list.csv")


def test_null_in_json_is_an_empty_label(folder):
    text = '{"path": "a.png", "label": null}\n{"path": "b.png"}\n'
    message = refused(write(folder, text + '{"path": "sub/c.png", "label": "x"}', "list.jsonl"))
    assert "row 1" in message
    assert "row 2" in message


def test_an_image_listed_twice_is_an_error_with_both_rows(folder):
    message = refused(write(folder, CSV + "./a.png,dog\n"))
    assert "list.csv row 5: example 'a.png' is listed twice, first at list.csv row 2" in message


@pytest.mark.parametrize(
    "label", [["cat", "dog"], ["cat"], {"name": "cat"}], ids=["several", "a list of one", "an object"]
)
def test_lists_of_labels_are_refused(folder, label):
    rows = [{"path": "a.png", "label": label}, {"path": "b.png", "label": "dog"}]
    message = refused(write(folder, "\n".join(map(json.dumps, rows)), "list.jsonl"))
    assert "list.jsonl row 1: 'label' is not one value" in message
    pd.DataFrame([rows[0]]).to_parquet(folder / "list.parquet")
    assert "is not one value" in refused(folder / "list.parquet")


def test_a_list_as_text_is_refused_and_brackets_alone_are_a_label(folder):
    message = refused(write(folder, 'path,label\na.png,"[""cat"", ""dog""]"\nb.png,dog\n'))
    assert "several labels for one example are not supported" in message
    assert "[UNK]" in load(write(folder, "path,label\na.png,[UNK]\nb.png,dog\n")).class_names


def test_the_one_of_two_columns_of_paths_that_models_may_see_is_taken(folder):
    path = write(folder, "image,file,label\na.png,old/a.png,cat\nb.png,old/b.png,dog\n")
    assert "'image' and 'file' could both be the path column" in refused(path)
    assert labels(load(path, exclude=("file",))) == {"a.png": "cat", "b.png": "dog"}


@pytest.mark.parametrize("columns", ["bbox", "xmin,ymin,xmax,ymax", "segmentation"])
def test_boxes_and_masks_are_refused(folder, columns):
    text = f"path,label,{columns}\n" + f"a.png,cat{',1' * len(columns.split(','))}\n"
    assert "several labels for one image are not supported" in refused(write(folder, text))


def test_a_row_of_another_length_is_reported(folder):
    message = refused(write(folder, CSV + "x.png,a,b\ny.png\n"))
    assert "list.csv row 5: 3 fields for 2 columns" in message
    assert "list.csv row 6: 1 fields for 2 columns" in message


def test_broken_quotes_are_reported_with_their_row(folder):
    assert "list.csv row 3: broken quotes" in refused(write(folder, 'path,label\na.png,cat\nb.png,"dog\n'))


def test_a_long_field_is_distinguished_from_broken_quotes(folder):
    message = refused(write(folder, f"path,label\na.png,cat\n{'b' * (MOST_CHARACTERS + 1)},dog\n"))
    assert "list.csv row 3" in message
    assert ".jsonl and .parquet" in message


def test_other_encodings_are_reported_with_their_place(folder):
    message = refused(write(folder, CSV + "ä.png,cat\n", encoding="latin-1"))
    assert "list.csv row 5: not UTF-8: byte 0xe4 at column 1; hint: it looks like" in message
    assert "or save it as UTF-8" in message


def test_text_that_no_file_can_hold_is_reported_with_its_row(folder):
    lines = [f'{{"path": "{name}.png", "label": "{label}", "id": "{name}"}}' for name, label in ("ax", "by")]
    (folder / "list.jsonl").write_text("\n".join(lines).replace('"id": "b"', '"id": "caf\\udce9"') + "\n")
    message = refused(folder / "list.jsonl")
    assert "list.jsonl row 2: the id 'caf\\udce9' is not UTF-8; hint: write it again" in message


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_header_without_commas_shows_what_separates_the_fields(folder, separator):
    usual = load(write(folder, CSV))
    other = load(write(folder, CSV.replace(",", separator)))
    assert other.example_ids.tolist() == usual.example_ids.tolist()
    assert other.given_labels.tolist() == usual.given_labels.tolist()
    row = f"a.png{separator}cat{separator}more\n"
    assert "put fields with" in refused(write(folder, CSV.replace(",", separator) + row))


def test_a_column_given_twice_is_reported(folder):
    assert "column 'label' occurs twice" in refused(write(folder, "path,label,label\na.png,x,y\n"))
    assert "take out what separates fields at the ends of rows" in refused(write(folder, "path,label,,\na.png,x,,\n"))


def test_an_empty_file_and_a_header_alone_are_reported(folder):
    assert "the file is empty" in refused(write(folder, ""))
    assert "the file is empty" in refused(write(folder, "", "list.jsonl"))
    assert "there is no example" in refused(write(folder, "path,label\n"))


def test_broken_json_is_reported_with_its_row(folder):
    assert "list.jsonl row 2: not valid JSON" in refused(write(folder, '{"path": "a.png"}\n{"path"\n', "list.jsonl"))
    assert "not an object" in refused(write(folder, '["a.png", "cat"]\n', "list.jsonl"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "latin-1"])
@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_a_manifest_is_read_by_its_mark_or_in_the_encoding_that_is_asked_for(folder, encoding, name):
    text = CSV if name.endswith(".csv") else "".join(f'{{"path": "{one}.png", "label": "{one}"}}\n' for one in "ab")
    text = text.replace('"b"}', '"bär"}').replace("cat", "Kätzchen")
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path = write(folder, mark + text, name, encoding=encoding)
    dataset = load(path, encoding="" if encoding.startswith("utf") else encoding)
    assert {"bär", "Kätzchen"}.intersection(dataset.class_names)


def test_an_encoding_that_there_is_not_is_refused_at_once():
    with refuses(ConfigError, "unknown-encoding"):
        DatasetConfig(data="list.csv", encoding="cp99")
    with refuses(ConfigError, "unknown-encoding"):
        DatasetConfig(data="list.csv", encoding="rot13")


def test_a_file_that_is_not_there_names_the_nearest(folder):
    write(folder, CSV)
    assert f"did you mean {folder / 'list.csv'}?" in refused(folder / "lists.csv")


def test_a_file_of_another_kind_is_reported(folder):
    assert "are not read" in refused(write(folder, "x", "list.xlsx"))


def test_our_own_list_of_examples_is_a_manifest(folder):
    path = folder / "examples.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["example_id", "path", "given_label", "group", "split", "status"])
        rows.writerows([name, folder / name, label, "g", "", "scored"] for name, label in LABELS.items())
    assert form(DatasetConfig(data=str(path))) == "manifest"
    assert labels(load(path)) == LABELS


def test_true_labels_outside_the_given_classes_are_kept(folder):
    dataset = load(write(folder, "path,label,true_label\na.png,cat,cat\nb.png,dog,eel\nsub/c.png,cat,dog\n"))
    assert dataset.true_class_names == ("cat", "dog", "eel")
    np.testing.assert_array_equal(dataset.true_labels, [0, 2, 1])


def test_listed_text_files_are_texts(folder):
    for name, text in (("1.txt", "größer"), ("2.TXT", "kleiner")):
        (folder / name).write_text(text, encoding="utf-8")
    dataset = load(write(folder, "path,label\n1.txt,cat\n2.TXT,dog\n"))
    assert isinstance(dataset.inputs, Texts)
    assert dataset.inputs.texts.tolist() == ["größer", "kleiner"]
    assert dataset.path(0) == str(folder / "1.txt")
    message = refused(write(folder, CSV + "1.txt,cat\n"))
    assert "list.csv row 5: '1.txt' is a text among images" in message
