"""Runs that are kept in a bucket, and shared there by workers whose disks are their own."""

from dataclasses import replace

import fsspec
import pytest
from s3_server import running_server
from shapes import draw_shapes, plant_errors, write_manifest
from tiny_detect import quick

import labelscan
from labelscan.__main__ import main
from labelscan.errors import ConfigError, Interrupted, RunFolderError
from labelscan.events import EpochDone, FoldDone
from labelscan.leases import Holder, Leases
from labelscan.pipeline import planning
from labelscan.pipeline.work import work
from labelscan.results.bucket import LeasesInBucket, folder_for
from labelscan.training import checkpoint

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


@pytest.mark.parametrize("away", [0, 2, pytest.param(20, marks=pytest.mark.torture)])
def test_data_and_run_in_a_bucket_have_the_results_of_this_machine(server, data, near, tmp_path, monkeypatch, away):
    monkeypatch.chdir(tmp_path)
    server.every, server.stops_at, server.away = (10, 150, away) if away else (0, 0, 0)  # one request in ten fails, too
    run = labelscan.detect(data, settings=on(), output=RUN)
    assert not server.stops_at, "it has stopped"
    assert tables(run.folder, "s3://bucket/data") == near
    server.be_good()
    assert run.folder == folder_for(RUN)
    assert {*RESULTS, "run.json", "summary.json", "fold-0-0/DONE"} <= in_bucket()
    assert not [name for name in in_bucket() if name.endswith((".npy", "output.npz", "checkpoint.pt", ".lease"))]


def test_workers_with_disks_of_their_own_share_a_run(server, data, near, tmp_path, monkeypatch):
    for place in ("one", "two", "three"):
        (tmp_path / place).mkdir()

    def planned(place, **changes):
        monkeypatch.chdir(tmp_path / place)
        return planning.plan(data, settings=on(**changes), output=RUN)

    work(planned("one"), only=["images:0..1"])
    work(planned("two"), only=["fold:0-1"])
    found = {one.shard: one.state for one in labelscan.status_of(RUN).shards}
    assert found.pop("fold-0-0") == found.pop("fold-0-2") == "waiting"
    assert set(found.values()) == {"done"}
    with pytest.raises(RunFolderError, match="2 shards are not finished: fold-0-0, fold-0-2"):
        labelscan.detect(data, settings=on(), output=RUN, merges=True)
    assert work(planned("one")).n_finished == 3
    assert not (tmp_path / "one" / folder_for(RUN) / "fold-0-1" / "output.npz").exists(), "no worker needs it"
    monkeypatch.chdir(tmp_path / "three")
    run = labelscan.detect(data, settings=on(), output=RUN, merges=True)
    assert tables(run.folder, "s3://bucket/data") == near
    again = labelscan.detect(data, settings=on(), output=RUN)
    assert tables(again.folder, "s3://bucket/data") == near


def test_a_machine_with_an_old_copy_joins_a_run_that_started_over(data, near, tmp_path, monkeypatch):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    work(planning.plan(data, settings=on(**{"training.epochs": 1}), output=RUN))
    monkeypatch.chdir(tmp_path / "two")

    def stop(event):
        if isinstance(event, EpochDone) and event.fold == 2:
            raise Interrupted("by the test")

    with pytest.raises(Interrupted):
        labelscan.detect(data, settings=on(), output=RUN, fresh=True, notify=stop)
    monkeypatch.chdir(tmp_path / "one")
    work(planning.plan(data, settings=on(), output=RUN))
    run = labelscan.detect(data, settings=on(), output=RUN, merges=True)
    assert tables(run.folder, "s3://bucket/data") == near


