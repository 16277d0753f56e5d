"""A run that checks itself: what the second run may touch, and how it resumes."""

import json

import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from shapes import CLASSES, draw_shapes, write_folder
from sklearn.linear_model import LogisticRegression
from tiny_detect import N_EPOCHS, Recorder, contents, quick

import labelscan
from labelscan.errors import UsageError
from labelscan.events import EpochDone, FoldDone, Noted, StepStarted, Warned

CHECK = {"detection.self_check": 0.1}


@pytest.fixture(scope="module")
def labelled(shapes):
    images, _, given = shapes
    return images, given


@pytest.fixture(scope="module")
def checked(detect, tmp_path_factory):
    """Return a run with a self-check, which tests only read."""
    return detect(tmp_path_factory.mktemp("checked") / "run", CHECK)


def with_check(rate=0.1):
    return quick(**{"detection.self_check": rate})


def test_the_run_itself_stays_as_it_is_without_a_check(checked, finished):
    names = ("issues.csv", "scores.csv", "examples.csv", "folds.csv", "evidence.npz")
    assert contents(checked.folder, *names) == contents(finished.folder, *names)
    summary = json.loads((checked.folder / "summary.json").read_text())
    check = summary.pop("self_check")
    without = json.loads((finished.folder / "summary.json").read_text())
    assert without.pop("self_check") is None
    assert summary == without
    assert 15 <= check["n_planted"] <= 18  # a tenth, or as many as the classes have room for
    assert check["n_found"] == check["planted_and_found"]["count"] > check["n_planted"] / 2
    assert check["recall"]["low"] < check["recall"]["estimate"] <= check["recall"]["high"]


def test_the_second_run_has_planted_errors_on_labels_judged_right_and_is_a_run_of_its_own(checked):
    run = checked
    planted = pd.read_csv(run.folder / "self-check" / "planted.csv", index_col="example_id")
    scores = pd.read_csv(run.folder / "scores.csv", index_col="example_id", keep_default_na=False)
    again = pd.read_csv(run.folder / "self-check" / "scores.csv", index_col="example_id", keep_default_na=False)
    assert (scores.loc[planted.index, "flagged_by"] == "").all()
    assert (planted["given_label"] == scores.loc[planted.index, "given_label"]).all()
    assert (planted["given_label"] != planted["planted_label"]).all()
    assert (again.loc[planted.index, "given_label"] == planted["planted_label"]).all()
    others = scores.index.difference(planted.index)
    assert (again.loc[others, "given_label"] == scores.loc[others, "given_label"]).all()
    assert run.summary.self_check.n_found == again.loc[planted.index, "flagged"].sum()
    assert json.loads((run.folder / "self-check" / "run.json").read_text())["state"] == "finished"
    with refuses(UsageError, "planted-labels"):
        labelscan.gate(run.folder / "self-check", max_rate=1.0)
    assert labelscan.gate(run.folder, max_rate=1.0).passed
    assert not list(run.folder.rglob("images.npy"))


def test_images_are_decoded_once_for_both_runs(labelled, tmp_path):
    images, given = labelled
    folder = write_folder(tmp_path / "data", images, given)
    received = Recorder()
    labelscan.detect(folder, settings=with_check(), output=tmp_path / "run", notify=received)
    assert [event.step for event in received.of(StepStarted)].count("decode") == 1
    assert sum("again with 17 planted errors" in event.message for event in received.of(Noted)) == 1
    assert len(received.of(FoldDone)) == 6


def test_a_finished_run_trains_only_its_check_and_then_nothing(detect, checked, run_folder):
    received = Recorder()
    detect(run_folder, CHECK, notify=received)
    assert [event.reused for event in received.of(FoldDone)] == [True] * 3 + [False] * 3
    assert both(run_folder) == both(checked.folder)
    received = Recorder()
    detect(run_folder, CHECK, notify=received)
    assert not received.epochs()
    assert both(run_folder) == both(checked.folder)


def test_its_jobs_have_a_status_of_their_own(detect, checked, run_folder):
    own = [f"self-check/fold-0-{fold}" for fold in range(3)]
    assert [one.job for one in labelscan.status_of(checked.folder).jobs][-3:] == own
    assert labelscan.status_of(checked.folder).count("done") == 7
    seen = []

    def look(event):
        if isinstance(event, EpochDone):
            seen.extend(one.job for one in labelscan.status_of(run_folder).jobs if one.state == "running")

    detect(run_folder, CHECK, notify=look)
    assert set(seen) == set(own)


