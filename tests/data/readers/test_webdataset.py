"""Shards of WebDataset, made by tarfile, on this machine and elsewhere."""

import gzip
import io
import json
import tarfile

import numpy as np
import pytest
import webdataset
from PIL import Image
from refusals import refuses
from shapes import CLASSES, draw_shapes, plant_errors, write_folder
from tiny_detect import quick

import labelscan
from data.reading import given, load, refused
from labelscan.config import DatasetConfig
from labelscan.correction.decisions import Decision
from labelscan.data.inputs import Texts
from labelscan.data.readers import form
from labelscan.data.readers.tar_files import TarImages
from labelscan.errors import DatasetError, LabelscanError, StorageError
from labelscan.files import storage
from labelscan.images.sources import UnreadableImage


def png(level=0):
    buffer = io.BytesIO()
    Image.fromarray(level if isinstance(level, np.ndarray) else np.full((4, 4), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path, members):
    """Write a tar file of (name, content) pairs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            content = content if isinstance(content, bytes) else str(content).encode()
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def pairs(labels, first=0, kind="cls"):
    """Yield an image and a label of each example."""
    for row, label in enumerate(labels, start=first):
        yield f"{row:04}.png", png(row)
        yield f"{row:04}.{kind}", label


def test_a_shard_gives_images_and_labels_by_their_keys(tmp_path):
    dataset = load(write_tar(tmp_path / "train.tar", pairs(["cat", "dog", " cat\n"])))
    assert dataset.example_ids.tolist() == ["0000", "0001", "0002"]
    assert given(dataset) == ["cat", "dog", "cat"]
    assert [dataset.inputs.read(row) for row in range(3)] == [png(0), png(1), png(2)]
    assert dataset.name == "train"
    assert [dataset.path(row) for row in range(3)] == [""] * 3


@pytest.mark.parametrize("data", ["s/train-{000..002}.tar", "s/{train-000,train-001,train-002}.tar", "s", "s/"])
def test_shards_are_named_by_braces_or_by_their_folder(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        write_tar(tmp_path / "s" / f"train-{number:03}.tar", pairs([0, 1], first=2 * number))
    (tmp_path / "s" / "README.md").write_text("about them")
    dataset = load(data)
    assert form(DatasetConfig(data=data)) == "webdataset"
    assert dataset.example_ids.tolist() == [f"{row:04}" for row in range(6)]
    assert [dataset.inputs.read(row) for row in range(6)] == [png(row) for row in range(6)]
    assert dataset.name == ("train" if "{000.." in data else "s" if "{" not in data else "shards")


def test_keys_that_recur_get_the_name_of_their_shard(tmp_path):
    for name in "ab":
        write_tar(tmp_path / f"{name}.tar", pairs(["cat", "dog"]))
    assert load(tmp_path).example_ids.tolist() == ["a/0000", "a/0001", "b/0000", "b/0001"]


def test_a_tar_file_beside_class_folders_is_what_they_came_in(tmp_path):
    write_tar(tmp_path / "images.tar", pairs(["cat", "dog"]))
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
    assert form(DatasetConfig(data=str(tmp_path))) == "class folders"


def test_labels_may_be_in_json_where_there_is_no_class_or_its_key_is_named(tmp_path):
    members = [*pairs([json.dumps({"label": "cat", "kind": 1}), json.dumps({"label": "dog", "kind": 2})], kind="json")]
    path = write_tar(tmp_path / "a.tar", members)
    with_classes = write_tar(tmp_path / "b.tar", [*members, ("0000.cls", "ant"), ("0001.cls", "bee")])
    assert given(load(path)) == ["cat", "dog"]
    assert given(load(with_classes)) == ["ant", "bee"]
    for one in (path, with_classes):
        assert given(load(one, label_column="kind")) == ["1", "2"]
    assert refused(path, label_column="colour") == [("no-column", str(path))]


def test_texts_are_read_where_there_are_no_images(tmp_path):
    texts = [part for n in range(4) for part in ((f"{n}.txt", f"text {n}"), (f"{n}.cls", n % 2))]
    dataset = load(write_tar(tmp_path / "texts.tar", [*texts, ("4.cls", 1)]))
    assert isinstance(dataset.inputs, Texts)
    assert dataset.inputs.texts.tolist() == ["text 0", "text 1", "text 2", "text 3", ""]
    assert dataset.inputs.unreadable == {4: "no text in the example"}
    captions = [*pairs([0, 1]), ("0000.txt", "a caption")]
    assert isinstance(load(write_tar(tmp_path / "images.tar", captions)).inputs, TarImages)


def test_names_are_cut_at_the_first_dot_and_folders_belong_to_the_key(tmp_path):
    inside = ["./a/1.png", "a/1.cls", "a.b/2.seg.png", "a.b/2.png", "a.b/2.cls"]
    parts = [*inside, "a/._1.png", "__meta__/x.json", "LICENSE"]
    members = [(name, png(1) if name.endswith("png") else len(name)) for name in parts]
    dataset = load(write_tar(tmp_path / "a.tar", members))
    assert dataset.example_ids.tolist() == ["a.b/2", "a/1"]


def test_an_example_without_an_image_keeps_its_row_with_the_reason(tmp_path):
    dataset = load(write_tar(tmp_path / "a.tar", [*pairs([0, 1]), ("0002.cls", 1)]))
    assert len(dataset) == 3
    with pytest.raises(UnreadableImage, match="no image in the example"):
        dataset.inputs.read(2)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("0002.png", b"x", "empty-label"),
        ("0001.jpg", b"x", "broken-example"),
        ("0002.json", "{", "broken-example"),
        ("0002.json", "[1]", "broken-example"),
        ("0002.cls", b"\xff", "broken-example"),
        ("0002.cls", b"x" * 5000, "broken-example"),
    ],
)
def test_a_broken_example_is_named_with_its_shard(tmp_path, name, content, code):
    path = write_tar(tmp_path / "a.tar", [*pairs([0, 1]), (name, content)])
    assert refused(path) == [(code, f"{path} example {name[:4]}")]


def cut_off(content):
    return content[: content.index(b"0001.png") + 600]


def cut_between(content):
    return content[: content.index(b"0001.png")]


def damaged(content):
    place = content.index(b"0001.png")
    return content[:place] + b"\1" * 512 + content[place + 512 :]


def twice(content):
    return content + content


@pytest.mark.parametrize("harm", [cut_off, cut_between, damaged, twice, lambda _: b"no tar"])
def test_no_example_of_a_damaged_shard_is_lost_in_silence(tmp_path, harm):
    path = write_tar(tmp_path / "a.tar", [*pairs([0]), ("0001.png", b"x" * 5000), ("0001.cls", 1)])
    path.write_bytes(harm(path.read_bytes()))
    assert refused(path) == [("damaged", str(path))]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar"])
def test_a_compressed_shard_is_refused_with_the_remedy(tmp_path, name):
    path = write_tar(tmp_path / "b.tar", pairs([0, 1]))
    (tmp_path / name).write_bytes(gzip.compress(path.read_bytes()))
    assert refused(tmp_path / name) == [("compressed", str(tmp_path / name))]


def test_a_missing_shard_is_named(tmp_path):
    write_tar(tmp_path / "a-0.tar", pairs([0, 1]))
    assert refused(tmp_path / "a-{0..2}.tar") == [("no-file", str(tmp_path / "a-1.tar"))]
    assert refused(tmp_path / "b-{0..2}.tar") == [("no-file", str(tmp_path / "b-{0..2}.tar"))]
    assert refused(tmp_path / "a-{0..9999999}.tar") == [("too-many-shards", str(tmp_path / "a-{0..9999999}.tar"))]


def test_webdataset_itself_writes_what_is_read(tmp_path):
    with webdataset.TarWriter(str(tmp_path / "a.tar")) as writer:
        for row in range(4):
            writer.write({"__key__": f"k{row}", "png": np.full((4, 4, 3), row / 255, np.float32), "cls": row % 2})
    dataset = load(tmp_path / "a.tar")
    assert dataset.example_ids.tolist() == ["k0", "k1", "k2", "k3"]
    assert given(dataset) == ["0", "1", "0", "1"]
    assert np.asarray(Image.open(io.BytesIO(dataset.inputs.read(3))))[0, 0, 0] == 3


@pytest.fixture
def shards(tmp_path, bucket):
    """Three shards in a folder and in a bucket, and class folders of the same images."""
    images, true = draw_shapes(60)
    given = plant_errors(true, [3, 17, 40])
    write_folder(tmp_path / "photos", images, given)
    for number in range(3):
        members = []
        for row in range(20 * number, 20 * number + 20):
            members += [(f"{CLASSES[given[row]]}/{row:04}.png", png(images[row]))]
            members += [(f"{CLASSES[given[row]]}/{row:04}.cls", CLASSES[given[row]])]
        write_tar(tmp_path / "shards" / f"train-{number}.tar", members)
    bucket.put(f"{tmp_path}/shards/", "/b/shards/", recursive=True)
    return tmp_path


def detect(data, output):
    return labelscan.detect(str(data), settings=quick(**{"training.epochs": 1}), output=output)


def test_shards_hold_the_images_of_class_folders(shards):
    folders, found = load(shards / "photos"), load(shards / "shards")
    assert found.example_ids.tolist() == [one.removesuffix(".png") for one in folders.example_ids]
    assert given(found) == given(folders)
    pixels = [np.asarray(Image.open(io.BytesIO(one.inputs.read(7)))) for one in (folders, found)]
    np.testing.assert_array_equal(*pixels)


def test_a_run_on_shards_elsewhere_has_the_tables_of_a_run_on_this_machine(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "FIRST_WAIT", 0.01)
    detect(shards / "shards", tmp_path / "near")
    detect("flaky://b/shards/train-{0..2}.tar", tmp_path / "far")
    for name in ("issues.csv", "scores.csv", "examples.csv", "folds.csv"):
        assert (tmp_path / "near" / name).read_bytes() == (tmp_path / "far" / name).read_bytes()


def test_the_report_of_shards_shows_pictures_and_the_labels_inside_are_not_rewritten(shards, tmp_path):
    run = detect(shards / "shards" / "train-{0..2}.tar", tmp_path / "run")
    labelscan.report(run.folder, output=tmp_path / "page.html")
    assert "data:image/png;base64" in (tmp_path / "page.html").read_text()
    decision = Decision(example_id=run.issues.scores["example_id"][0], verdict="drop")
    with refuses(DatasetError, "inside-other-files"):
        labelscan.apply(run.folder, decisions=[decision], output=tmp_path / "corrected.npz")


def test_a_shard_that_changes_is_noticed(shards, tmp_path):
    path = shards / "shards" / "train-1.tar"
    detect(shards / "shards", tmp_path / "run")
    detect(shards / "shards", tmp_path / "run")
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 8] ^= 1
    path.write_bytes(content)
    with refuses(LabelscanError, "data-changed"):
        detect(shards / "shards", tmp_path / "run")


def test_shards_in_a_folder_elsewhere_are_read_or_end_in_one_error_where_the_storage_is_dead(shards, monkeypatch):
    monkeypatch.setattr(storage, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.05)
    assert len(load("memory://b/shards/")) == 60
    with refuses(StorageError, "storage-unavailable"):
        load("dead://b/shards")