def test_two_workers_in_one_directory_have_copies_of_their_own(data, near, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def join(event):
        if isinstance(event, EpochDone) and not heard:
            heard.append(event)
            heard.append(work(planning.plan(data, settings=on(), output=RUN), only=["fold:0-2"]).folder)

    heard = []
    first = work(planning.plan(data, settings=on(), output=RUN), only=["fold:0-0..0-1"], notify=join)
    assert (first.folder, heard[1]) == (folder_for(RUN), folder_for(RUN).with_name(f"{folder_for(RUN).name}-2"))
    run = labelscan.detect(data, settings=on(), output=RUN, merges=True)
    assert tables(run.folder, "s3://bucket/data") == near


def test_another_machine_goes_on_from_the_checkpoint_of_an_interrupted_one(data, near, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGEST_SHARE", float("inf"))
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "one")

    def stop(event):
        if isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 4):
            raise Interrupted("by the test")

    with pytest.raises(Interrupted):
        labelscan.detect(data, settings=on(), output=RUN, notify=stop)
    monkeypatch.chdir(tmp_path / "two")
    heard = []
    run = labelscan.detect(data, settings=on(), output=RUN, notify=heard.append)
    epochs = [(one.fold, one.epoch) for one in heard if isinstance(one, EpochDone)]
    assert epochs == [(1, 5), (1, 6), *((2, epoch) for epoch in range(1, 7))]
    assert tables(run.folder, "s3://bucket/data") == near


def test_another_machine_goes_on_within_a_self_check(data, near, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGEST_SHARE", float("inf"))
    settings = on(**{"detection.self_check": 0.1})
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    heard = []

    def stop(event):
        heard.append(event)
        is_checking = sum(isinstance(one, FoldDone) for one in heard) > 3
        if is_checking and isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 4):
            assert {"self-check/fold-0-0/DONE", "self-check/fold-0-0/output.npz"} <= in_bucket(), "before it ends"
            raise Interrupted("by the test")

    with pytest.raises(Interrupted):
        labelscan.detect(data, settings=settings, output=RUN, notify=stop)
    monkeypatch.chdir(tmp_path / "two")
    heard = []
    run = labelscan.detect(data, settings=settings, output=RUN, notify=heard.append)
    epochs = [(one.fold, one.epoch) for one in heard if isinstance(one, EpochDone)]
    assert epochs == [(1, 5), (1, 6), *((2, epoch) for epoch in range(1, 7))]
    assert run.summary.self_check is not None
    assert tables(run.folder, "s3://bucket/data") == near


def test_commands_for_a_run_in_a_bucket_are_given_its_address(data, near, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["status", RUN]) == 2
    assert f"{RUN}: there is no run here" in " ".join(capsys.readouterr().err.split())
    command = ["detect", data, "--model", "small-cnn", "--folds", "3", "--epochs", "2", "-o", RUN]
    assert main([*command, "--worker"]) == 0
    commands = [line.partition("labelscan ") for line in capsys.readouterr().out.splitlines()]
    merge, status = [arguments.split() for _, is_command, arguments in commands if is_command]
    assert main(status) == 0
    assert " ".join(merge) in " ".join(capsys.readouterr().out.split())
    assert main(merge) == 0
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


def test_a_lease_in_a_bucket_is_held_by_one(server):
    place = LeasesInBucket(f"{RUN}/leases")
    with Leases(place) as mine, Leases(place) as others:
        assert mine.take("fold-0-0")
        assert not others.take("fold-0-0")
        assert others.holder("fold-0-0").process == mine.holder("fold-0-0").process
        mine.release("fold-0-0")
        assert others.take("fold-0-0")
    assert place.names() == []
    place.create("a.1.lease", replace(Holder(), host_key="another0").to_bytes())
    with pytest.raises(FileExistsError):
        place.create("a.1.lease", b"")
    place.create("a.1.lease", place.read("a.1.lease"))  # again, since the answer was lost
    with pytest.raises(FileNotFoundError):
        place.replace("b.1.lease", b"")


def test_what_cannot_be_is_refused(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="start workers in its place: --worker"):
        labelscan.detect(data, settings=on(**{"executor.name": "ray"}), output=RUN)
    with pytest.raises(RunFolderError, match=r"s3://nowhere/run: cannot be written .*; hint: make the bucket"):
        labelscan.detect(data, settings=on(), output="s3://nowhere/run")
    with pytest.raises(ConfigError, match="holds a user and password"):
        labelscan.detect(data, settings=on(), output="s3://me:secret@bucket/run")