def both(folder):
    """Return what a run and its check left."""
    return contents(folder), contents(folder / "self-check")


def test_an_interrupted_check_keeps_finished_folds_and_ends_with_the_same_bytes(detect, checked, run_folder):
    def stop_in_its_second_fold(event):
        if isinstance(event, EpochDone) and event.fold == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect(run_folder, CHECK, notify=stop_in_its_second_fold)
    for folder in (run_folder, run_folder / "self-check"):
        assert json.loads((folder / "run.json").read_text())["state"] == "interrupted"
    assert contents(run_folder, "issues.csv") == contents(checked.folder, "issues.csv")
    received = Recorder()
    detect(run_folder, CHECK, resume=True, notify=received)
    assert [event.reused for event in received.of(FoldDone)] == [True] * 4 + [False] * 2
    assert received.epochs() == [(fold, epoch) for fold in (1, 2) for epoch in range(1, N_EPOCHS + 1)]
    assert both(run_folder) == both(checked.folder)


def test_another_rate_makes_another_check_and_a_fresh_run_deletes_it(labelled, tmp_path):
    images, given = draw_shapes(600)
    labelscan.detect(images, given, settings=with_check(0.1), output=tmp_path / "run", model=LogisticRegression())
    received = Recorder()
    run = labelscan.detect(
        images, given, settings=with_check(0.05), output=tmp_path / "run", model=LogisticRegression(), notify=received
    )
    assert [event.reused for event in received.of(FoldDone)] == [True] * 3 + [False] * 3
    assert run.summary.self_check.n_planted == 50  # at least; a tenth would be 60
    settings = with_check(0)
    labelscan.detect(images, given, settings=settings, output=tmp_path / "run", model=LogisticRegression(), fresh=True)
    assert not (tmp_path / "run" / "self-check").exists()


def test_no_error_is_planted_on_one_of_several_copies(labelled, tmp_path):
    images, given = (part.copy() for part in labelled)
    images[90:150] = images[30:90]
    given[90:150] = given[30:90]
    run = labelscan.detect(images, given, settings=with_check(), output=tmp_path / "run")
    planted = pd.read_csv(run.folder / "self-check" / "planted.csv")["example_id"]
    assert len(planted) > 10
    assert not planted.between(30, 149).any()
    again = json.loads((run.folder / "self-check" / "summary.json").read_text())
    assert again["n_label_conflicts"] == run.summary.n_label_conflicts == 0


def test_classes_that_are_too_small_and_models_that_learned_nothing_are_not_checked(labelled, tmp_path):
    images, given = labelled
    received = Recorder()
    run = labelscan.detect(images[:24], given[:24], settings=with_check(), output=tmp_path / "small", notify=received)
    assert run.summary.self_check is None
    assert "no class has 10 examples" in run.summary.warnings[-1]
    assert received.of(Warned)[-1].message == run.summary.warnings[-1]
    assert json.loads((run.folder / "summary.json").read_text())["warnings"][-1] == run.summary.warnings[-1]
    noise = np.random.default_rng(0).integers(0, 255, (180, 8, 8)).astype(np.uint8)
    run = labelscan.detect(noise, given, settings=with_check(), output=tmp_path / "noise")
    assert run.summary.warnings[-1] == "no self-check was made: the models learned nothing"
    assert not (run.folder / "self-check").exists()


def test_a_table_is_checked_too(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(600) % 3
    features = generator.normal(size=(600, 4)) + 4 * np.eye(4)[labels]
    given = labels.copy()
    given[::20] = (given[::20] + 1) % 3
    names = [CLASSES[label] for label in given]
    run = labelscan.detect(features, names, settings=with_check(), model=LogisticRegression(), output=tmp_path / "run")
    check = run.summary.self_check
    assert check.n_planted == 60
    assert check.recall.estimate > 0.8
    assert check.precision.estimate > 0.6
    assert check.wrong_labels_left.low <= check.wrong_labels_left.estimate <= check.wrong_labels_left.high < 30
