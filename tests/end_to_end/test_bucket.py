"""Runs that are kept in a bucket, and resumed from there by machines whose disks are their own."""

import fsspec
import pytest
from refusals import refuses
from s3_server import running_server
from shapes import draw_shapes, plant_errors, write_manifest
from tiny_detect import quick

import labelscan
from labelscan.__main__ import main
from labelscan.errors import ConfigError, Interrupted, RunFolderError, StorageError
from labelscan.events import EpochDone, FoldDone
from labelscan.files import storage
from labelscan.runs.bucket import folder_for

pytest.importorskip("s3fs")
pytest.importorskip("moto")
RESULTS = ("issues.csv", "scores.csv", "evidence.npz", "folds.csv")
N_IMAGES = 45
RUN = "s3://bucket/runs/first"


@pytest.fixture(scope="module")
def running():
    with running_server() as server:
        yield server


@pytest.fixture
def server(running):
    running.be_good()
    storage = fsspec.filesystem("s3")
    storage.invalidate_cache()
    if storage.exists("bucket/runs"):
        storage.rm("bucket/runs", recursive=True)
    yield running
    running.be_good()


@pytest.fixture(scope="module")
def folder(running, tmp_path_factory):
    """Return a manifest of a few images, which are in the bucket too."""
    folder = tmp_path_factory.mktemp("bucket") / "data"
    images, true_labels = draw_shapes(N_IMAGES)
    write_manifest(folder / "list.csv", images, plant_errors(true_labels, [5, 33]))
    fsspec.filesystem("s3").put(f"{folder}/", "bucket/data/", recursive=True)
    return folder


@pytest.fixture
def data(server, folder):
    """Return the address of the images of most tests in a bucket, as a manifest of photos."""
    return "s3://bucket/data/list.csv"


@pytest.fixture(scope="module")
def near(folder):
    """Return the results of the same run with data and run folder on this machine."""
    run = labelscan.detect(folder / "list.csv", settings=on(), output=folder.parent / "near")
    return tables(run.folder, str(folder))


def on(**changes):
    return quick(**{"store.images_per_part": N_IMAGES // 3, "cache.folder": "none", **changes})


def tables(folder, root):
    return {name: (folder / name).read_bytes().replace(root.encode(), b"") for name in RESULTS}


def in_bucket():
    return {name.removeprefix("bucket/runs/first/") for name in fsspec.filesystem("s3").find("bucket/runs/first")}


@pytest.mark.parametrize("away", [0.5, pytest.param(20, marks=pytest.mark.torture)])
def test_data_and_run_in_a_bucket_have_the_results_of_this_machine(server, data, near, tmp_path, monkeypatch, away):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "FIRST_WAIT", storage.FIRST_WAIT if away > 1 else 0.05)
    server.every, server.stops_at, server.away = 40, 150, away  # one request in forty fails, too
    run = labelscan.detect(data, settings=on(), output=RUN)
    assert not server.stops_at, "it has stopped"
    assert tables(run.folder, "s3://bucket/data") == near
    server.be_good()
    assert run.folder == folder_for(RUN)
    assert {*RESULTS, "run.json", "summary.json", "fold-0-0/DONE"} <= in_bucket()
    assert not [name for name in in_bucket() if name.endswith((".npy", "output.npz", "checkpoint.pt", ".lock"))]


def test_another_machine_resumes_from_the_folds_of_an_interrupted_one(data, near, tmp_path, monkeypatch):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "one")

    def stop(event):
        if isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 4):
            raise Interrupted("interrupted", "by the test")

    with pytest.raises(Interrupted):
        labelscan.detect(data, settings=on(), output=RUN, notify=stop)
    assert "fold-0-0/output.npz" in in_bucket()
    assert labelscan.status_of(RUN).count("done") >= 1
    monkeypatch.chdir(tmp_path / "two")
    received = []
    run = labelscan.detect(data, settings=on(), output=RUN, notify=received.append)
    assert {one.fold for one in received if isinstance(one, EpochDone)} == {1, 2}
    assert tables(run.folder, "s3://bucket/data") == near


def test_a_copy_of_another_run_is_not_mixed_in(data, near, tmp_path, monkeypatch):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    labelscan.detect(data, settings=on(**{"training.epochs": 1}), output=RUN)
    monkeypatch.chdir(tmp_path / "two")
    labelscan.detect(data, settings=on(), output=RUN, fresh=True)
    monkeypatch.chdir(tmp_path / "one")
    received = []
    run = labelscan.detect(data, settings=on(), output=RUN, notify=received.append)
    assert not [one for one in received if isinstance(one, EpochDone)], "all was finished on the other machine"
    assert tables(run.folder, "s3://bucket/data") == near


def test_a_self_check_is_resumed_on_another_machine(data, near, tmp_path, monkeypatch):
    settings = on(**{"detection.self_check": 0.1})
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    n_done = []

    def stop(event):
        n_done.extend([event] if isinstance(event, FoldDone) else [])
        if len(n_done) > 3 and isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 4):
            assert {"self-check/fold-0-0/DONE", "self-check/fold-0-0/output.npz"} <= in_bucket(), "before it ends"
            raise Interrupted("interrupted", "by the test")

    with pytest.raises(Interrupted):
        labelscan.detect(data, settings=settings, output=RUN, notify=stop)
    monkeypatch.chdir(tmp_path / "two")
    received = []
    run = labelscan.detect(data, settings=settings, output=RUN, notify=received.append)
    assert {one.fold for one in received if isinstance(one, EpochDone)} == {1, 2}
    assert run.summary.self_check is not None
    assert tables(run.folder, "s3://bucket/data") == near


def test_commands_for_a_run_in_a_bucket_take_its_address(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["status", RUN]) == 2
    assert f"{RUN}: there is no run here" in " ".join(capsys.readouterr().err.split())
    command = ["detect", data, "--model", "small-cnn", "--folds", "3", "--epochs", "2", "-o", RUN]
    assert main(command) == 0
    assert main(["status", RUN]) == 0
    assert "finished" in capsys.readouterr().out
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main([*command, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert RUN in said
    assert "3 of 3 folds finished" in said
    assert main(["apply", RUN, "--decisions", "none.csv"]) == 2
    assert f"{RUN}: this is an address" in " ".join(capsys.readouterr().err.split())


def test_what_cannot_be_is_refused(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refuses(RunFolderError, "run-in-bucket"):
        labelscan.run_only(labelscan.plan(data, settings=on(), output=RUN), ["fold:0"])
    with refuses(StorageError, "no-bucket", "s3://nowhere/run"):
        labelscan.detect(data, settings=on(), output="s3://nowhere/run")
    with refuses(ConfigError, "password-in-address"):
        labelscan.detect(data, settings=on(), output="s3://me:secret@bucket/run")
