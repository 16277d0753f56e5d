"""Workers on Slurm, for which submitit's local executor stands in, or a program that keeps what it is given."""

import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from tiny_detect import quick

import labelscan
from labelscan.__main__ import main
from labelscan.errors import ConfigError, Interrupted, RunError, RunFolderError, StorageError
from labelscan.leases import Leases
from labelscan.pipeline import planning, slurm
from labelscan.pipeline.carry_out import carry_out

pytest.importorskip("submitit")


@pytest.fixture
def settings_for(shapes, tmp_path):
    """Return a function that makes settings of a run on Slurm."""
    images, _, given = shapes
    np.savez(tmp_path / "arrays.npz", images=images, labels=given)

    def settings(options, **changes):
        changes = {"dataset.data": str(tmp_path / "arrays.npz"), "cache.folder": "none", **changes}
        return quick(**changes, **{"store.images_per_part": 60, "executor.name": f"slurm:{options}"})

    return settings


def trains(job, folder):
    """Return whether the process of a job has taken a fold."""
    held = Leases(folder / "leases").held()
    return any(name.startswith("fold") and holder.process == process_of(job) for name, holder in held.items())


def process_of(job):
    """Return the process that Slurm would signal: that below the one which stands in for Slurm."""
    return next((one.pid for one in psutil.Process(int(job.job_id)).children()), None)


def said_by(job):
    return Path(job.paths.stderr).read_text() + Path(job.paths.stdout).read_text()


def test_workers_share_a_run_and_one_that_is_preempted_is_queued_again_and_goes_on(settings_for, tmp_path):
    settings = settings_for("cluster=local,workers=2,gpus=0", **{"training.epochs": 400})
    plan = planning.plan(settings=settings, output=tmp_path / "run")
    submitted = slurm.submit(plan)
    first, _ = submitted.jobs
    while not trains(first, plan.folder):
        assert not first.done(), first.stderr()
        time.sleep(0.05)
    os.kill(process_of(first), signal.SIGUSR2)
    signalled = time.monotonic()
    while "Requeued job" not in said_by(first):
        assert time.monotonic() - signalled < 30, "it went on as if nothing had happened"
        time.sleep(0.05)
    assert not all((plan.folder / f"fold-0-{fold}" / "DONE").exists() for fold in range(3))
    slurm.wait_for(submitted, lambda event: None)
    while not all(job.done() for job in submitted.jobs):
        time.sleep(0.05)
    alone = quick(**{"dataset.data": str(tmp_path / "arrays.npz"), "training.epochs": 400})
    expected = labelscan.detect(settings=alone, output=tmp_path / "alone")
    for name in ("issues.csv", "evidence.npz"):
        assert (plan.folder / name).read_bytes() == (expected.folder / name).read_bytes(), name


def test_the_run_is_shown_when_the_workers_have_ended(settings_for, finished, tmp_path, monkeypatch):
    heard = []
    settings = settings_for("cluster=local,workers=1,gpus=0")
    run = labelscan.detect(settings=settings, output=tmp_path / "run", notify=heard.append)
    assert (run.folder / "issues.csv").read_bytes() == (finished.folder / "issues.csv").read_bytes()
    assert not run.folder.joinpath("leases").exists()
    assert any("workers are jobs" in getattr(event, "message", "") for event in heard)
    said = "".join(path.read_text() for path in (run.folder / "slurm").rglob("*.err"))
    assert "FoldDone(repeat=0, fold=2" in said
    monkeypatch.setattr(slurm, "submit", lambda *_: pytest.fail("a finished run needs no workers"))
    assert labelscan.detect(settings=settings, output=tmp_path / "run").folder == run.folder
    arguments = [str(tmp_path / "arrays.npz"), "--executor", "slurm:cluster=local", "-o", str(run.folder), "--detach"]
    assert main(["detect", *arguments]) == 2


