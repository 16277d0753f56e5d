import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from refusals import refuses

from labelscan.errors import RunFolderError, UsageError
from labelscan.files.atomic import partial_path
from labelscan.runs import files as run_files
from labelscan.runs.files import (
    DECISIONS_FILE,
    LOCK_FILE,
    OWN_FILES,
    as_json,
    foreign_files,
    has_trained,
    is_uploaded,
    sweep_run,
)
from labelscan.runs.opening import is_locked, open_run
from labelscan.runs.record import Choices, CountedDecisions, Described, Identity, RunRecord, versions

DEPENDS = {"command": "detect", "training.epochs": 3}
DATA = {"fingerprint": "0123", "kind": "images", "examples": 10, "classes": 2}


def opened(folder, *, depends=DEPENDS, data=DATA, for_gate=False, **options):
    identity = Identity(settings={}, results_depend_on=depends, data=Described(**data), for_gate=for_gate)
    return open_run(folder, identity, **options)


def begin_again(folder, **options):
    with opened(folder, **options):
        pass


def a_record():
    said = {"state": "running", "started": "", "directory": "", "settings": {}, "results_depend_on": DEPENDS}
    return RunRecord(**said, data=Described(**DATA))


def edited(**changes):
    return json.dumps({**as_json(a_record()), **changes})


def train(folder):
    """Leave what a finished fold does."""
    (folder / "fold-0-0").mkdir(exist_ok=True)
    (folder / "fold-0-0" / "DONE").touch()


def state(folder):
    return json.loads((folder / "run.json").read_text())["state"]


OTHER_SETTINGS = {"depends": {**DEPENDS, "training.epochs": 0}}
OTHER_DATA = {"data": {**DATA, "fingerprint": "4567", "examples": 9}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"depends": {**DEPENDS, "command": "score"}}, "another command"),
        (OTHER_SETTINGS, "training.epochs was 3 and is automatic"),
        (OTHER_DATA, "examples was 10 and is 9"),
    ],
)
def test_another_run_in_the_folder_is_refused_with_what_differs(tmp_path, change, named):
    with opened(tmp_path):
        train(tmp_path)
    with refuses(RunFolderError, "other-run") as caught:
        begin_again(tmp_path, **change)
    assert named in str(caught.value)
    begin_again(tmp_path, **change, fresh=True)


@pytest.mark.parametrize("change", [OTHER_SETTINGS, OTHER_DATA])
def test_a_run_that_has_trained_nothing_starts_over_whatever_differs(tmp_path, change):
    with opened(tmp_path):
        (tmp_path / "fold-0-0").mkdir()
        (tmp_path / "fold-0-0" / "log.jsonl").touch()
        (tmp_path / "examples.csv").touch()
    with refuses(RunFolderError, "other-run"):
        begin_again(tmp_path, **change, resume=True)
    with opened(tmp_path, **change) as run:
        assert "this run" in run.started_over
        assert not (tmp_path / "examples.csv").exists()


def test_a_run_for_a_gate_replaces_one_of_changed_data_unless_somebody_uses_it(tmp_path):
    def begin(name, change=(), **options):
        with opened(tmp_path / name, **dict(change), **options) as run:
            train(run.path)
            return run.started_over

    begin("gate", for_gate=True)
    with refuses(RunFolderError, "other-run"):
        begin("gate", OTHER_SETTINGS, for_gate=True)
    with refuses(RunFolderError, "other-run"):
        begin("gate", OTHER_DATA)
    assert "examples was 10 and is 9" in begin("gate", OTHER_DATA, for_gate=True)
    assert begin("gate", OTHER_DATA, for_gate=True) == ""
    (tmp_path / "gate" / "decisions.csv").touch()
    with refuses(RunFolderError, "other-run"):
        begin("gate", for_gate=True)
    begin("detect")
    begin("detect", for_gate=True)  # of a run of detect, it is only shown
    with refuses(RunFolderError, "other-run"):
        begin("detect", OTHER_DATA, for_gate=True)


