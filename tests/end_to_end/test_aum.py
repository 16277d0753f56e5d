"""AUM from data to run folder: two more trainings, whose extra class is never shown."""

import errno
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from refusals import refuses
from shapes import draw_shapes, plant_errors
from sklearn.linear_model import LogisticRegression
from tiny_detect import contents
from torch import nn

import labelscan
from labelscan.config import Config
from labelscan.errors import ConfigError, DatasetError, DiskError
from labelscan.events import EpochDone, Event, FoldDone, TrainingPlanned, Warned
from labelscan.pipeline.plan_facts import plan_facts
from labelscan.runs.folder import RunFolder


class Killed(BaseException):
    """Ends the process of a run, as far as its folder can tell."""


PLANTED = list(range(3, 300, 12))
RUNS = ("aum-0", "aum-1")


def settings(detector: str = "aum", overrides: Mapping[str, object] | None = None, **flags: int | str) -> Config:
    given = {"model.name": "small-cnn", "training.epochs": 6, "executor.processes": 1, **(overrides or {})}
    return labelscan.settings(overrides=given, folds=2, detector=detector, **flags)


def shapes() -> tuple[np.ndarray, np.ndarray]:
    images, true_labels = draw_shapes(300)
    return images, plant_errors(true_labels, PLANTED)


