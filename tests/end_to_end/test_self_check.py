"""A run that checks itself: what the second run may touch, and how it is taken up again."""

import json

import numpy as np
import pandas as pd
import pytest
from shapes import CLASSES, draw_shapes, plant_errors, write_folder
from sklearn.linear_model import LogisticRegression

import labelscan
from labelscan.errors import UsageError
from labelscan.events import EpochDone, FoldDone, Noted, StepStarted, Warned

PLANTED = [5, 33, 61, 100, 121, 140]


@pytest.fixture(scope="module")
def shapes():
    images, true_labels = draw_shapes(180)
    return images, plant_errors(true_labels, PLANTED)


@pytest.fixture(scope="module")
def plain(shapes, tmp_path_factory):
    """Make a run without a self-check."""
    return labelscan.detect(*shapes, settings=quick(0), output=tmp_path_factory.mktemp("plain") / "run")


def quick(rate=0.1, **changes):
    overrides = {"training.epochs": 6, "executor.processes": 1, "detection.self_check": rate, **changes}
    return labelscan.settings(overrides=overrides, folds=3)


def contents(folder, *names):
    names = names or ("issues.csv", "scores.csv", "examples.csv", "folds.csv", "summary.json", "evidence.npz")
    return {name: (folder / name).read_bytes() for name in names}


class Recorder:
    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def test_the_run_itself_stays_as_it_is_without_a_check(shapes, plain, tmp_path):
    run = labelscan.detect(*shapes, settings=quick(), output=tmp_path / "run")
    names = ("issues.csv", "scores.csv", "examples.csv", "folds.csv", "evidence.npz")
    assert contents(run.folder, *names) == contents(plain.folder, *names)
    summary = json.loads((run.folder / "summary.json").read_text())
    check = summary.pop("self_check")
    without = json.loads((plain.folder / "summary.json").read_text())
    assert without.pop("self_check") is None
    assert summary == without
    assert 15 <= check["n_planted"] <= 18  # a tenth, or as many as the classes have room for
    assert check["n_found"] == check["planted_and_found"]["count"] > check["n_planted"] / 2
    assert check["recall"]["low"] < check["recall"]["estimate"] <= check["recall"]["high"]


def test_the_second_run_has_planted_errors_on_labels_judged_right_and_is_a_run_of_its_own(shapes, plain, tmp_path):
    images, given = shapes
    run = labelscan.detect(images, given, settings=quick(), output=tmp_path / "run")
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
    with pytest.raises(UsageError, match="were planted"):
        labelscan.gate(run.folder / "self-check", max_rate=1.0)
    assert labelscan.gate(run.folder, max_rate=1.0).passed
    assert not list(run.folder.rglob("images.npy"))


def test_images_are_decoded_once_for_both_runs(shapes, tmp_path):
    images, given = shapes
    folder = write_folder(tmp_path / "data", images, given)
    heard = Recorder()
    labelscan.detect(folder, settings=quick(), output=tmp_path / "run", notify=heard)
    assert [event.step for event in heard.of(StepStarted)].count("decode") == 1
    assert sum("again with 17 planted errors" in event.message for event in heard.of(Noted)) == 1
    assert len(heard.of(FoldDone)) == 6


def test_a_finished_run_trains_only_its_check_and_then_nothing(shapes, plain, tmp_path):
    labelscan.detect(*shapes, settings=quick(0), output=tmp_path / "run")
    heard = Recorder()
    run = labelscan.detect(*shapes, settings=quick(), output=tmp_path / "run", notify=heard)
    assert [event.reused for event in heard.of(FoldDone)] == [True] * 3 + [False] * 3
    before = contents(run.folder), contents(run.folder / "self-check")
    heard = Recorder()
    labelscan.detect(*shapes, settings=quick(), output=tmp_path / "run", notify=heard)
    assert not heard.of(EpochDone)
    assert (contents(run.folder), contents(run.folder / "self-check")) == before


