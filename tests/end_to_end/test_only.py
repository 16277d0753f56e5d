"""Jobs that other batch systems run: each process some of them, and one that merges."""

import io
import sys
import time
from contextlib import redirect_stdout

import numpy as np
import pytest
from refusals import refuses
from tiny_detect import contents, quick

import labelscan
from labelscan.__main__ import main
from labelscan.errors import RunFolderError, UsageError
from labelscan.events import EpochDone, FoldDone, Warned

IN_BLOCKS = {"store.images_per_part": 60, "cache.folder": "none"}


@pytest.fixture
def planned(shapes):
    images, _, given = shapes
    return lambda folder, **changes: labelscan.plan(
        images, given, settings=quick(**IN_BLOCKS, **changes), output=folder
    )


def test_jobs_run_one_by_one_give_the_bytes_of_one_run(detect, planned, finished, tmp_path):
    plan = planned(tmp_path / "run")
    assert labelscan.run_only(plan, ["images:0-1"]).jobs == ("images-part-0-of-3", "images-part-1-of-3")
    assert not (tmp_path / "run" / "run.json").exists(), "only the driver writes it"
    assert labelscan.run_only(plan, ["fold:2"]).jobs == ("fold-0-2",)
    with refuses(RunFolderError, "jobs-not-done"):
        detect(tmp_path / "run", IN_BLOCKS, merge=True)
    status = labelscan.status_of(tmp_path / "run")
    assert (status.state, status.count("done")) == ("not merged", 1)
    received = []
    assert labelscan.run_only(plan, ["fold:0-0..0-2"], received.append).jobs == ("fold-0-0", "fold-0-1", "fold-0-2")
    assert [one.fold for one in received if isinstance(one, FoldDone) and one.reused] == [2]
    received = []
    run = detect(tmp_path / "run", IN_BLOCKS, merge=True, notify=received.append)
    assert not [one for one in received if isinstance(one, EpochDone)]
    assert contents(run.folder) == contents(finished.folder)
    with refuses(UsageError, "unknown-job"):
        labelscan.run_only(plan, ["fold:3"])
    with refuses(RunFolderError, "other-run"):
        labelscan.run_only(planned(tmp_path / "run", **{"training.epochs": 5}), ["fold:0"])


def test_folds_of_unlike_machines_are_merged_with_a_warning(detect, planned, tmp_path):
    labelscan.run_only(planned(tmp_path / "run"), ["fold:0-0..0-1"])
    labelscan.run_only(planned(tmp_path / "run", **{"executor.threads": 2}), ["fold:2"])
    events = []
    detect(tmp_path / "run", IN_BLOCKS, merge=True, notify=events.append)
    assert [one.message for one in events if isinstance(one, Warned) and "unlike machines" in one.message]


def run_command(arguments):
    with redirect_stdout(io.StringIO()):
        sys.exit(main(arguments))


def test_processes_at_once_of_which_two_do_the_same_and_some_are_killed_give_the_same_bytes(
    shapes, finished, tmp_path, processes
):
    images, _, given = shapes
    np.savez(tmp_path / "arrays.npz", images=images, labels=given)
    command = ["detect", str(tmp_path / "arrays.npz"), "-q", "--cache", "none", "-o", str(tmp_path / "run")]
    command += ["--model", "small-cnn", "--folds", "3", "--epochs", "6"]
    for one in ("executor.threads=1", "executor.processes=1", "store.images_per_part=60"):
        command += ["--set", one]

    def started(job):
        process = processes.Process(target=run_command, args=([*command, "--only", job],))
        process.start()
        return process

    killed = [started("images"), started("fold:1")]
    while killed[1].is_alive() and not (tmp_path / "run" / "fold-0-1" / "log.jsonl").exists():
        time.sleep(0.01)
    for process in killed:
        process.kill()
        process.join()
    workers = [started(job) for job in ("images:2", "fold:0", "fold:1", "fold:1", "fold:2")]
    for process in workers:
        process.join()
    assert [process.exitcode for process in workers] == [0] * len(workers)
    assert main([*command, "--merge"]) == 0
    names = ("issues.csv", "evidence.npz")
    assert contents(tmp_path / "run", *names) == contents(finished.folder, *names)


