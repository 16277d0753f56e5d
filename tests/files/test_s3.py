"""Data in a bucket, served by moto on this machine; its server can be made to fail, to stop and to be slow."""

import time

import fsspec
import numpy as np
import pytest
from refusals import refuses
from s3_server import running_server
from shapes import draw_shapes, plant_errors, write_folder, write_manifest
from tiny_detect import quick

import labelscan
from labelscan.config import DatasetConfig
from labelscan.data.readers import read
from labelscan.errors import DatasetError
from labelscan.files import storage

pytest.importorskip("s3fs")
pytest.importorskip("moto")
IMAGES, TRUE = draw_shapes(36)
GIVEN = plant_errors(TRUE, [3, 17, 30])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Class folders, a manifest and arrays of the same images."""
    folder = tmp_path_factory.mktemp("s3")
    write_folder(folder / "photos", IMAGES, GIVEN)
    write_manifest(folder / "list.csv", IMAGES, GIVEN)
    np.savez(folder / "arrays.npz", images=IMAGES, labels=GIVEN)
    return folder


@pytest.fixture(scope="module")
def running(folder):
    """A server with these in the bucket ``bucket``."""
    with running_server() as server:
        fsspec.filesystem("s3").put(f"{folder}/", "bucket/", recursive=True)
        yield server


@pytest.fixture
def server(running):
    running.be_good()
    yield running
    running.be_good()


def tables(data, output, root):
    labelscan.detect(str(data), settings=quick(**{"training.epochs": 1}), output=output)
    return [(output / name).read_text().replace(root, "") for name in ("issues.csv", "scores.csv", "examples.csv")]


@pytest.mark.parametrize("name", ["photos", "list.csv", "arrays.npz"])
def test_a_run_on_a_bucket_has_the_tables_of_a_run_on_this_machine(server, folder, tmp_path, name):
    near = tables(folder / name, tmp_path / "near", f"{folder}/")
    assert tables(f"s3://bucket/{name}", tmp_path / "far", "s3://bucket/") == near


@pytest.mark.parametrize("fault", ["every", "back_at"])
def test_a_server_that_fails_for_a_moment_changes_nothing(server, folder, tmp_path, monkeypatch, fault):
    monkeypatch.setattr(storage, "FIRST_WAIT", 0.05)
    near = tables(folder / "photos", tmp_path / "near", f"{folder}/")
    setattr(server, fault, 10 if fault == "every" else time.monotonic() + 0.3)
    assert tables("s3://bucket/photos/", tmp_path / "far", "s3://bucket/") == near


def test_class_folders_are_listed_without_a_request_for_each_file(server):
    dataset = read(DatasetConfig(data="s3://bucket/photos"))
    assert len(dataset) == 36
    assert len(server.asked) == 2  # a look for shards at the top, and all that is below


def test_images_are_read_many_at_once(server, tmp_path):
    server.delay = 0.1
    started = time.monotonic()
    labelscan.detect("s3://bucket/photos", settings=quick(**{"training.epochs": 1}), output=tmp_path / "run")
    n_reads = sum(method == "GET" for method, _ in server.asked)
    assert n_reads >= 72  # once to know what the images are like, once to decode them
    assert time.monotonic() - started < n_reads * server.delay / 2


def test_a_bucket_that_is_not_there_is_named(server):
    with refuses(DatasetError, "no-file"):
        read(DatasetConfig(data="s3://nowhere/list.csv"))
