"""Tasks on Slurm, for which submitit's executors stand in, or a program that keeps what it is given."""

import dataclasses
import logging
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from refusals import refuses
from tiny_detect import contents, quick

import labelscan
from labelscan.__main__ import main
from labelscan.errors import ConfigError, Interrupted, RunError, RunFolderError
from labelscan.pipeline import planning, slurm
from labelscan.pipeline.run_plan import run_plan

pytest.importorskip("submitit")
from submitit.helpers import DelayedSubmission

ONE_TASK = "jobs_per_task=10,at_once=1,gpus=0"
"""One for the blocks of images, and one for the folds."""
IN_PROCESSES, HERE = f"cluster=local,{ONE_TASK}", f"cluster=debug,{ONE_TASK}"
"""Tasks in processes of their own, each of which imports torch, or within this one."""


@pytest.fixture
def settings_for(shapes, tmp_path, handlers, monkeypatch):
    """Return a function that makes settings of a run on Slurm."""
    monkeypatch.setattr(logging, "FileHandler", lambda path: logging.NullHandler())  # submitit leaves them open
    monkeypatch.setattr(slurm, "LOOK_SECONDS", 0.05)
    images, _, given = shapes
    np.savez(tmp_path / "arrays.npz", images=images, labels=given)

    def settings(options, **changes):
        changes = {"dataset.data": str(tmp_path / "arrays.npz"), "cache.folder": "none", **changes}
        return quick(**changes, **{"store.images_per_part": 60, "executor.name": f"slurm:{options}"})

    return settings


def process_of(task):
    """Return the process that Slurm would signal: that below the one which stands in for Slurm."""
    return next((one.pid for one in psutil.Process(int(task.job_id)).children()), None)


def logs_of(task):
    return Path(task.paths.stderr).read_text() + Path(task.paths.stdout).read_text()


@pytest.fixture
def settings_for_rows(settings_for, shapes, tmp_path):
    """Return a function that makes settings of a run on rows of numbers, which has no blocks: one task has all."""
    images, _, given = shapes
    table = pd.DataFrame(images.reshape(len(images), -1)).add_prefix("pixel ").assign(label=given)
    table.to_csv(tmp_path / "rows.csv", index=False)
    of_rows = {"dataset.data": str(tmp_path / "rows.csv"), "model.name": "mlp"}
    return lambda options, **changes: settings_for(options, **of_rows, **changes)


def test_a_task_that_is_preempted_is_queued_again_and_resumes(settings_for_rows, tmp_path):
    settings = settings_for_rows(IN_PROCESSES, **{"training.epochs": 150})
    plan = planning.plan(settings=settings, output=tmp_path / "run")
    submitted = slurm.submit(plan)
    (task,) = submitted.tasks
    while not (plan.folder / "fold-0-0" / "log.jsonl").exists():
        assert not task.done(), task.stderr()
        time.sleep(0.05)
    os.kill(process_of(task), signal.SIGUSR2)
    signalled = time.monotonic()
    while "Requeued job" not in logs_of(task):
        assert time.monotonic() - signalled < 30, "it went on as if nothing had happened"
        time.sleep(0.05)
    slurm.wait_for(submitted, lambda event: None)
    run = labelscan.detect(settings=settings, output=plan.folder, merge=True)
    alone = dataclasses.replace(settings, executor=quick().executor)
    expected = labelscan.detect(settings=alone, output=tmp_path / "alone")
    for name in ("issues.csv", "evidence.npz"):
        assert (run.folder / name).read_bytes() == (expected.folder / name).read_bytes(), name


