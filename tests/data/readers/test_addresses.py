"""Data by address is read as the same data on this machine is."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from shapes import CLASSES, draw_shapes, plant_errors, write_folder, write_manifest
from tiny_detect import quick

import labelscan
from data.reading import load, problems_of, refused
from labelscan.config import DatasetConfig
from labelscan.correction.decisions import Decision
from labelscan.data.readers import form
from labelscan.errors import ConfigError, LabelscanError, StorageError
from labelscan.files import storage
from labelscan.images.remote import UrlImages

IMAGES, TRUE = draw_shapes(60)
GIVEN = plant_errors(TRUE, [3, 17, 40])
TABLES = ("issues.csv", "scores.csv", "examples.csv")


@pytest.fixture
def here(tmp_path, bucket):
    """One piece of data of each form in a folder, and the same in a bucket."""
    write_folder(tmp_path / "b" / "photos", IMAGES, GIVEN)
    write_manifest(tmp_path / "b" / "list.csv", IMAGES, GIVEN)
    np.savez(tmp_path / "b" / "arrays.npz", images=IMAGES, labels=GIVEN)
    frame = pd.DataFrame({"width": IMAGES.mean(axis=(1, 2)), "height": IMAGES.std(axis=(1, 2)), "label": GIVEN})
    frame.to_parquet(tmp_path / "b" / "table.parquet")
    bucket.put(f"{tmp_path}/b/", "/b/", recursive=True)
    return tmp_path / "b"


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(storage, "FIRST_WAIT", 0.01)


def detect(data, output, **changes):
    return labelscan.detect(str(data), settings=quick(**{"training.epochs": 1, **changes}), output=output)


def tables(run, root):
    return {name: (run / name).read_text().replace(root, "") for name in TABLES}


@pytest.mark.parametrize(
    "data", ["flaky://b/photos", "stopping://b/list.csv", "memory://b/arrays.npz", "memory://b/table.parquet"]
)
def test_a_run_on_a_bucket_that_may_fail_for_a_moment_has_the_tables_of_a_run_on_this_machine(
    here, tmp_path, soon, data
):
    root, name = data.split("b/")
    model = {"model.name": "extra-trees"} if name == "table.parquet" else {}
    detect(here / name, tmp_path / "local", **model)
    detect(data, tmp_path / "far", **model)
    assert tables(tmp_path / "local", f"{here}/") == tables(tmp_path / "far", f"{root}b/")
    assert f"{root}b/photos/" in (tmp_path / "far" / "scores.csv").read_text() or name != "photos"


@pytest.mark.parametrize("protocol", ["dead", "closed"])
def test_a_storage_that_gives_nothing_makes_no_image_unreadable(here, tmp_path, soon, monkeypatch, protocol):
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.05)
    with pytest.raises(StorageError, match=f"{protocol}://b/photos/"):
        load(f"{protocol}://b/photos").inputs.read(0)
    shutil.copy(here / "list.csv", tmp_path / "list.csv")  # the images stop answering, not the list
    text = (tmp_path / "list.csv").read_text().replace("png/", f"{protocol}://b/png/")
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(StorageError, match=f"{protocol}://b/png/"):
        detect(tmp_path / "list.csv", tmp_path / "far")


def test_an_image_that_is_gone_is_a_row_that_cannot_be_read(here, tmp_path, bucket):
    bucket.rm("/b/png/0005.png")
    detect("memory://b/list.csv", tmp_path / "run")
    examples = pd.read_csv(tmp_path / "run" / "examples.csv", index_col="example_id")
    assert examples.loc["png/0005.png", "status"] == "unreadable: no such file"
    assert (examples["status"] == "scored").sum() == 59


def test_a_finished_run_lists_its_images_and_reads_only_what_has_changed(here, tmp_path, bucket):
    from failing_storage import Counted

    detect("counted://b/photos", tmp_path / "run")
    Counted.asked = 0
    detect("counted://b/photos", tmp_path / "run")
    n_probed = 60  # to know what the images are like
    assert Counted.asked == n_probed
    first, second = bucket.find("/b/photos/bar")[:2]
    bucket.pipe(first, bucket.cat_file(second))
    with refuses(LabelscanError, "data-changed"):
        detect("counted://b/photos", tmp_path / "run")


def test_images_of_a_list_may_be_anywhere(here, tmp_path, bucket):
    names = [f"png/{row:04}.png" for row in range(60)]
    places = [f"memory://b/{name}" if row % 2 else str(here / name) for row, name in enumerate(names)]
    rows = [f"{place},{CLASSES[label]}\n" for place, label in zip(places, GIVEN, strict=True)]
    (tmp_path / "mixed.csv").write_text("path,label\n" + "".join(rows))
    dataset = load(tmp_path / "mixed.csv")
    assert isinstance(dataset.inputs, UrlImages)
    row = dataset.example_ids.tolist().index("memory://b/png/0001.png")
    assert dataset.inputs.read(row) == (here / "png" / "0001.png").read_bytes()
    assert dataset.inputs.file(row) is None
    row = next(row for row in range(60) if dataset.path(row).endswith("/0002.png"))
    assert dataset.inputs.file(row) == here / "png" / "0002.png"


def test_paths_start_from_the_folder_of_a_list_elsewhere(bucket):
    rows = "../far/a.png,cat\n./b.png,dog\nmemory://other/c.png,cat\nmemory://b/lists/d.png,dog\n"
    bucket.pipe("/b/lists/list.csv", f"path,label\n{rows}".encode())
    dataset = load("memory://b/lists/list.csv")
    assert dict(zip(dataset.example_ids, map(dataset.path, range(4)), strict=True)) == {
        "../far/a.png": "memory://b/far/a.png",
        "b.png": "memory://b/lists/b.png",
        "memory://other/c.png": "memory://other/c.png",
        "d.png": "memory://b/lists/d.png",
    }


def test_a_list_elsewhere_cannot_name_files_of_this_machine(bucket):
    bucket.pipe("/b/list.csv", b"path,label\n/etc/a.png,cat\nfile:///etc/b.png,dog\n")
    assert [code for code, _ in refused("memory://b/list.csv")] == ["not-an-address"] * 2


def test_texts_in_class_folders_elsewhere_are_read(bucket):
    bucket.pipe({f"/b/{label}/{n}.txt": f"{label} {n}".encode() for label in ("good", "bad") for n in range(3)})
    dataset = load("memory://b")
    assert dataset.inputs.texts.tolist() == ["bad 0", "bad 1", "bad 2", "good 0", "good 1", "good 2"]
    assert dataset.path(0) == "memory://b/bad/0.txt"


def test_splits_and_hidden_files_elsewhere_are_as_on_this_machine(here, bucket):
    for place in ("train/cat/1.png", "train/dog/.2.png", "train/dog/3.png", "test/cat/4.png", "test/dog/5.gif"):
        bucket.pipe(f"/s/{place}", b"x")
        file = here.parent / "s" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    near, far = (load(data, split="train") for data in (str(here.parent / "s"), "memory://s/"))
    assert near.example_ids.tolist() == far.example_ids.tolist() == ["train/cat/1.png", "train/dog/3.png"]
    assert near.notes == far.notes
    assert near.name == far.name == "s"
    assert near.fingerprint() == far.fingerprint()


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ("memory://b/none.csv", "no-file", "memory://b/none.csv"),
        ("memory://b/none/", "no-file", "memory://b/none"),
        ("memory://b/run", "run-not-data", "memory://b/run"),
        ("memory://b/png", "no-class-folders", "memory://b/png"),
        ("memory://b/broken.npz", "unreadable", "memory://b/broken.npz"),
        ("memory://b/odd.csv", "broken-row", "odd.csv row 3"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_address(here, bucket, data, code, where):
    bucket.pipe({f"/b/run/{name}": b"" for name in ("run.json", "examples.csv", "fold-0-0/DONE")})
    bucket.pipe({"/b/broken.npz": b"PK\3\4", "/b/odd.csv": b"path,label\na.png,cat\nb,c,d\n"})
    (problem,) = problems_of(data)
    assert (problem.code, problem.where) == (code, where)
    assert "/tmp" not in str(problem)


@pytest.mark.parametrize("data", ["s3://key:hidden@bucket/train.csv", "https://hidden@host/train.csv"])
def test_an_address_with_credentials_is_refused_without_a_word_of_them(data):
    with refuses(ConfigError, "password-in-address") as caught:
        DatasetConfig(data=data)
    assert "hidden" not in str(caught.value)


def test_a_signed_address_of_the_data_is_refused_and_one_of_an_image_stays_out_of_what_is_written(tmp_path, server):
    with refuses(ConfigError, "not-an-address") as caught:
        DatasetConfig(data=f"{server}/list.csv?X-Amz-Signature=hidden")
    assert "hidden" not in str(caught.value)
    write_manifest(tmp_path / "list.csv", IMAGES, GIVEN)
    text = (tmp_path / "list.csv").read_text().replace("png/", f"{server}/png/").replace(".png", ".png?sig=hidden")
    (tmp_path / "signed").mkdir()
    (tmp_path / "signed" / "list.csv").write_text(text)
    run = detect(tmp_path / "signed" / "list.csv", tmp_path / "run")
    assert run.issues.scores["status"].eq("scored").all()
    assert run.issues.scores["path"].str.startswith(f"{server}/png/").all()
    written = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert len(written) > 5
    assert not any(b"hidden" in file.read_bytes() for file in written)


def test_data_on_a_web_server_is_read_but_for_folders(tmp_path, server):
    write_manifest(tmp_path / "list.csv", IMAGES, GIVEN)
    dataset = load(f"{server}/list.csv")
    assert dataset.example_ids[0] == "png/0000.png"
    assert dataset.inputs.read(0) == (tmp_path / "png" / "0000.png").read_bytes()


@pytest.fixture
def server(tmp_path):
    """The address of a web server of the files in ``tmp_path``, which takes no notice of a query."""
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    pytest.importorskip("aiohttp")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_the_report_shows_the_pictures_and_the_corrected_list_names_them(here, tmp_path):
    run = detect("memory://b/photos", tmp_path / "run")
    labelscan.report(run, output=tmp_path / "page.html")
    assert "data:image/png;base64" in (tmp_path / "page.html").read_text()
    decision = Decision(example_id=run.issues.scores["example_id"][0], verdict="drop")
    labelscan.apply(run.folder, decisions=[decision], output=tmp_path / "corrected.csv")
    corrected = pd.read_csv(tmp_path / "corrected.csv")
    assert corrected["path"].str.startswith("memory://b/photos/").all()
    assert form(DatasetConfig(data=str(tmp_path / "corrected.csv"))) == "manifest"
    assert isinstance(load(tmp_path / "corrected.csv").inputs, UrlImages)


def test_copies_of_sheets_are_removed_when_the_program_ends():
    program = """
import fsspec, pathlib
from labelscan.config import DatasetConfig
from labelscan.data.readers import copies
fsspec.filesystem("memory").pipe("/b/list.csv", b"path,label")
config = copies.with_copies(DatasetConfig(data="memory://b/list.csv"))
assert pathlib.Path(config.data).read_bytes() == b"path,label"
print(config.data)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not Path(ended.stdout.strip()).parent.parent.exists()
    assert ended.stderr == ""