@pytest.mark.parametrize(
    ("content", "code", "named"),
    [
        ("{", "unreadable", ""),
        ("[]", "unreadable", ""),
        ('{"format_version": 0}', "other-version", ""),
        ('{"format_version": 1}', "damaged", "`state`"),
        (edited(state="lost"), "damaged", "`$.state`"),
        (edited(data={**DATA, "examples": "x"}), "damaged", "`$.data.examples`"),
        (edited(data={**DATA, "of_a_later_version": 1}), "other-version", "`$.data.of_a_later_version`"),
    ],
)
def test_a_damaged_record_is_refused_and_fresh_starts_over(tmp_path, content, code, named):
    (tmp_path / "run.json").write_text(content)
    with refuses(RunFolderError, code, "run.json") as caught:
        begin_again(tmp_path)
    assert named in str(caught.value)
    begin_again(tmp_path, fresh=True)
    assert state(tmp_path) == "finished"


def test_what_a_run_killed_at_its_start_leaves_is_none_of_others(tmp_path):
    (tmp_path / "fold-0-0").mkdir()
    (tmp_path / ".run.json.17.partial").write_text("{")
    begin_again(tmp_path)
    assert state(tmp_path) == "finished"


def test_a_start_over_that_is_cut_off_leaves_the_old_run_to_be_known_by(tmp_path, monkeypatch):
    def cut_off(*_, **__):
        raise KeyboardInterrupt

    with opened(tmp_path):
        train(tmp_path)
    monkeypatch.setattr(run_files.shutil, "rmtree", cut_off)
    with pytest.raises(KeyboardInterrupt):
        begin_again(tmp_path, **OTHER_DATA, fresh=True)
    monkeypatch.undo()
    with refuses(RunFolderError, "other-run"):
        begin_again(tmp_path, **OTHER_DATA)


def test_what_another_process_makes_and_deletes_at_this_moment_is_neither_an_error_nor_foreign(tmp_path):
    ended = threading.Event()

    def make_and_delete():
        while not ended.is_set():
            (tmp_path / "run.json").touch()
            (tmp_path / "fold-0-0").mkdir(exist_ok=True)
            (tmp_path / "fold-0-0").rmdir()
            (tmp_path / "run.json").unlink()

    other = threading.Thread(target=make_and_delete)
    other.start()
    try:
        for _ in range(400):
            has_trained(tmp_path, ())
            sweep_run(tmp_path, ())
            assert not foreign_files(tmp_path, ())
    finally:
        ended.set()
        other.join()


