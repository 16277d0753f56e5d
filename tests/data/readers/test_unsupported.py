"""Data of other tasks is recognised by its form, and what looks like it is read."""

import json

import numpy as np
import pytest
from PIL import Image

from data.reading import load, refused, write
from labelscan.correction import corrections, decisions
from labelscan.results import issues

BOX = "0 0.5 0.5 0.2 0.2\n"
VOC = "<annotation><object><name>cat</name><bndbox/></object></annotation>"
COCO = json.dumps({"info": {}, "images": [], "annotations": [], "categories": []})


def photos(folder, *names):
    for name in names:
        write(folder, "", name)
        Image.fromarray(np.full((4, 4), len(name), np.uint8)).save(folder / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels/1.txt", BOX),
        ("labels/train/1.txt", BOX),
        ("train/labels/1.txt", BOX),
        ("labels/1.txt", "3 0.1 0.1 0.2 0.1 0.2 0.3\n"),
        ("Annotations/1.xml", VOC),
        ("annotations/instances_val.json", COCO),
        ("train/_annotations.coco.json", COCO),
    ],
)
def test_folders_of_boxes_are_refused(tmp_path, name, content):
    photos(tmp_path, "images/1.png", "images/2.png", "train/images/1.png")
    write(tmp_path, content, name)
    write(tmp_path, "cat\ndog\n", "labels/classes.txt")
    assert refused(tmp_path) == [("not-judged", str(tmp_path / name))]


def test_files_of_boxes_are_refused(tmp_path):
    for name, content in (("boxes.json", COCO), ("data.yaml", "train: images/train\nnames: [cat, dog]\n")):
        assert refused(write(tmp_path, content, name)) == [("not-judged", str(tmp_path / name))]
    assert refused(write(tmp_path, "{}", "other.json")) == [("not-a-data-set", str(tmp_path / "other.json"))]


def test_folders_of_masks_are_refused(tmp_path):
    photos(tmp_path, "images/1.png", "images/2.png", "masks/1_mask.png", "masks/2_mask.png")
    assert refused(tmp_path) == [("not-judged", str(tmp_path))]


def test_class_folders_that_are_only_called_so_are_read(tmp_path):
    photos(tmp_path, "images/1.png", "images/2.png", "labels/3.png", "labels/4.png")
    write(tmp_path, "", "labels/1.wav")
    write(tmp_path, "12 photos of labels", "labels/notes.txt")
    assert load(tmp_path).class_names == ("images", "labels")


def test_a_run_is_not_taken_for_data(tmp_path):
    write(tmp_path, "{}", "run/run.json")
    examples = write(tmp_path, "example_id,x,given_label\n0,1,a\n1,2,b\n", "run/examples.csv")
    assert refused(tmp_path / "run") == [("run-not-data", str(tmp_path / "run"))]
    assert len(load(examples)) == 2


@pytest.mark.parametrize(
    "columns",
    [
        issues.ISSUE_COLUMNS,
        issues.SCORE_COLUMNS,
        (*issues.SCORE_COLUMNS, issues.TRUE_LABEL),
        decisions.COLUMNS,
        corrections.COLUMNS,
    ],
)
@pytest.mark.parametrize("label", ["", "given_label"])
def test_what_labelscan_has_written_is_no_data(tmp_path, columns, label):
    path = write(tmp_path, f"{','.join(columns)}\n{','.join('1' for _ in columns)}\n", "renamed.csv")
    assert refused(path, label_column=label) == [("not-data", "renamed.csv")]
