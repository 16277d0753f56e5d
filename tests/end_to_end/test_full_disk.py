"""A disk that takes no more: one error says where and what to do, and what is finished is kept."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from refusals import refuses
from tiny_detect import contents, quick

import labelscan
from labelscan.correction.decisions import Decision, write_decisions
from labelscan.errors import DiskError
from labelscan.jobs.files import CHECKPOINT_FILE
from labelscan.reporting.formats import FORMATS

REASONS = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is too large",
    errno.EROFS: "the file system is read-only",
}


def run(detect, folder, **more):
    return detect(folder, {"detection.self_check": 0.1, "training.epochs": 3, **more})


@pytest.fixture
def replaced(monkeypatch):
    """Return the places that files have been put at, and the one that the disk refuses, which may be set."""
    places, refused, replace = [], {}, Path.replace

    def put(partial, target):
        if target == refused.get("path"):
            raise OSError(refused["number"], os.strerror(refused["number"]), str(partial))
        places.append(target)
        return replace(partial, target)

    monkeypatch.setattr(Path, "replace", put)
    return places, refused


@pytest.fixture(scope="module")
def whole(detect, tmp_path_factory):
    return run(detect, tmp_path_factory.mktemp("whole") / "run").folder


def test_every_file_that_a_disk_refuses_is_named_and_the_run_goes_on_later(detect, whole, replaced, tmp_path):
    places, refused = replaced
    folder = tmp_path / "run"
    run(detect, folder)
    each = [path for path in dict.fromkeys(places) if path.name != CHECKPOINT_FILE]  # a run gets on without them
    shutil.rmtree(folder)
    assert any("self-check" in one.parts for one in each)
    assert {one.name for one in each} >= {
        "run.json",
        "images.npy",
        "images.npz",
        "DONE",
        "summary.json",
        "evidence.npz",
    }
    for number, path in enumerate(each):
        refused.update(path=path, number=list(REASONS)[number % len(REASONS)])
        with pytest.raises(DiskError) as error:
            run(detect, folder)
        (problem,) = error.value.problems
        assert problem.where == str(path)
        assert problem.problem.startswith(REASONS[refused["number"]])
        assert problem.problem.endswith("B are free there")
        assert "the same command goes on" in problem.hint
        assert error.value.exit_code == 3
        assert not list(folder.rglob("*.partial"))
    refused.clear()
    run(detect, folder)
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("appended", ["run/log.jsonl", "fold-0-1/log.jsonl"])
def test_files_that_grow_are_named_too(detect, whole, tmp_path, monkeypatch, appended):
    write = Path.open

    def opened(path, mode="r", **options):
        if path.as_posix().endswith(appended) and "a" in mode:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, mode, **options)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(DiskError, match=rf"{appended}: no space is left on the disk"):
        run(detect, tmp_path / "run")
    monkeypatch.undo()
    run(detect, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(whole)


def test_reports_corrected_labels_and_decisions_are_named_too(shapes, whole, replaced, tmp_path):
    images, _, given = shapes
    places, refused = replaced
    data = tmp_path / "data.npz"
    np.savez(data, images=images, labels=given)
    folder = labelscan.detect(str(data), settings=quick(**{"training.epochs": 1}), output=tmp_path / "run").folder
    decision = Decision(example_id="5", verdict="drop")
    tasks = {
        **{f"report {form}": lambda form=form: labelscan.report(folder, format=form) for form in FORMATS},
        "apply": lambda: labelscan.apply(folder, decisions=[decision]),
        "decisions": lambda: write_decisions([decision], folder / "decisions.csv"),
        "links": lambda: labelscan.report(folder, format="html", output=tmp_path / "deep" / "report.html"),
    }
    for what, task in tasks.items():
        places.clear()
        refused.clear()
        task()
        written = list(places)
        assert written, what
        for path in written:
            path.unlink(missing_ok=True)
        for path in written:
            refused.update(path=path, number=errno.ENOSPC)
            with refuses(DiskError, "disk"):
                task()
            assert not path.exists()


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a disk of its own, and what makes it a size; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not (mount and umount and sys.platform == "linux"):
        pytest.skip("no disk can be mounted here")

    def resize(size, *more):
        options = ",".join([f"size={size}k", *more])
        return subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)

    if resize(64).returncode:
        pytest.skip("no disk may be mounted here")
    try:
        yield place, resize
    finally:
        subprocess.run([umount, place], check=True)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_on_a_disk_that_fills_up_stops_and_ends_alike_on_a_larger_one(detect, whole, small_disk, processes):
    place, resize = small_disk
    failures = []
    for size in (64, 96, 128, 4096):
        resize(size, "remount")
        try:
            run(detect, place / "run", **{"executor.processes": processes})
            break
        except DiskError as error:
            failures.append(str(error))
    assert len(failures) >= 2, failures
    assert all("no space is left on the disk, " in one and str(place) in one for one in failures)
    assert contents(place / "run") == contents(whole)