def test_an_interrupted_check_is_taken_up_where_it_stopped_with_the_same_bytes(shapes, tmp_path):
    whole = labelscan.detect(*shapes, settings=quick(), output=tmp_path / "whole")
    finished = []

    def stop_in_the_fifth_fold(event):
        if isinstance(event, FoldDone):
            finished.append(event)
        if isinstance(event, EpochDone) and len(finished) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        labelscan.detect(*shapes, settings=quick(), output=tmp_path / "run", notify=stop_in_the_fifth_fold)
    for folder in (tmp_path / "run", tmp_path / "run" / "self-check"):
        assert json.loads((folder / "run.json").read_text())["state"] == "interrupted"
    assert (tmp_path / "run" / "issues.csv").read_bytes() == (whole.folder / "issues.csv").read_bytes()
    heard = Recorder()
    labelscan.detect(*shapes, settings=quick(), output=tmp_path / "run", resume=True, notify=heard)
    assert [event.reused for event in heard.of(FoldDone)] == [True] * 4 + [False] * 2
    assert contents(tmp_path / "run") == contents(whole.folder)
    assert contents(tmp_path / "run" / "self-check") == contents(whole.folder / "self-check")


def test_another_rate_makes_another_check_and_a_fresh_run_deletes_it(shapes, tmp_path):
    images, given = draw_shapes(600)
    labelscan.detect(images, given, settings=quick(0.1), output=tmp_path / "run", model=LogisticRegression())
    heard = Recorder()
    run = labelscan.detect(
        images, given, settings=quick(0.05), output=tmp_path / "run", model=LogisticRegression(), notify=heard
    )
    assert [event.reused for event in heard.of(FoldDone)] == [True] * 3 + [False] * 3
    assert run.summary.self_check.n_planted == 50  # at least; a tenth would be 60
    settings = quick(0)
    labelscan.detect(images, given, settings=settings, output=tmp_path / "run", model=LogisticRegression(), fresh=True)
    assert not (tmp_path / "run" / "self-check").exists()


def test_no_error_is_planted_on_one_of_several_copies(shapes, tmp_path):
    images, given = (part.copy() for part in shapes)
    images[90:150] = images[30:90]
    given[90:150] = given[30:90]
    run = labelscan.detect(images, given, settings=quick(), output=tmp_path / "run")
    planted = pd.read_csv(run.folder / "self-check" / "planted.csv")["example_id"]
    assert len(planted) > 10
    assert not planted.between(30, 149).any()
    again = json.loads((run.folder / "self-check" / "summary.json").read_text())
    assert again["n_label_conflicts"] == run.summary.n_label_conflicts == 0


def test_classes_that_are_too_small_and_models_that_learned_nothing_are_not_checked(shapes, tmp_path):
    images, given = shapes
    heard = Recorder()
    run = labelscan.detect(images[:24], given[:24], settings=quick(), output=tmp_path / "small", notify=heard)
    assert run.summary.self_check is None
    assert "no class has 10 examples" in run.summary.warnings[-1]
    assert heard.of(Warned)[-1].message == run.summary.warnings[-1]
    assert json.loads((run.folder / "summary.json").read_text())["warnings"][-1] == run.summary.warnings[-1]
    noise = np.random.default_rng(0).integers(0, 255, (180, 8, 8)).astype(np.uint8)
    run = labelscan.detect(noise, given, settings=quick(), output=tmp_path / "noise")
    assert run.summary.warnings[-1] == "no self-check was made: the models learned nothing"
    assert not (run.folder / "self-check").exists()


def test_a_table_is_checked_too(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(600) % 3
    features = generator.normal(size=(600, 4)) + 4 * np.eye(4)[labels]
    given = labels.copy()
    given[::20] = (given[::20] + 1) % 3
    names = [CLASSES[label] for label in given]
    run = labelscan.detect(features, names, settings=quick(), model=LogisticRegression(), output=tmp_path / "run")
    check = run.summary.self_check
    assert check.n_planted == 60
    assert check.recall.estimate > 0.8
    assert check.precision.estimate > 0.6
    assert check.wrong_labels_left.low <= check.wrong_labels_left.estimate <= check.wrong_labels_left.high < 30