def test_the_run_is_merged_and_shown_when_the_tasks_have_ended(settings_for, finished, tmp_path, monkeypatch):
    received = []
    settings = settings_for(IN_PROCESSES)
    run = labelscan.detect(settings=settings, output=tmp_path / "run", notify=received.append)
    assert (run.folder / "issues.csv").read_bytes() == (finished.folder / "issues.csv").read_bytes()
    assert any("2 tasks with 6 jobs are submitted" in getattr(event, "message", "") for event in received)
    logs = "".join(path.read_text() for path in (run.folder / "slurm").rglob("*.err"))
    assert "FoldDone(repeat=0, fold=2" in logs
    monkeypatch.setattr(slurm, "submit", lambda *_, **__: pytest.fail("a finished run needs no tasks"))
    assert labelscan.detect(settings=settings, output=tmp_path / "run").folder == run.folder
    arguments = [str(tmp_path / "arrays.npz"), "--executor", "slurm:cluster=local", "-o", str(run.folder), "--detach"]
    assert main(["detect", *arguments]) == 2


def test_tasks_that_are_left_alone_are_merged_by_hand(settings_for, tmp_path, capsys, monkeypatch):
    settings_for("")  # writes the data
    monkeypatch.chdir(tmp_path)
    command = ["detect", "arrays.npz", "--model", "small-cnn", "--folds", "3", "--epochs", "2", "-o", "run"]
    assert main([*command, "--detach"]) == 2
    assert "add --executor slurm" in capsys.readouterr().err
    submitted = []
    monkeypatch.setattr(
        slurm, "submit", lambda *given, submit=slurm.submit: submitted.append(submit(*given)) or submitted[0]
    )
    command += ["--executor", f"slurm:{HERE}"]
    assert main([*command, "--detach"]) == 0
    assert "run: 2 tasks are submitted" in capsys.readouterr().out
    assert all(task.done() for task in submitted[0].tasks)
    assert main([*command, "--merge", "-q"]) == 0
    assert capsys.readouterr().out.strip() == "run/issues.csv"


def test_a_task_that_fails_ends_the_run_with_its_reason(settings_for_rows, tmp_path):
    settings = settings_for_rows(IN_PROCESSES, **{"training.learning_rate": 1e30})
    with refuses(RunError, "job-failed"):
        labelscan.detect(settings=settings, output=tmp_path / "run")