def test_what_comes_next_is_said(shapes, tmp_path, capsys):
    images, _, given = shapes
    np.savez(tmp_path / "arrays.npz", images=images, labels=given)
    command = ["detect", str(tmp_path / "arrays.npz"), "--model", "small-cnn", "--folds", "3", "--epochs", "1"]
    command += ["-o", str(tmp_path / "run")]
    assert main([*command, "--only", "fold:0", "--dry-run"]) == 0
    assert "fold:0: 1 of 4" in capsys.readouterr().out
    assert main([*command, "--only", "fold:0"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1 job is done" in out
    assert "--merge" in out
    assert main([*command, "--only", "fold:0", "--merge"]) == 2
    assert main([*command, "--only", "folds:0"]) == 2
    assert "no job is called 'folds'" in " ".join(capsys.readouterr().err.split())


def test_the_status_of_a_run_says_what_is_done_running_and_left(detect, tmp_path):
    seen = []

    def look(event):
        if isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 2):
            seen.append(labelscan.status_of(tmp_path / "run"))

    detect(tmp_path / "run", notify=look)
    (status,) = seen
    assert status.state == "running"
    assert {one.job: one.state for one in status.jobs} == {
        "images": "done",
        "fold-0-0": "done",
        "fold-0-1": "running",
        "fold-0-2": "waiting",
    }
    running = next(one for one in status.jobs if one.state == "running")
    assert (running.epoch, running.n_epochs) == (2, 6)
    assert 0 <= running.age_seconds < 60
    after = labelscan.status_of(tmp_path / "run")
    assert (after.state, after.count("done")) == ("finished", 4)


def test_the_status_shows_a_fold_that_is_trained_again_as_not_done(planned, tmp_path):
    labelscan.run_only(planned(tmp_path / "run"), ["fold"])
    seen = []

    def look(event):
        if isinstance(event, EpochDone):
            seen.append({one.job: one.state for one in labelscan.status_of(tmp_path / "run").jobs})

    labelscan.run_only(planned(tmp_path / "run", **{"training.epochs": 1}), ["fold:1"], look)
    (states,) = seen
    assert {states[name] for name in ("fold-0-0", "fold-0-2")} == {"done"}
    assert states["fold-0-1"] == "running"


def test_a_folder_of_the_user_is_refused_and_nothing_in_it_is_deleted(planned, tmp_path):
    theirs = tmp_path / "project" / "fold-0-0" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("years of work")
    (tmp_path / "project" / "code.py").touch()
    with refuses(RunFolderError, "not-a-run-folder"):
        labelscan.run_only(planned(tmp_path / "project"), ["fold:0"])
    (tmp_path / "project" / "code.py").unlink()
    labelscan.run_only(planned(tmp_path / "project"), ["fold:0"])
    assert theirs.read_text() == "years of work"


def test_rows_of_other_data_are_not_used(tmp_path):
    labels = np.arange(60) % 2
    random = np.random.default_rng(0)
    informative, noise = labels[:, None] * 6 + random.normal(size=(60, 3)), random.normal(size=(60, 3))
    settings = quick(**{"model.name": "mlp", "training.epochs": 20})
    found = []
    for features, place in ((informative, "run"), (noise, "run"), (noise, "alone")):
        labelscan.run_only(labelscan.plan(features, labels, settings=settings, output=tmp_path / place), ["fold:0"])
        found.append((tmp_path / place / "fold-0-0" / "output.npz").read_bytes())
    assert found[0] != found[1] == found[2]


def test_blocks_of_another_size_are_not_mixed(detect, shapes, finished, tmp_path):
    images, _, given = shapes

    def plan(size):
        settings = quick(**{"cache.folder": "none", "store.images_per_part": size})
        return labelscan.plan(images, given, settings=settings, output=tmp_path / "run")

    labelscan.run_only(plan(50), ["images:0-1"])  # 180 images: four blocks of either size
    labelscan.run_only(plan(55), ["images:2-3"])
    run = detect(tmp_path / "run", {"cache.folder": "none"})
    assert contents(run.folder) == contents(finished.folder)