def trained(events: Sequence[Event]) -> set[tuple[str, int]]:
    return {(event.kind, event.fold) for event in events if isinstance(event, EpochDone)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> labelscan.Run:
    images, given = shapes()
    return labelscan.detect(images, given, settings=settings(), output=tmp_path_factory.mktemp("aum") / "run")


def test_planted_errors_are_found(tmp_path: Path) -> None:
    images, given = shapes()
    # Longer than the others: what is learned late is what this detector looks at.
    longer = settings(overrides={"training.epochs": 15})
    run = labelscan.detect(images, given, settings=longer, output=tmp_path / "run")
    flagged = set(run.issues.flagged["example_id"].astype(int))
    right = len(flagged & set(PLANTED))
    assert 2 * right / (len(flagged) + len(PLANTED)) > 0.9
    top = run.issues.scores["example_id"].astype(int).tolist()[: len(PLANTED)]
    assert len(set(top) & set(PLANTED)) >= 0.9 * len(PLANTED)


def test_what_it_flags_is_named_beside_the_others_and_it_leads(finished: labelscan.Run) -> None:
    issues = finished.issues.flagged
    assert issues["flagged_by"].str.split("|").apply(lambda names: "aum" in names).all()
    assert set(finished.summary.flagged_by) == {"confident-learning", "noise-posterior", "aum"}
    assert (issues["label_quality"] < 0.5).all()
    assert finished.summary.detector == "aum"


def test_the_extra_class_reaches_no_output(finished: labelscan.Run) -> None:
    summary = json.loads((finished.folder / "summary.json").read_text())
    assert summary["n_classes"] == 3
    assert np.shape(summary["noise_matrix"]) == (3, 3)
    assert [entry["class_name"] for entry in summary["class_health"]] == ["0", "1", "2"]
    scores = finished.issues.scores
    assert set(scores["given_label"]) | set(scores["suggested_label"]) == {"0", "1", "2"}
    with np.load(finished.folder / "evidence.npz") as evidence:
        assert evidence["pred_probs"].shape == evidence["train_probs"].shape == (300, 3)
        assert evidence["class_names"].tolist() == ["0", "1", "2"]
        assert evidence["given_labels"].max() == 2
        assert evidence["aum_train_margin"].shape == (300, 2)
        assert evidence["aum_is_threshold"].sum(axis=0).tolist() == [75, 75]
    for run in RUNS:
        with np.load(finished.folder / run / "output.npz") as output:
            assert "train_probs" not in output
            assert output["pred_probs"].shape == (0, 3)


def test_the_folds_are_those_of_a_run_with_another_detector(finished: labelscan.Run, tmp_path: Path) -> None:
    images, given = shapes()
    other = labelscan.detect(images, given, settings=settings("noise-posterior"), output=tmp_path / "run")
    assert not any((other.folder / run).exists() for run in RUNS)
    np.testing.assert_array_equal(other.evidence.pred_probs, finished.evidence.pred_probs)
    events: list[Event] = []
    again = labelscan.detect(images, given, settings=settings(), output=other.folder, notify=events.append)
    assert trained(events) == {("aum", 0), ("aum", 1)}
    planned = next(event for event in events if isinstance(event, TrainingPlanned))
    assert planned == TrainingPlanned(2, 6, 2, 2)
    assert contents(again.folder) == contents(finished.folder)
    events.clear()
    labelscan.detect(images, given, settings=settings("noise-posterior"), output=other.folder, notify=events.append)
    assert not trained(events)
    labelscan.detect(images, given, settings=settings("aum:percentile=90"), output=other.folder, notify=events.append)
    assert not trained(events)


def test_only_what_is_missing_is_trained_again_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    images, given = shapes()
    events: list[Event] = []
    run = labelscan.detect(images, given, settings=settings(), output=tmp_path / "run", notify=events.append)
    assert trained(events) == {("fold", 0), ("fold", 1), ("aum", 0), ("aum", 1)}
    before = contents(run.folder)
    (run.folder / "aum-1" / "DONE").unlink()
    events.clear()
    labelscan.detect(images, given, settings=settings(), output=run.folder, notify=events.append)
    assert trained(events) == {("aum", 1)}
    assert contents(run.folder) == before
    done = [event for event in events if isinstance(event, FoldDone)]
    assert sorted(event.kind for event in done if event.reused) == ["aum", "fold", "fold"]
    assert {event.held_out_accuracy for event in done if event.kind == "aum"} == {None}
    events.clear()
    labelscan.detect(images, given, settings=settings(), output=run.folder, notify=events.append)
    assert not trained(events)
    assert contents(run.folder) == before


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_kill_while_the_evidence_is_replaced_trains_no_fold_again(tmp_path: Path, monkeypatch, before) -> None:
    images, given = shapes()
    run = labelscan.detect(images, given, settings=settings("noise-posterior"), output=tmp_path / "run")

    of, name = (Path, "replace") if before else (RunFolder, "record_checksum")
    unpatched = getattr(of, name)

    def killed(self: Path | RunFolder, to: Path | str) -> object:
        if Path(to).name == "evidence.npz":
            raise Killed
        return unpatched(self, to)

    with monkeypatch.context() as patch:
        patch.setattr(of, name, killed)
        patch.setattr(RunFolder, "stop", lambda *_: None)  # a killed process writes nothing any more
        with pytest.raises(Killed):
            labelscan.detect(images, given, settings=settings(), output=run.folder)
    events: list[Event] = []
    labelscan.detect(images, given, settings=settings(), output=run.folder, notify=events.append)
    assert not trained(events)
    assert contents(run.folder) == contents(
        labelscan.detect(images, given, settings=settings(), output=tmp_path / "new").folder
    )


def test_a_finished_run_is_kept_where_its_evidence_cannot_be_written_again(tmp_path: Path, monkeypatch) -> None:
    images, given = shapes()
    run = labelscan.detect(images, given, settings=settings("noise-posterior"), output=tmp_path / "run")
    before = contents(run.folder)

    def full(evidence: labelscan.Evidence, path: Path) -> None:
        raise OSError(errno.ENOSPC, "no space", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(labelscan.Evidence, "write", full)
        with refuses(DiskError, "disk"):
            labelscan.detect(images, given, settings=settings(), output=run.folder)
    events: list[Event] = []
    labelscan.detect(images, given, settings=settings("noise-posterior"), output=run.folder, notify=events.append)
    assert not trained(events)
    assert contents(run.folder) == before


def test_a_finished_run_is_only_read_when_it_is_shown(finished: labelscan.Run, tmp_path: Path) -> None:
    images, given = shapes()
    shutil.copytree(finished.folder, tmp_path / "run")
    written = (tmp_path / "run" / "evidence.npz").stat()
    labelscan.detect(images, given, settings=settings(), output=tmp_path / "run")
    again = (tmp_path / "run" / "evidence.npz").stat()
    assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_an_output_of_other_relabelled_examples_is_not_reused(finished: labelscan.Run, tmp_path: Path) -> None:
    images, given = shapes()
    labelscan.detect(images, given, settings=settings("noise-posterior"), output=tmp_path / "run")
    for run in RUNS:
        shutil.copytree(finished.folder / "aum-1", tmp_path / "run" / run)
    events: list[Event] = []
    labelscan.detect(images, given, settings=settings(), output=tmp_path / "run", notify=events.append)
    assert trained(events) == {("aum", 0)}
    assert any("trained again" in event.message for event in events if isinstance(event, Warned))
    assert contents(tmp_path / "run") == contents(finished.folder)


def test_side_by_side_they_give_the_same_bytes(tmp_path: Path) -> None:
    images, given = shapes()
    events: list[Event] = []
    for processes in (1, 2):
        overrides = {"executor.processes": processes, "executor.threads": 1, "training.epochs": 2}
        events.clear()
        labelscan.detect(
            images,
            given,
            settings=settings(overrides=overrides),
            output=tmp_path / str(processes),
            notify=events.append,
        )
        assert len([event for event in events if isinstance(event, EpochDone)]) == 4 * 2
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_the_loss_of_the_folds_is_not_that_of_its_trainings(finished: labelscan.Run, tmp_path: Path) -> None:
    images, given = shapes()
    other = labelscan.detect(images, given, settings=settings(loss="gce"), output=tmp_path / "run")
    assert (other.evidence.pred_probs != finished.evidence.pred_probs).any()
    assert finished.evidence.aum_train_margin is not None
    np.testing.assert_array_equal(other.evidence.aum_train_margin, finished.evidence.aum_train_margin)


def test_feature_tables_and_classes_of_one_are_judged_too(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    labels = np.r_[np.arange(90) % 3, 3]
    features = generator.normal(size=(91, 4)) + 6 * np.eye(4)[labels]
    given = labels.copy()
    given[[4, 50]] = (given[[4, 50]] + 1) % 3
    longer = settings(overrides={"training.epochs": 20, "model.name": "mlp"})
    run = labelscan.detect(features, given, settings=longer, output=tmp_path / "run")
    assert run.summary.n_unscored == 1
    assert len(run.evidence) == 90
    assert set(run.issues.scores["example_id"].astype(int)[:2]) == {4, 50}
    assert any("aum's cut is uncertain" in warning for warning in run.summary.warnings)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (LogisticRegression(), "the given classifier has none"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "one more output"),
    ],
)
def test_a_model_that_cannot_take_a_class_more_is_refused_before_training(
    tmp_path: Path, model: object, problem: str
) -> None:
    images, given = shapes()
    with pytest.raises(ConfigError, match=problem):
        labelscan.detect(images, given, settings=settings(), model=model, output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_few_examples_are_refused_before_training(tmp_path: Path) -> None:
    images, _ = draw_shapes(8)
    with refuses(DatasetError, "too-few-examples"):
        labelscan.detect(images, np.arange(8), settings=settings(), output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_smallest_data_that_can_be_judged_is(tmp_path: Path) -> None:
    images, labels = draw_shapes(6)
    run = labelscan.detect(images, labels, settings=settings(), output=tmp_path / "run")
    assert run.summary.n_scored == 6


def test_probabilities_alone_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with refuses(ConfigError, "needs-training"):
        labelscan.score("nowhere.npz", detector="aum", output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_plan_counts_its_trainings() -> None:
    images, given = shapes()
    with_aum, without = (labelscan.plan(images, given, settings=settings(name)) for name in ("aum", "noise-posterior"))
    assert dict(plan_facts(with_aum))["threshold runs"] == "2 on all examples"
    assert "threshold runs" not in dict(plan_facts(without))
    n_passes = [one.plan.n_passes(one.plan.network) for one in (with_aum, without)]
    assert n_passes == [3 * 300 * 6, 300 * 6]


def test_fresh_deletes_its_jobs(tmp_path: Path) -> None:
    images, given = shapes()
    overrides = {"training.epochs": 1}
    run = labelscan.detect(images, given, settings=settings("aum", overrides), output=tmp_path / "run")
    (run.folder / "run.json").unlink()  # as a run killed at its very start may leave it
    again = labelscan.detect(
        images, given, settings=settings("noise-posterior", overrides), output=run.folder, fresh=True
    )
    assert not any((again.folder / name).exists() for name in RUNS)