@pytest.mark.parametrize("stop", [Interrupted("interrupted", "stopped"), KeyboardInterrupt()])
def test_who_stops_waiting_learns_how_to_stop_the_tasks(tmp_path, stop):
    task = type("Task", (), {"job_id": "17_0", "done": lambda self: False})()
    submitted = slurm.Submitted(tmp_path / "run", ("fold-0-0",), [task])
    received = []

    def end(event):
        raise stop

    with pytest.raises(type(stop)):
        slurm.wait_for(submitted, end, tell=received.append)
    assert re.search(r"the tasks go on: see labelscan status .*, or end them: scancel 17_0", received[0].message)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Return where a program in the place of Slurm's keeps what it was given last."""
    (tmp_path / "bin").mkdir()
    for name, does in (("sbatch", 'cp "$1" "$KEPT"; echo Submitted batch job 17'), ("srun", "true"), ("sacct", "true")):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("KEPT", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_slurm_is_given_what_the_settings_say(settings_for, kept, tmp_path, golden):
    settings = settings_for("partition=gpu,at_once=8,minutes=90,gpus=1,cpus=6,memory=32,account=lab")
    plan = planning.plan(settings=settings, output=tmp_path / "run")
    assert slurm.submit(plan).numbers == ["17_0", "17_1", "17_2"] * 2
    text = kept.read_text().replace(str(tmp_path), "/shared")
    golden("slurm.sbatch", re.sub(r"\S*python\S* ", "python ", text))


def test_folds_are_counted_by_task_and_blocks_are_shared_among_the_tasks_that_may_run(settings_for, kept, tmp_path):
    settings = settings_for("at_once=1,jobs_per_task=2")
    submitted = slurm.submit(planning.plan(settings=settings, output=tmp_path / "run"))
    each = [DelayedSubmission.load(task.paths.submitted_pickle).function.only for task in submitted.tasks]
    assert [len(only) for only in each] == [3, 2, 1]
    assert [name for only in each for name in only] == list(submitted.names)


def test_a_run_that_only_tasks_work_on_has_a_status_that_says_so(tmp_path):
    (tmp_path / "run" / "slurm").mkdir(parents=True)
    with refuses(RunFolderError, "no-run"):
        labelscan.status_of(tmp_path / "run")


def test_what_cannot_be_sent_is_refused(shapes, settings_for, tmp_path, monkeypatch):
    images, _, given = shapes
    in_memory = quick(**{"executor.name": "slurm:cluster=local"})
    with refuses(ConfigError, "in-memory"):
        labelscan.detect(images, given, settings=in_memory, output=tmp_path / "run")
    with refuses(ConfigError, "flags-conflict"):
        labelscan.detect(settings=settings_for("cluster=local"), output=tmp_path / "run", fresh=True)
    plan = planning.plan(settings=settings_for("cluster=local"), output=tmp_path / "run")
    for do in (run_plan, lambda plan: labelscan.run_only(plan, ["fold:0"])):  # which would train on a login node
        with refuses(ConfigError, "wrong-usage"):
            do(plan)
    monkeypatch.setenv("PATH", "/nowhere")
    with refuses(ConfigError, "no-slurm"):
        labelscan.detect(settings=settings_for("gpu"), output=tmp_path / "run")


@pytest.fixture
def submissions(monkeypatch):
    """Return all that is submitted."""
    every = []

    def submit(plan, notify=None, trainings=None, *, submit=slurm.submit):
        every.append(submit(plan, notify or (lambda event: None), trainings))
        return every[-1]

    monkeypatch.setattr(slurm, "submit", submit)
    return every


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def test_an_output_that_was_damaged_or_lost_is_made_again(settings_for, submissions, finished, tmp_path):
    settings = settings_for(HERE)
    plan = planning.plan(settings=settings, output=tmp_path / "run")
    slurm.wait_for(slurm.submit(plan), lambda event: None)
    flip(plan.folder / "fold-0-1" / "output.npz")
    (plan.folder / "fold-0-2" / "output.npz").unlink()
    run = labelscan.detect(settings=settings, output=plan.folder)
    assert [one.names for one in submissions[1:]] == [("fold-0-1", "fold-0-2")]
    assert contents(run.folder) == contents(finished.folder)


def test_folds_of_other_settings_are_trained_again(settings_for, submissions, finished, tmp_path):
    before = settings_for(HERE, **{"training.epochs": 1})
    slurm.wait_for(slurm.submit(planning.plan(settings=before, output=tmp_path / "run")), lambda event: None)
    run = labelscan.detect(settings=settings_for(HERE), output=tmp_path / "run")
    assert [one.names for one in submissions[1:]] == [(), ("fold-0-0", "fold-0-1", "fold-0-2")]
    assert contents(run.folder) == contents(finished.folder)


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_a_finished_run_whose_evidence_was_damaged_or_lost_is_made_again(
    settings_for, submissions, finished, tmp_path, damage
):
    settings = settings_for(HERE)
    labelscan.detect(settings=settings, output=tmp_path / "run")
    damage(tmp_path / "run" / "evidence.npz")
    with refuses(RunFolderError, "jobs-not-done"):
        labelscan.detect(settings=settings, output=tmp_path / "run", merge=True)
    run = labelscan.detect(settings=settings, output=tmp_path / "run")
    assert submissions[-1].names[-3:] == ("fold-0-0", "fold-0-1", "fold-0-2")
    assert contents(run.folder) == contents(finished.folder)
    n_submitted = len(submissions)
    labelscan.detect(settings=settings, output=tmp_path / "run")
    assert len(submissions) == n_submitted


def test_a_run_of_other_settings_or_a_folder_of_the_user_is_refused_before_anything_is_submitted(
    settings_for, run_folder, tmp_path
):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "code.py").touch()
    for folder, problem in ((run_folder, "other settings"), (tmp_path / "project", "not a run")):
        plan = planning.plan(settings=settings_for(HERE, **{"training.epochs": 1}), output=folder)
        with pytest.raises(RunFolderError, match=problem):
            slurm.submit(plan)
        assert not (folder / "slurm").exists()
