"""Class folders as people have them: nested, with splits, with clutter beside the images."""

import os

import numpy as np
import pytest
from PIL import Image

from data.reading import given, hint, load, refused, write
from labelscan.data.inputs import Texts
from labelscan.data.readers.folder_listing import Listing, UrlTree
from labelscan.events import StepAdvanced


def fill(root, *paths):
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix.lower() in (".png", ".jpg"):
            Image.new("RGB", (2, 2)).save(file)
        else:
            file.write_text("x")


def test_the_top_folder_is_the_class_and_nested_folders_belong_to_it(tmp_path):
    fill(tmp_path, "cat/1.png", "cat/more/deep/2.png", "dog/1.png")
    dataset = load(tmp_path)
    assert dataset.example_ids.tolist() == ["cat/1.png", "cat/more/deep/2.png", "dog/1.png"]
    assert given(dataset) == ["cat", "cat", "dog"]
    assert dataset.splits is None
    assert dataset.path(2) == str(tmp_path / "dog" / "1.png")
    assert dataset.name == tmp_path.name


def test_texts_have_splits_too(tmp_path):
    fill(tmp_path, "train/cat/1.txt", "train/dog/2.txt", "test/cat/3.txt")
    assert load(tmp_path).splits.tolist() == ["test", "train", "train"]


