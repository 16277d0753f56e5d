"""Processes that share a run: each shard is carried out by one of them, and the results are those of one process."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from crowd import Crowd
from cut_off import ENDED, Attempts, contents
from shapes import write_folder
from tiny_detect import quick

import labelscan
from labelscan import leases
from labelscan.__main__ import main
from labelscan.errors import Interrupted, RunFolderError, UsageError
from labelscan.events import EpochDone, FoldDone, StepStarted, TrainingPlanned, Warned
from labelscan.leases import Holder, Leases
from labelscan.pipeline import planning
from labelscan.pipeline.work import work
from labelscan.results.run_record import PACKAGES
from labelscan.results.run_status import status_of

IN_PARTS = {"store.images_per_part": 50, "cache.folder": "none"}
"""Four parts of 180 images."""


@pytest.fixture
def plan(shapes, tmp_path):
    images, _, given = shapes
    return planning.plan(images, given, settings=quick(**IN_PARTS), output=tmp_path / "run")


@pytest.fixture
def arrays(shapes, tmp_path):
    """Return the command for the same data in a file."""
    images, _, given = shapes
    np.savez(tmp_path / "arrays.npz", images=images, labels=given)
    settings = ["--set", "executor.threads=1", "--set", "executor.processes=1", "--set", "store.images_per_part=50"]
    return ["detect", str(tmp_path / "arrays.npz"), "--model", "small-cnn", "--folds", "3", "--epochs", "6", *settings]


def merged(plan, shapes):
    images, _, given = shapes
    return labelscan.detect(images, given, settings=plan.config, output=plan.folder, merges=True)


def test_shards_are_carried_out_one_by_one_and_merged_into_the_same_bytes(plan, shapes, finished):
    work(plan, only=["images:1..2"])
    assert [one.state for one in status_of(plan.folder).shards][:4] == ["waiting", "done", "done", "waiting"]
    work(plan, only=["fold:0-2"])
    found = {one.shard: one.state for one in status_of(plan.folder).shards}
    assert found == {
        **{f"images-part-{part}-of-4": "done" for part in range(4)},
        "images": "done",
        "fold-0-0": "waiting",
        "fold-0-1": "waiting",
        "fold-0-2": "done",
    }
    with pytest.raises(RunFolderError, match=r"2 shards are not finished: fold-0-0, fold-0-1; hint: leave --merge out"):
        merged(plan, shapes)
    assert work(plan).n_finished == 3
    run = merged(plan, shapes)
    for name in ("issues.csv", "scores.csv", "evidence.npz", "folds.csv", "summary.json"):
        assert (run.folder / name).read_bytes() == (finished.folder / name).read_bytes(), name
    assert not list(run.folder.glob("store/*.npy")), "what only training needs is gone"
    assert not list(run.folder.glob("store/*-part-*"))
    assert not (run.folder / "leases").exists()
    assert status_of(run.folder).count("done") == 8
    assert work(plan).is_finished


def test_a_part_whose_images_have_changed_since_is_made_anew(shapes, tmp_path):
    images, _, given = shapes
    data = write_folder(tmp_path / "data", images, given)
    plan = planning.plan(data, settings=quick(**IN_PARTS), output=tmp_path / "run")
    work(plan, only=["images:0..3"])
    one, other = sorted(data.rglob("*.png"))[:2]
    one.write_bytes(other.read_bytes())
    alone = labelscan.detect(data, settings=quick(**IN_PARTS), output=tmp_path / "alone")
    work(plan)
    run = labelscan.detect(data, settings=quick(**IN_PARTS), output=plan.folder, merges=True)
    assert contents(run.folder) == contents(alone.folder)


def test_parts_that_are_missing_stop_a_merge(plan, shapes):
    work(plan, only=["images:0"])
    with pytest.raises(
        RunFolderError, match="3 shards are not finished: images-part-1-of-4, images-part-2-of-4, images-part-3-of-4"
    ):
        merged(plan, shapes)


def test_detect_goes_on_from_what_workers_have_done(plan, shapes, finished):
    images, _, given = shapes
    work(plan, only=["images:3", "images:0"])
    run = labelscan.detect(images, given, settings=plan.config, output=plan.folder)
    assert (run.folder / "issues.csv").read_bytes() == (finished.folder / "issues.csv").read_bytes()


def test_workers_that_are_killed_and_started_again_leave_the_same_bytes(arrays, tmp_path):
    arrays = [*arrays, "--epochs", "100"]  # so that workers are killed before they are done
    assert Attempts([*arrays, "-o", str(tmp_path / "whole")], tmp_path / "log").run() == ENDED
    crowd = Crowd(arrays, tmp_path / "run", n_workers=2, n_kills=3, seconds=1.0)
    crowd.work()
    assert crowd.all_ended, (tmp_path / "log-0").read_text()
    assert crowd.n_killed
    assert all(len(files) == 1 for files in crowd.marks.values()), "a shard was carried out twice"
    assert main([*arrays, "-o", str(tmp_path / "run"), "--merge", "-q"]) == 0
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_shard_of_a_dead_process_elsewhere_is_told_and_taken_over(plan, monkeypatch):
    work(plan, only=["images"])
    monkeypatch.setattr(leases, "HEART_SECONDS", 0.05)
    monkeypatch.setattr("labelscan.results.run_status.HEART_SECONDS", 0.05)
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.5)
    far = replace(Holder(), host="far", host_key="another0")
    (plan.folder / "leases").mkdir()
    (plan.folder / "leases" / "fold-0-1.1.lease").write_bytes(far.to_bytes())
    (plan.folder / "leases" / "run.1.lease").write_bytes(far.to_bytes())
    status = status_of(plan.folder)
    assert status.writer == far
    assert status.is_writer_silent
    (silent,) = [one for one in status.shards if one.state == "silent"]
    assert (silent.shard, silent.host, silent.process) == ("fold-0-1", "far", far.process)
    work(plan)
    assert status_of(plan.folder).count("done") == 8


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        ({"versions": {"torch": "1.0"}}, r"the run was begun with labelscan None, here .*; torch 1\.0, here"),
        ({"choices": {"threads": 1, "device": {"name": "cuda:0"}}}, r"device\.name was cuda:0 and is cpu"),
    ],
)
def test_a_worker_that_would_work_otherwise_is_refused_by_name(plan, before, problem):
    work(plan, only=["images:0"])
    record = json.loads((plan.folder / "run.json").read_text())
    (plan.folder / "run.json").write_text(json.dumps(record | before))
    with pytest.raises(RunFolderError, match=problem):
        work(plan)


def test_a_run_of_another_command_is_left_as_it_is(plan, shapes, finished):
    evidence = np.load(finished.folder / "evidence.npz")
    labelscan.score(evidence["pred_probs"], shapes[2], output=plan.folder)
    before = (plan.folder / "run.json").read_bytes()
    with pytest.raises(RunFolderError, match="a run of another command"):
        work(plan)
    assert (plan.folder / "run.json").read_bytes() == before
    (plan.folder / "run.json").write_text('{"format_version": 99}')
    with pytest.raises(RunFolderError, match="another version of labelscan"):
        work(plan)


def test_who_is_refused_changes_nothing_in_the_run(plan, shapes, monkeypatch):
    work(plan, only=["fold:0-1"])
    before = json.loads((plan.folder / "run.json").read_text())
    with Leases(plan.folder / "leases") as others:
        others.take("fold-0-0")
        with monkeypatch.context() as patch:
            patch.setattr("labelscan.results.run_record._package_versions", lambda: dict.fromkeys(PACKAGES, "0.0"))
            with pytest.raises(RunFolderError, match="was begun with torch"):
                labelscan.detect(shapes[0], shapes[2], settings=plan.config, output=plan.folder)
        after = json.loads((plan.folder / "run.json").read_text())
        assert {key: after[key] for key in ("versions", "choices", "state", "shards")} == {
            key: before[key] for key in ("versions", "choices", "state", "shards")
        }
        with pytest.raises(RunFolderError, match="shards are not finished"):
            merged(plan, shapes)
    assert status_of(plan.folder).state == "running", "others may still work on it"
    assert work(plan).n_finished == 3


def test_a_detector_that_needs_more_trainings_is_begun_by_one_process(plan, shapes, finished):
    work(plan)
    merged(plan, shapes)
    images, _, given = shapes
    with_aum = quick(**IN_PARTS, **{"detection.detector": "aum"})
    with pytest.raises(RunFolderError, match="fewer trainings"):
        work(planning.plan(images, given, settings=with_aum, output=plan.folder))
    run = labelscan.detect(images, given, settings=with_aum, output=plan.folder)
    assert {"aum-0", "aum-1"} <= {one.shard for one in status_of(run.folder).shards if one.state == "done"}
    assert work(planning.plan(images, given, settings=with_aum, output=plan.folder)).is_finished


def test_rows_that_a_finished_run_has_dropped_are_made_anew_in_parts(plan, shapes, monkeypatch):
    work(plan)
    merged(plan, shapes)
    (plan.folder / "fold-0-1" / "DONE").unlink()
    monkeypatch.setattr("labelscan.training.executors.local.LocalExecutor.is_shared", True)
    run = labelscan.detect(shapes[0], shapes[2], settings=plan.config, output=plan.folder)
    assert status_of(run.folder).state == "finished"


def test_a_worker_with_other_settings_is_refused(plan, shapes):
    images, _, given = shapes
    work(plan, only=["fold:0-0"])
    other = planning.plan(images, given, settings=quick(**IN_PARTS, seed=1), output=plan.folder)
    with pytest.raises(RunFolderError, match="seed was 0 and is 1"):
        work(other)
    with pytest.raises(UsageError, match="the run has no shard fold:0-7"):
        work(plan, only=["fold:0-7"])


def test_parts_of_another_size_are_not_taken_for_ones_own(plan, shapes, finished):
    images, _, given = shapes
    work(plan, only=["images:1"])
    others = quick(**IN_PARTS | {"store.images_per_part": 120})
    run = labelscan.detect(images, given, settings=others, output=plan.folder)
    assert (run.folder / "scores.csv").read_bytes() == (finished.folder / "scores.csv").read_bytes()


def test_a_run_that_others_work_on_is_not_deleted(plan, shapes):
    images, _, given = shapes
    work(plan, only=["images:0"])
    with Leases(plan.folder / "leases") as others:
        assert others.take("images-part-1-of-4")
        for changes, options in (({}, {"fresh": True}), ({"training.epochs": 7}, {})):
            settings = quick(**IN_PARTS, **changes)
            with pytest.raises(RunFolderError, match="other processes work on this run: images-part-1-of-4"):
                labelscan.detect(images, given, settings=settings, output=plan.folder, **options)
    assert status_of(plan.folder).count("done") == 1


def test_a_machine_that_differs_does_not_train_again_what_workers_have_done(plan, shapes):
    images, _, given = shapes
    work(plan, only=["fold:0-0"])
    with Leases(plan.folder / "leases") as others:
        assert others.take("fold-0-1")
        settings = quick(**IN_PARTS, **{"executor.threads": 2})
        with pytest.raises(RunFolderError, match="threads was 1 and is 2"):
            labelscan.detect(images, given, settings=settings, output=plan.folder)


@pytest.mark.parametrize("how", ["other data", "other choices"])
def test_a_worker_that_holds_no_lease_writes_nothing_into_a_run_that_goes_on_otherwise(plan, shapes, how):
    """It has joined and planned, and another process is faster than its first lease."""
    images, _, given = shapes
    done = {}

    def go_on_otherwise(event):
        if isinstance(event, StepStarted) and not done:
            changed = {"executor.threads": 2} if how == "other choices" else {}
            settings, labels = quick(**IN_PARTS, **changed), given[::-1] if how == "other data" else given
            run = labelscan.detect(images, labels, settings=settings, output=plan.folder, fresh=how == "other data")
            done.update(files(run.folder))

    with pytest.raises(RunFolderError, match="started over since this process joined it, or goes on with other"):
        work(plan, notify=go_on_otherwise)
    assert done
    assert files(plan.folder) == done


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_who_is_stopped_before_it_trains_takes_no_fold_from_others(shapes, tmp_path):
    images, _, given = shapes
    as_it_was = quick(**IN_PARTS | {"executor.threads": 0})
    work(planning.plan(images, given, settings=as_it_was, output=tmp_path / "run"), only=["fold:0-0"])

    def stop(event):
        if isinstance(event, StepStarted | TrainingPlanned):
            raise Interrupted("by the test")

    otherwise = quick(**IN_PARTS | {"executor.threads": 3})
    with pytest.raises(Interrupted, match="by the test"):
        labelscan.detect(images, given, settings=otherwise, output=tmp_path / "run", notify=stop)
    heard = []
    labelscan.detect(images, given, settings=as_it_was, output=tmp_path / "run", notify=heard.append)
    assert [event.reused for event in heard if isinstance(event, FoldDone)] == [True, False, False]
    assert not any("trained again" in event.message for event in heard if isinstance(event, Warned))


def test_workers_join_a_run_that_another_process_has_just_begun(plan, shapes, finished):
    """A process that begins a run goes on as it has begun, so that those who joined while it decoded stay."""
    images, _, given = shapes
    generations = []

    def note(event):
        if isinstance(event, StepStarted | TrainingPlanned | FoldDone):
            generations.append(json.loads((plan.folder / "run.json").read_text())["generation"])

    labelscan.detect(images, given, settings=plan.config, output=plan.folder, notify=note)
    assert len(generations) >= 4
    assert len(set(generations)) == 1


def test_a_dead_worker_elsewhere_does_not_refuse_who_goes_on_otherwise(plan, shapes, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.5)
    images, _, given = shapes
    work(plan, only=["fold:0-0"])
    (plan.folder / "leases").mkdir(exist_ok=True)
    dead = replace(Holder(), host="far", host_key="another0")
    (plan.folder / "leases" / "fold-0-1.1.lease").write_bytes(dead.to_bytes())
    otherwise = quick(**IN_PARTS | {"executor.threads": 2})
    run = labelscan.detect(images, given, settings=otherwise, output=plan.folder)
    assert json.loads((run.folder / "run.json").read_text())["choices"]["threads"] == 2


def test_trainings_that_a_machine_adds_to_the_evidence_of_another_are_its_own(plan, shapes):
    images, _, given = shapes
    labelscan.detect(images, given, settings=plan.config, output=plan.folder)
    added = quick(**IN_PARTS | {"executor.threads": 2, "detection.detector": "aum"})
    labelscan.detect(images, given, settings=added, output=plan.folder)
    with pytest.raises(RunFolderError, match="one process adds them"):
        work(
            planning.plan(
                images, given, settings=quick(**IN_PARTS, **{"detection.detector": "aum"}), output=plan.folder
            )
        )


def test_why_a_model_was_chosen_is_no_other_choice(plan, shapes):
    work(plan, only=["fold:0-0"])
    path = plan.folder / "run.json"
    record = json.loads(path.read_text())
    record["choices"]["opinions"][0]["model_reason"] = "it was chosen automatically"
    path.write_text(json.dumps(record))
    labelscan.detect(shapes[0], shapes[2], settings=plan.config, output=plan.folder)
    assert json.loads(path.read_text())["generation"] == record["generation"]


def test_who_was_too_slow_writes_no_more_into_the_run(plan, shapes):
    images, _, given = shapes

    def lose(event):
        if isinstance(event, EpochDone):
            (mine,) = (plan.folder / "leases").glob("run.*")
            mine.write_bytes(Holder().to_bytes())
            (plan.folder / "run.json").write_text("that of another")
            raise RuntimeError("awake again")

    with pytest.raises(labelscan.RunError, match="awake again"):
        labelscan.detect(images, given, settings=plan.config, output=plan.folder, notify=lose)
    assert (plan.folder / "run.json").read_text() == "that of another"
    assert list((plan.folder / "leases").glob("run.*")), "the lease of another is not deleted"


def test_a_worker_takes_over_from_a_process_that_died_while_it_made_all_inputs(plan, finished):
    work(plan, only=["images:0"])
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    (plan.folder / "leases").mkdir()
    (plan.folder / "leases" / "images.1.lease").write_bytes(Holder(process=process.pid).to_bytes())
    work(plan)
    assert status_of(plan.folder).count("done") == 8


def test_a_worker_that_is_behind_hears_that_the_run_was_finished_meanwhile(plan, shapes, finished):
    behind = []

    def let_others_finish(event):
        if isinstance(event, StepStarted) and not behind:
            behind.append(event)
            work(plan)
            merged(plan, shapes)

    worked = work(plan, notify=let_others_finish)
    assert behind
    assert worked.is_finished
    assert contents(plan.folder) == contents(finished.folder)


def test_a_part_whose_deletion_was_cut_off_is_made_again(plan, shapes, finished):
    work(plan, only=["images"])
    part = next(plan.folder.glob("store/images-part-0-*"))
    (part / "rows.npy").unlink()
    work(plan)
    merged(plan, shapes)
    assert contents(plan.folder) == contents(finished.folder)


def test_a_dry_run_says_which_shards_it_would_carry_out(arrays, tmp_path, capsys):
    command = [*arrays, "-o", str(tmp_path / "run"), "--dry-run"]
    assert main([*command, "--shard", "fold:0-0..0-1", "--shard", "images:2"]) == 0
    assert "fold:0-0..0-1, images:2: 3 of 8" in " ".join(capsys.readouterr().out.split())
    assert main([*command, "--shard", "fold:0-9"]) == 2
    assert "the run has no shard fold:0-9" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


def test_the_command_says_what_comes_next(arrays, tmp_path, capsys):
    run = str(tmp_path / "run")
    assert main([*arrays, "-o", run, "--shard", "fold:0-0", "-q"]) == 0
    assert main(["status", run]) == 0
    assert "running; 8 shards: 2 waiting, 6 done" in capsys.readouterr().out
    assert main([*arrays, "-o", run, "--worker"]) == 0
    shown = capsys.readouterr().out
    assert "all 3 shards are done" in " ".join(shown.split())
    (merge,) = [line.partition("labelscan ")[2] for line in shown.splitlines() if line.startswith("merge")]
    assert main(["status", run]) == 0
    assert f"nobody has judged the labels yet: labelscan {merge}" in " ".join(capsys.readouterr().out.split())
    assert main([*arrays[:2], "-o", run, "--merge"]) == 2
    assert "take those of this run by --config" in " ".join(capsys.readouterr().err.split())
    assert main([*merge.split(), "-q"]) == 0
    assert main(["status", run, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert (told["state"], told["counts"]["done"], told["writer"]) == ("finished", 8, None)
    for wrong in (["--worker", "--merge"], ["--shard", "fold", "--fresh"], ["--merge", "--fresh"]):
        assert main([*arrays, "-o", run, *wrong]) == 2


def test_the_status_of_what_is_no_run_is_an_error_that_says_so(tmp_path, capsys):
    assert main(["status", str(tmp_path)]) == 2
    assert "there is no run here" in capsys.readouterr().err


def test_a_job_that_failed_is_told_with_the_reason(shapes, tmp_path):
    images, _, given = shapes

    class Fails:
        def fit(self, x, y):
            raise ValueError("no such luck")

        def predict_proba(self, x): ...

    with pytest.raises(labelscan.RunError, match="no such luck"):
        labelscan.detect(images, given, settings=quick(), model=Fails(), output=tmp_path / "run")
    (failed,) = [one for one in status_of(tmp_path / "run").shards if one.state == "failed"]
    assert failed.shard == "fold-0-0"
    assert "no such luck" in failed.why