def test_workers_that_are_left_alone_can_be_merged_by_hand(shapes, settings_for, tmp_path, capsys, monkeypatch):
    settings_for("")  # writes the data
    monkeypatch.chdir(tmp_path)
    command = ["detect", "arrays.npz", "--model", "small-cnn", "--folds", "3", "--epochs", "2", "-o", "run", "--detach"]
    assert main(command) == 2
    assert "add --executor slurm" in capsys.readouterr().err
    jobs = []
    monkeypatch.setattr(slurm, "submit", lambda *given, submit=slurm.submit: jobs.append(submit(*given)) or jobs[0])
    assert main([*command, "--executor", "slurm:cluster=local,workers=1,gpus=0"]) == 0
    told = capsys.readouterr().out
    assert "run: 1 worker is submitted" in told
    while not jobs[0].jobs[0].done():
        time.sleep(0.05)
    (merge,) = [line.partition("labelscan ")[2] for line in told.splitlines() if line.startswith("merge")]
    assert main([*merge.split(), "-q"]) == 0
    assert capsys.readouterr().out.strip() == "run/issues.csv"


def test_a_worker_that_fails_ends_the_run_with_its_reason(settings_for, tmp_path):
    settings = settings_for("cluster=local,workers=1,gpus=0", **{"training.learning_rate": 1e30})
    with pytest.raises(RunError, match=r"a worker failed: .*the loss became nan"):
        labelscan.detect(settings=settings, output=tmp_path / "run")


@pytest.mark.parametrize("stop", [Interrupted("stopped"), KeyboardInterrupt()])
def test_who_stops_waiting_is_told_how_to_stop_the_workers(tmp_path, stop):
    submitted = slurm.Submitted(
        tmp_path / "run", "run", [type("Job", (), {"job_id": "17_0", "done": lambda self: False})()]
    )
    heard = []

    def end(event):
        raise stop

    with pytest.raises(type(stop)):
        slurm.wait_for(submitted, end, tell=heard.append)
    assert re.search(r"the workers go on: see labelscan status .*, or end them: scancel 17_0", heard[0].message)


def test_a_storage_that_fails_for_a_moment_ends_no_wait(tmp_path, monkeypatch):
    class Job:
        job_id = "17_0"

        def done(self):
            return len(asked) > 1

        def exception(self):
            return None

    asked = []

    def count(place):
        asked.append(place)
        raise StorageError("the storage does not answer", where=place)

    monkeypatch.setattr(slurm, "count_done", count)
    monkeypatch.setattr(slurm, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(slurm, "COUNT_SECONDS", 0.01)
    slurm.wait_for(slurm.Submitted(tmp_path / "run", "s3://bucket/run", [Job()]), lambda event: None)
    assert set(asked) == {"s3://bucket/run"}


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
    settings = settings_for("partition=gpu,workers=10,minutes=90,gpus=1,cpus=6,memory=32,account=lab")
    plan = planning.plan(settings=settings, output=tmp_path / "run")
    assert slurm.submit(plan).names == [f"17_{number}" for number in range(10)]
    text = kept.read_text().replace(str(tmp_path), "/shared")
    golden("slurm.sbatch", re.sub(r"\S*python\S* ", "python ", text))


def test_a_run_that_no_worker_has_begun_has_a_status_that_says_so(tmp_path):
    (tmp_path / "run" / "slurm").mkdir(parents=True)
    with pytest.raises(RunFolderError, match="no worker has begun the run yet"):
        labelscan.status_of(tmp_path / "run")


@pytest.mark.usefixtures("kept")
def test_workers_that_are_added_are_told_as_such(settings_for, tmp_path):
    plan, heard = planning.plan(settings=settings_for("workers=1"), output=tmp_path / "run"), []
    slurm.submit(plan, heard.append)
    assert not heard
    slurm.submit(plan, heard.append)
    assert "these are more workers" in heard[0].message
    assert not any(one.submission().function.judges for one in slurm.submit(plan).jobs), "the first array has one"


def test_what_cannot_be_sent_is_refused(shapes, settings_for, tmp_path, monkeypatch):
    images, _, given = shapes
    in_memory = quick(**{"executor.name": "slurm:cluster=local"})
    with pytest.raises(ConfigError, match="data in memory cannot be sent to Slurm"):
        labelscan.detect(images, given, settings=in_memory, output=tmp_path / "run")
    with pytest.raises(ConfigError, match="delete the run folder first"):
        labelscan.detect(settings=settings_for("cluster=local"), output=tmp_path / "run", fresh=True)
    plan = planning.plan(settings=settings_for("cluster=local"), output=tmp_path / "run")
    for do in (carry_out, labelscan.work):  # which would train on the machine that jobs are submitted from
        with pytest.raises(ConfigError, match="only detect sends workers to Slurm"):
            do(plan)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="submit from a machine that has sbatch"):
        labelscan.detect(settings=settings_for("gpu"), output=tmp_path / "run")