def test_splits_are_pooled_unless_some_are_asked_for(tmp_path):
    fill(tmp_path, "train/cat/1.png", "train/dog/1.png", "val/cat/2.png", "test/dog/3.png", "test/cat/3.png")
    dataset = load(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.splits.tolist() == ["test", "test", "train", "train", "val"]
    assert load(tmp_path, split="train,test").example_ids.tolist() == [
        "test/cat/3.png",
        "test/dog/3.png",
        "train/cat/1.png",
        "train/dog/1.png",
    ]


def test_a_class_beside_a_folder_called_train_makes_both_classes_and_says_so(tmp_path):
    fill(tmp_path, "train/1.png", "bus/1.png")
    dataset = load(tmp_path)
    assert dataset.class_names == ("bus", "train")
    assert any("not as splits" in note for note in dataset.notes)


def test_clutter_is_ignored_and_counted(tmp_path):
    fill(tmp_path, "cat/1.png", "cat/.hidden.png", "cat/notes.txt", "cat/Thumbs.db", "dog/1.JPG", "dog/.cache/2.png")
    fill(tmp_path, "README", "loose.png")
    (tmp_path / "empty").mkdir()
    dataset = load(tmp_path)
    assert len(dataset) == 2
    notes = "\n".join(dataset.notes)
    assert "class folders without images: empty" in notes
    assert "images ignored outside the class folders: 1" in notes
    assert "files ignored that are not images: 3" in notes
    assert "hidden files and folders ignored: 2" in notes


def test_a_folder_around_all_whose_name_is_not_utf_8_is_an_error(tmp_path):
    fill(tmp_path / "data", "cat/1.png", "dog/1.png")
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        (tmp_path / "data").rename(folder)
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    assert refused(folder)[0][0] == "not-utf8"


def test_links_are_followed_and_a_loop_does_not_hang(tmp_path):
    fill(tmp_path / "in", "cat/1.png", "dog/1.png")
    fill(tmp_path / "elsewhere", "2.png")
    (tmp_path / "in" / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "cat" / "back").symlink_to(tmp_path / "in" / "cat")
    (tmp_path / "in" / "dog" / "2.png").symlink_to(tmp_path / "in" / "dog" / "1.png")
    dataset = load(tmp_path / "in")
    assert dataset.example_ids.tolist() == ["cat/1.png", "cat/more/2.png", "dog/1.png", "dog/2.png"]
    assert any("lead back" in note and "cat/back" in note for note in dataset.notes)


def test_a_sheet_in_the_folder_and_class_folders_around_it_are_proposed(tmp_path, monkeypatch):
    fill(tmp_path, "my photos/cats/1.png", "my photos/dogs/1.png", "alone/cats/1.png")
    photos = tmp_path / "my photos"
    assert f"labelscan detect '{photos}'" in hint(photos / "cats")
    assert "its parent" not in hint(tmp_path / "alone" / "cats")
    fill(tmp_path, "alone/cats/labels.csv")
    assert str(tmp_path / "alone" / "cats" / "labels.csv") in hint(tmp_path / "alone" / "cats")
    monkeypatch.chdir(photos / "cats")
    assert f"labelscan detect '{photos}'" in hint(".")


def test_progress_is_reported_while_listing():
    events = []
    Listing(UrlTree(f"cat/{row}.png" for row in range(10_000)), events.append).add_class("cat", "")
    assert events == [StepAdvanced("read", 10_000)]


def fill_texts(root, files):
    for path, content in files.items():
        write(root, content, path)


def test_text_files_are_texts_with_their_folders_as_labels(tmp_path):
    fill_texts(
        tmp_path, {"spam/1.txt": "buy now", "spam/deep/2.TXT": "größer", "ham/1.txt": "see you", "ham/notes.doc": "x"}
    )
    dataset = load(tmp_path)
    assert isinstance(dataset.inputs, Texts)
    assert dataset.example_ids.tolist() == ["ham/1.txt", "spam/1.txt", "spam/deep/2.TXT"]
    assert dataset.inputs.texts.tolist() == ["see you", "buy now", "größer"]
    assert given(dataset) == ["ham", "spam", "spam"]
    assert dataset.path(0) == str(tmp_path / "ham" / "1.txt")
    assert dataset.notes == ("files ignored that are not texts: 1 (.doc)",)


def test_files_without_an_extension_are_texts_where_nothing_else_is_there(tmp_path):
    fill_texts(tmp_path, {"sci.med/59001": "one", "sci.med/59002": "two", "rec.autos/7": "three"})
    assert load(tmp_path).inputs.texts.tolist() == ["three", "one", "two"]
    fill_texts(tmp_path, {"rec.autos/8.txt": "four", "sci.med/9.txt": "five"})
    dataset = load(tmp_path)
    assert dataset.inputs.texts.tolist() == ["four", "five"]
    assert "files ignored that are not texts: 3 (no extension)" in dataset.notes


def test_one_in_another_encoding_keeps_its_row_among_files_without_an_extension(tmp_path):
    fill_texts(tmp_path, {"a/1": "größer".encode("cp1252"), "a/2": "x", "b/1": "y", "b/2": "z"})
    dataset = load(tmp_path)
    assert dataset.inputs.texts.tolist() == ["", "x", "y", "z"]
    assert list(dataset.inputs.unreadable) == [0]
    assert "texts that are not UTF-8 look like cp1252: give --encoding cp1252" in dataset.notes


def test_files_without_an_extension_that_are_no_texts_are_none(tmp_path):
    fill_texts(tmp_path, {"a/1": b"\0\1\2", "b/1": b"\xff\0"})
    assert refused(tmp_path) == [("no-class-folders", str(tmp_path))]


def test_a_text_that_cannot_be_read_keeps_its_row_with_the_reason(tmp_path):
    fill_texts(
        tmp_path,
        {"a/1.txt": "größer und schöner".encode("cp1252"), "a/2.txt": "x", "b/1.txt": "größer".encode("utf-16")},
    )
    (tmp_path / "b" / "2.txt").symlink_to("nowhere.txt")
    dataset = load(tmp_path)
    assert dataset.inputs.texts.tolist() == ["", "x", "größer", ""]
    assert dataset.inputs.unreadable == {0: "not UTF-8: byte 0xf6 at position 2", 3: "No such file or directory"}
    assert "texts that are not UTF-8 look like cp1252: give --encoding cp1252" in dataset.notes
    assert load(tmp_path, encoding="cp1252").inputs.texts.tolist() == ["größer und schöner", "x", "größer", ""]


def test_a_few_texts_beside_images_are_notes(tmp_path):
    fill(tmp_path, "cat/1.png", "dog/1.png", "cat/1.txt", "dog/1.txt")
    dataset = load(tmp_path)
    assert dataset.example_ids.tolist() == ["cat/1.png", "dog/1.png"]
    assert "files ignored that are not images: 2 (.txt)" in dataset.notes


def test_the_reasons_follow_their_rows(tmp_path):
    texts = Texts(np.array(["", "b", ""], dtype=object), tmp_path, None, {0: "gone", 2: "locked"})
    assert texts.take(np.array([2, 1])).unreadable == {0: "locked"}
