"""Data of other tasks is recognised by its form, and what looks like it is read."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labelscan.config import DatasetConfig
from labelscan.data.readers import read
from labelscan.errors import DatasetError

BOX = "0 0.5 0.5 0.2 0.2\n"
VOC = "<annotation><object><name>cat</name><bndbox/></object></annotation>"
COCO = json.dumps({"info": {}, "images": [], "annotations": [], "categories": []})


def write(folder, name, content=""):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def photos(folder, *names):
    for name in names:
        write(folder, name)
        Image.fromarray(np.full((4, 4), len(name), np.uint8)).save(folder / name)


def refused(data, **config):
    with pytest.raises(DatasetError) as caught:
        read(DatasetConfig(data=str(data), **config))
    return str(caught.value)


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
    write(tmp_path, name, content)
    write(tmp_path, "labels/classes.txt", "cat\ndog\n")
    message = refused(tmp_path)
    assert f"{tmp_path / name}: these are boxes in images" in message
    assert "cut out each object as an image of its own" in message


def test_files_of_boxes_are_refused(tmp_path):
    write(tmp_path, "boxes.json", COCO)
    write(tmp_path, "data.yaml", "train: images/train\nnames: [cat, dog]\n")
    for name in ("boxes.json", "data.yaml"):
        assert "this is a list of boxes in images" in refused(tmp_path / name)
    write(tmp_path, "other.json", "{}")
    assert "files called .json are not read" in refused(tmp_path / "other.json")


@pytest.mark.parametrize("suffix", ["", "_mask"])
def test_folders_of_masks_are_refused(tmp_path, suffix):
    photos(tmp_path, "images/1.png", "images/2.png", f"masks/1{suffix}.png", f"masks/2{suffix}.png")
    assert "the images in masks are masks of those in images" in refused(tmp_path)


def test_class_folders_that_are_only_called_so_are_read(tmp_path):
    photos(tmp_path, "images/1.png", "images/2.png", "labels/3.png", "labels/4.png")
    write(tmp_path, "labels/notes.txt", "12 photos of labels")
    assert read(DatasetConfig(data=str(tmp_path))).class_names == ("images", "labels")


@pytest.mark.parametrize(("name", "kind"), [("bird/1.wav", "sounds"), ("bird/1.MP4", "videos")])
def test_sounds_and_videos_are_refused_where_there_are_no_images(tmp_path, name, kind):
    write(tmp_path, name)
    write(tmp_path, "frog/1.wav" if kind == "sounds" else "frog/2.mp4")
    assert f"{kind} cannot be judged" in refused(tmp_path)
    photos(tmp_path, "bird/1.png", "frog/1.png")
    assert len(read(DatasetConfig(data=str(tmp_path)))) == 2


def test_a_column_for_each_class_is_refused(tmp_path):
    pd.DataFrame({"x": [1, 2], "label_cat": [1, 0], "label_dog": [0, 1]}).to_csv(tmp_path / "t.csv", index=False)
    message = refused(tmp_path / "t.csv")
    assert "label_cat, label_dog are a column for each class" in message
    assert "idxmax" in message
    chosen = read(DatasetConfig(data=str(tmp_path / "t.csv"), label_column="label_dog"))
    assert chosen.class_names == ("0", "1")


def test_columns_of_0_and_1_are_named_where_no_label_is_found(tmp_path):
    frame = pd.DataFrame({"x": [1, 2, 3], "cat": [1, 0, 0], "dog": [0, 1, 0], "fox": [0, 0, 1]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    message = refused(tmp_path / "t.csv")
    assert "if 'cat' and 'dog' say for a class each whether it is there, make one column of names" in message


def test_a_run_is_not_taken_for_data(tmp_path):
    write(tmp_path, "run/run.json", "{}")
    write(tmp_path, "run/examples.csv", "example_id,x,given_label\n0,1,a\n1,2,b\n")
    message = refused(tmp_path / "run")
    assert "this is a run of labelscan, not data" in message
    assert f"labelscan report {tmp_path / 'run'}" in message
    assert len(read(DatasetConfig(data=str(tmp_path / "run" / "examples.csv")))) == 2


@pytest.mark.parametrize("row", [{"messages": [{"role": "user"}]}, {"prompt": "a", "completion": "b"}])
def test_conversations_without_a_label_are_refused(tmp_path, row):
    write(tmp_path, "chat.jsonl", json.dumps(row) + "\n")
    assert "these are conversations without a label" in refused(tmp_path / "chat.jsonl")