def test_a_second_process_is_refused_and_learns_who_writes(tmp_path):
    script = (
        "import sys, pathlib\n"
        "from labelscan.runs.opening import open_run\n"
        "from labelscan.runs.record import Described, Identity\n"
        f"identity = Identity(settings={{}}, results_depend_on={DEPENDS!r}, data=Described(**{DATA!r}))\n"
        "with open_run(pathlib.Path(sys.argv[1]), identity):\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "open\n"
        assert is_locked(tmp_path)
        with refuses(RunFolderError, "run-locked") as caught:
            begin_again(tmp_path)
        assert f"process {other.pid} on" in str(caught.value)
        other.kill()  # the lock ends with its process, however that ends
    assert not is_locked(tmp_path)
    begin_again(tmp_path)
    assert state(tmp_path) == "finished"


def test_who_begins_while_another_process_looks_whether_anybody_writes_is_not_refused(tmp_path):
    lock = FileLock(tmp_path / LOCK_FILE, thread_local=False)
    lock.acquire()
    looks = threading.Timer(0.2, lock.release)
    looks.start()
    begin_again(tmp_path)
    looks.join()
    assert state(tmp_path) == "finished"


def test_a_run_that_can_only_be_read_is_opened_and_not_written_where_it_is_finished(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    finished, interrupted = tmp_path / "finished", tmp_path / "interrupted"
    begin_again(finished)
    before = (finished / "run.json").read_bytes()
    with pytest.raises(KeyboardInterrupt), opened(interrupted):
        raise KeyboardInterrupt
    monkeypatch.setattr("labelscan.runs.opening.FileLock.acquire", refuse)
    with opened(finished) as run:
        assert run.is_read_only
        run.rewrite(replace(run.record, evidence_of="of others"))
    assert (finished / "run.json").read_bytes() == before
    for folder, options in ((interrupted, {}), (interrupted, {"fresh": True}), (finished, {"fresh": True})):
        with refuses(RunFolderError, "not-a-run-folder"):
            begin_again(folder, **options)


def go_on_until(folder, error):
    """Resume with other choices, and end with an error before anything is trained."""
    with opened(folder, begin=lambda run, record: replace(record, choices=run.earlier.choices)) as run:
        others = {**versions(), "torch": "0.0"}
        run.rewrite(replace(run.record, choices=Choices(threads=2), versions=others))
        raise error


def test_who_trains_nothing_leaves_what_the_folds_were_made_with_and_who_is_refused_leaves_everything(tmp_path):
    decisions = CountedDecisions(file="", number=1, fingerprint="0123")
    with opened(tmp_path, begin=lambda _, record: replace(record, choices=Choices(threads=1))) as run:
        train(tmp_path)
        run.rewrite(replace(run.record, decisions=decisions))
    before = RunRecord.read(tmp_path)
    with refuses(UsageError, "of-a-test"):
        go_on_until(tmp_path, UsageError("of-a-test", "no cluster answers"))
    assert replace(RunRecord.read(tmp_path), timings={}) == replace(before, timings={})
    with pytest.raises(KeyboardInterrupt):
        go_on_until(tmp_path, KeyboardInterrupt())
    after = RunRecord.read(tmp_path)
    assert (after.choices, after.versions, after.state) == (before.choices, before.versions, "interrupted")


OWN_PLACES = ("fold-0-0", "fold-0-1-opinion-2", "store", "self-check", "self-check/fold-0-0", "cells/ce-0/fold-0-0")


@pytest.mark.skipif(sys.platform == "win32", reason="there no process can be asked whether it runs")
@pytest.mark.parametrize("fresh", [False, True])
def test_what_a_killed_process_has_left_half_written_anywhere_in_a_run_is_swept(tmp_path, fresh):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    left = [
        (path := partial_path(tmp_path / place / "a.npz")).with_name(
            path.name.replace(str(os.getpid()), str(process.pid))
        )
        for place in ("", *OWN_PLACES, "users/folder")
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    a_record().write(tmp_path)
    begin_again(tmp_path, fresh=fresh, also_owns=("cells",))
    assert list(tmp_path.rglob("*.partial")) == left[-1:], "a folder that no run makes is left alone"


OUTSIDE = ["issues.csv", "log.jsonl", "run.json", "run.lock", "decisions.csv", "store", "fold-0-0", "cells"]
OUTSIDE += ["fold-0-0/checkpoint.pt", ".issues.csv.1.partial", "cells/ce-0/fold-0-0", "self-check/run.json"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("way", ["relative", "absolute", "dangling"])
def test_a_link_that_leads_out_of_the_run_is_refused_before_anything_is_written(tmp_path, name, way):
    folder, outside = tmp_path / "run", tmp_path / "outside"
    link = folder / name
    link.parent.mkdir(parents=True)
    if way != "dangling":
        outside.mkdir() if "." not in Path(name).name else outside.write_text("theirs")
    link.symlink_to(os.path.relpath(outside, link.parent) if way == "relative" else outside)
    if name != "run.json":
        a_record().write(folder)
    before = {path: path.lstat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}
    for options in ({}, {"fresh": True}):
        with refuses(RunFolderError, "link-outside", name) as error:
            begin_again(folder, also_owns=("cells",), **options)
        assert error.value.exit_code == 2
    assert {path: path.lstat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))} == before


def test_links_within_a_run_and_to_a_run_are_followed(tmp_path):
    folder, link = tmp_path / "run", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    (folder / "run.json").write_text("{}")
    (folder / "report.html").symlink_to("older.html")
    assert "report.html" in OWN_FILES
    begin_again(link, fresh=True)
    assert state(folder) == "finished"


@pytest.mark.parametrize(
    ("name", "goes"),
    [
        ("fold-0-0/output.npz", True),
        ("fold-0-0/DONE", True),
        ("self-check/fold-0-0/output.npz", True),
        ("store/images.npz", True),
        ("store/images.npy", False),
        ("store/images-part-0-of-3/output.npz", False),
        ("store/images-part-0-of-3/DONE", False),
        ("fold-0-0/checkpoint.pt", False),
        ("slurm/17_0_log.out", False),
    ],
)
def test_what_is_small_and_cannot_be_made_again_quickly_goes_into_a_bucket(name, goes):
    assert is_uploaded(name) == goes


def test_decisions_alone_do_not_keep_a_run_from_beginning_again(tmp_path):
    """``--fresh`` keeps them, and a run that is then refused leaves no run.json."""
    (tmp_path / DECISIONS_FILE).write_text("a person's work")
    begin_again(tmp_path, fresh=True)
    assert (tmp_path / DECISIONS_FILE).read_text() == "a person's work"
