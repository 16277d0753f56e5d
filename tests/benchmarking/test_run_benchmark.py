"""Benchmarks of tiny images: what is measured is right, and nothing is trained or decoded twice."""

import errno
import json
import os
import signal
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refuses
from shapes import CLASSES, draw_shapes, plant_errors, write_folder
from sklearn.linear_model import LogisticRegression
from torch import nn

import labelscan
from labelscan.benchmarking.plan import REFERENCE, Cell, balanced, make_benchmark_plan
from labelscan.benchmarking.reference import Reference
from labelscan.benchmarking.run_benchmark import look_ahead
from labelscan.data.dataset import make_dataset
from labelscan.data.readers.arrays import dataset_from_arrays
from labelscan.detection.detectors import DETECTORS
from labelscan.detection.evidence import Evidence
from labelscan.detection.metrics import quality
from labelscan.errors import DiskError, UsageError
from labelscan.events import CellDone, CellsPlanned, CellStarted, Chosen, EpochDone, FoldDone, StepStarted, Warned
from labelscan.images.sources import ImageArray
from labelscan.noise.plant import plant
from labelscan.processes.interruption import prepare_signals
from labelscan.training.losses import LOSSES
from labelscan.training.models.classifiers import MOST_PIXELS

NOISE, LOSSES_COMPARED = "symmetric:0.1", ("ce", "gce")
N_FOLDS, N_EPOCHS = 2, 2
FILES = ("benchmark.csv", "benchmark.json", "benchmark.md", "benchmark.png", "measurements.csv")


class Recorder:
    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def trained(self):
        """Cells that were trained, in their order."""
        return [event.cell for event in self.of(CellStarted)]


@pytest.fixture(scope="module")
def shapes():
    return draw_shapes(60)


def quick(**changes):
    overrides = {"model.name": ("small-cnn",), "training.epochs": N_EPOCHS, "executor.processes": 1, **changes}
    return labelscan.settings(overrides=overrides, folds=N_FOLDS)


def benchmark(shapes, folder, *, notify=None, settings=None, data=None, **changes):
    """Return a benchmark of the shapes, and the events received."""
    received = Recorder()

    def listen(event):
        received(event)
        if notify is not None:
            notify(event)

    wanted = {"noises": [NOISE], "losses": LOSSES_COMPARED, "n_seeds": 2, "output": folder, **changes}
    given = shapes if data is None else (data,)
    return labelscan.benchmark(*given, settings=settings or quick(), notify=listen, **wanted), received


@pytest.fixture
def run(shapes, tmp_path):
    """Return a function that benchmarks the shapes in one folder."""
    return partial(benchmark, shapes, tmp_path / "b")


@pytest.fixture(scope="module")
def done(shapes, tmp_path_factory):
    """Return a benchmark of two losses and seeds, and the events received; tests only read it."""
    return benchmark(shapes, tmp_path_factory.mktemp("done") / "b")


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def with_true_labels(shapes, given_labels, *, true_names=None):
    images, true_labels = shapes
    return make_dataset(
        name="shapes",
        inputs=ImageArray(images[..., None]),
        labels=[CLASSES[label] for label in given_labels],
        example_ids=[str(row) for row in range(len(images))],
        where=str,
        ids_depend_on_order=True,
        true_labels=true_names or [CLASSES[label] for label in true_labels],
    )


def test_cells_done_at_any_moment_are_balanced():
    cells = balanced(["a", "b"], ["ce", "gce"], [0, 1])
    assert cells[:4] == (Cell("a", "ce", 0), Cell("a", "gce", 0), Cell("b", "ce", 0), Cell("b", "gce", 0))
    assert [cell.seed for cell in cells] == [0] * 4 + [1] * 4


def test_every_cell_has_a_folder_of_its_own_that_file_systems_can_hold():
    noises = ["symmetric:0.1", "symmetric:0.2", "matrix:a/b.csv", "matrix:a-b.csv", "matrix:a b.csv", "x:" + "0/" * 200]
    folders = [str(cell.folder) for cell in balanced(noises, ["ce", "blurry:gamma=0.4,delay=1"], [0, 1])]
    assert len(set(folders)) == len(folders)
    assert folders[0] == "cells/symmetric-0.1/ce/seed-0"
    assert all(len(part) < 100 for folder in folders for part in folder.split("/"))


def test_what_is_measured_is_that_of_the_planted_errors(done, shapes):
    result, _ = done
    _, true_labels = shapes
    with refuses(UsageError, "planted-labels"):
        labelscan.gate(next(result.folder.glob("cells/symmetric*/*/seed-0")), max_rate=1.0)
    assert (len(result.table), len(result.measurements)) == (4, 8)
    for one in result.measurements.itertuples():
        evidence = Evidence.read(result.folder / Cell(NOISE, one.loss, one.seed).folder / "evidence.npz")
        given_labels = plant(true_labels, 3, NOISE, one.seed)
        np.testing.assert_array_equal(evidence.given_labels, given_labels[evidence.index])
        detection = DETECTORS.build(one.detector).detect(evidence)
        label_errors = (given_labels != true_labels)[evidence.index]
        expected = asdict(quality(detection.flagged, detection.label_quality, label_errors))
        assert {name: getattr(one, name) for name in expected} == expected
        assert one.n_errors == 6
        predicted = evidence.pred_probs.argmax(axis=1)
        assert one.out_of_fold_accuracy == pytest.approx((predicted == true_labels[evidence.index]).mean())
        assert one.fold_seconds > 0
    assert any("true labels are not known" in note for note in result.scoreboard.notes)
    assert "true labels are not known" in (result.folder / "benchmark.md").read_text(encoding="utf-8")


def test_losses_of_a_seed_see_the_same_labels_and_folds(done):
    folds = {}
    for seed in (0, 1):
        first, second = (done[0].folder / Cell(NOISE, loss, seed).folder for loss in LOSSES_COMPARED)
        for name in ("folds.csv", "examples.csv"):
            assert (first / name).read_bytes() == (second / name).read_bytes()
        folds[seed] = (first / "folds.csv").read_bytes()
    assert folds[0] != folds[1]


def test_images_are_decoded_once_for_all_cells_and_deleted_in_the_end(done):
    result, received = done
    assert [event.step for event in received.of(StepStarted)].count("decode") == 1
    assert len(received.of(EpochDone)) == 4 * N_FOLDS * N_EPOCHS
    assert not list(result.folder.rglob("images.npy"))
    assert [event.choice for event in received.of(Chosen)] == ["small-cnn"]


def test_the_same_again_trains_and_decodes_nothing_and_changes_no_byte(done, shapes):
    result, _ = done
    before = contents(result.folder)
    again, received = benchmark(shapes, result.folder)
    assert not received.of(EpochDone)
    assert not received.of(StepStarted)
    assert received.of(CellsPlanned) == [CellsPlanned(4, 4)]
    assert contents(again.folder) == before


def test_what_is_new_is_all_that_is_trained(run):
    result, received = run(noises=[NOISE, f" {NOISE}"], losses=["ce", "ce"], n_seeds=1)  # twice is once
    assert (len(received.trained), len(result.table)) == (1, 2)
    _, received = run(losses=["ce"], n_seeds=1, detectors=["confident-learning:filter_by=both", "noise-posterior"])
    assert received.trained == []
    _, received = run(losses=["ce", "gce"], n_seeds=1)
    assert received.trained == [f"{NOISE}, gce, seed 0"]
    _, received = run(losses=["ce", "gce"], n_seeds=1, noises=[NOISE, "pair:0.2"])
    assert received.trained == ["pair:0.2, ce, seed 0", "pair:0.2, gce, seed 0"]
    result, received = run(losses=["gce"], n_seeds=2)
    assert received.trained == [f"{NOISE}, gce, seed 1"]
    assert set(result.table["loss"]) == {"gce"}
    result, received = run(losses=["ce"], settings=quick(seed=1))
    assert received.trained == [f"{NOISE}, ce, seed 1", f"{NOISE}, ce, seed 2"]
    assert sorted(set(result.measurements["seed"])) == [1, 2]


def test_a_detector_that_trains_by_itself_gets_its_runs_and_no_fold_is_trained_again(run):
    run(losses=["ce"], n_seeds=1)
    result, received = run(losses=["ce"], n_seeds=1, detectors=["aum", "noise-posterior"])
    assert {event.reused for event in received.of(FoldDone) if event.held_out_agreement is not None} == {True}
    assert len(received.of(EpochDone)) == 2 * N_EPOCHS
    assert result.table["detector"].tolist() == ["aum", "noise-posterior"]
    _, received = run(losses=["ce"], n_seeds=1, detectors=["noise-posterior"])
    assert received.trained == []


def test_killed_in_the_middle_and_repeated_it_trains_no_finished_fold_again(run, done, tmp_path):
    whole, _ = done
    received_epochs = []

    def stop_in_the_second_fold_of_the_third_cell(event):
        received_epochs.extend([event] if isinstance(event, EpochDone) else [])
        if len(received_epochs) == 2 * N_FOLDS * N_EPOCHS + N_EPOCHS + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(notify=stop_in_the_second_fold_of_the_third_cell)
    table = json.loads((tmp_path / "b" / "benchmark.json").read_text(encoding="utf-8"))
    assert len(table["measurements"]) == 4
    assert table["missing"] == [f"{NOISE}, ce, seed 1", f"{NOISE}, gce, seed 1"]
    assert (tmp_path / "b" / "store" / "images.npy").is_file()
    result, received = run()
    assert received.trained == table["missing"]
    assert len(received.of(EpochDone)) == (N_FOLDS - 1) * N_EPOCHS + N_FOLDS * N_EPOCHS
    assert [event.fold for event in received.of(FoldDone) if event.reused] == [0]
    assert not received.of(StepStarted)
    columns = [name for name in result.table if not name.startswith("fold_seconds")]
    assert result.table[columns].equals(whole.table[columns])
    of_cell = result.measurements[(result.measurements["loss"] == "ce") & (result.measurements["seed"] == 1)]
    marks = (result.folder / Cell(NOISE, "ce", 1).folder).glob("fold-*/DONE")
    seconds = sum(json.loads(mark.read_text())["seconds"] for mark in marks)  # of the fold before the kill too
    assert of_cell["fold_seconds"].tolist() == [pytest.approx(seconds, abs=0.01)] * 2


def test_the_seconds_that_are_reported_of_a_cell_are_those_that_have_passed(run, monkeypatch):
    ticks = count()
    monkeypatch.setattr("labelscan.benchmarking.run_benchmark.monotonic", lambda: float(next(ticks)))
    _, received = run(losses=["ce"], n_seeds=2)
    assert [event.seconds for event in received.of(CellDone)] == [1.0, 1.0]


def test_a_budget_ends_in_the_table_of_what_is_done(run, monkeypatch):
    done = []
    monkeypatch.setattr("labelscan.events.monotonic", lambda: 10.0 * len(done))

    def note(event):
        done.extend([event] if isinstance(event, CellDone) else [])

    result, received = run(max_seconds=15, notify=note)
    assert received.trained == [f"{NOISE}, ce, seed 0", f"{NOISE}, gce, seed 0"]
    assert result.scoreboard.missing == (f"{NOISE}, ce, seed 1", f"{NOISE}, gce, seed 1")
    assert len(result.table) == 4
    assert json.loads((result.folder / "run.json").read_text())["state"] == "interrupted"
    assert (result.folder / "benchmark.png").is_file()
    result, received = run()
    assert len(received.trained) == 2
    assert result.scoreboard.missing == ()


def test_a_signal_is_no_budget_and_ends_as_an_interruption(run, handlers, tmp_path):
    prepare_signals()
    cells = []

    def stop_in_the_second_cell(event):
        cells.extend([event] if isinstance(event, CellDone) else [])
        if cells and isinstance(event, EpochDone):
            os.kill(os.getpid(), signal.SIGTERM)

    with refuses(labelscan.Interrupted, "interrupted"):
        run(n_seeds=1, notify=stop_in_the_second_cell)
    table = json.loads((tmp_path / "b" / "benchmark.json").read_text(encoding="utf-8"))
    assert len(table["missing"]) == 1


def test_a_budget_for_no_cell_at_all_is_an_interruption(run):
    with pytest.raises(labelscan.Interrupted):
        run(max_seconds=0)


class Broken(nn.Module):
    """A loss that cannot be computed."""

    default_delay = 0.0

    def forward(self, logits, given_labels):
        raise RuntimeError("no such loss")

    def stalls(self, n_classes):
        return ""


def test_a_loss_that_fails_is_reported_and_takes_nothing_else_with_it(run, monkeypatch):
    monkeypatch.setitem(LOSSES._parts, "broken", Broken)
    result, received = run(losses=["ce", "broken", "gce"], n_seeds=1)
    assert set(result.table["loss"]) == {"ce", "gce"}
    assert list(result.scoreboard.failures) == [f"{NOISE}, broken, seed 0"]
    assert "no such loss" in result.scoreboard.failures[f"{NOISE}, broken, seed 0"]
    assert result.scoreboard.missing == ()
    assert [event.cell for event in received.of(CellDone) if event.failure] == [f"{NOISE}, broken, seed 0"]
    _, received = run(losses=["ce", "broken", "gce"], n_seeds=1)
    assert received.trained == [f"{NOISE}, broken, seed 0"]


def test_a_cell_whose_labels_were_others_or_whose_evidence_is_gone_starts_over(run):
    result, _ = run(losses=["ce"], n_seeds=1)
    folder = result.folder / Cell(NOISE, "ce", 0).folder
    content = json.loads(folder.with_suffix(".json").read_text())
    folder.with_suffix(".json").write_text(json.dumps({**content, "fingerprint": "of an earlier version"}))
    _, received = run(losses=["ce"], n_seeds=1)
    assert received.trained == [f"{NOISE}, ce, seed 0"]
    assert len(received.of(EpochDone)) == N_FOLDS * N_EPOCHS
    assert any("starts over" in event.message for event in received.of(Warned))
    (folder / "evidence.npz").unlink()
    again, received = run(losses=["ce"], n_seeds=1)
    assert len(received.of(EpochDone)) == N_FOLDS * N_EPOCHS
    assert again.table["f1"].tolist() == result.table["f1"].tolist()


def test_known_errors_are_taken_as_they_are(run, shapes):
    rows = [3, 7, 20, 41]
    dataset = with_true_labels(shapes, plant_errors(shapes[1], rows))
    result, _ = run(data=dataset, noises=[], n_seeds=1)
    assert set(result.table["noise"]) == {"as given"}
    assert result.table["n_errors"].tolist() == [4.0] * 4


def test_planted_errors_and_classes_are_made_from_true_labels_where_they_are_known(run, shapes):
    _, true_labels = shapes
    names = ["a rare one" if label == 2 else CLASSES[label] for label in true_labels]
    dataset = with_true_labels(shapes, plant_errors(true_labels, [3, 7, 20, 41]), true_names=names)
    result, _ = run(data=dataset, n_seeds=1, losses=["ce"])
    evidence = Evidence.read(result.folder / Cell(NOISE, "ce", 0).folder / "evidence.npz")
    assert evidence.class_names == ("a rare one", "bar", "cross")
    expected = plant((true_labels + 1) % 3, 3, NOISE, 0)  # the rare one comes first
    np.testing.assert_array_equal(evidence.given_labels, expected[evidence.index])
    assert result.table["n_errors"].tolist() == [6.0, 6.0]
    assert not any("not known" in note for note in result.scoreboard.notes)


def test_without_noise_the_data_must_have_known_errors(run, shapes):
    with refuses(labelscan.DatasetError, "unknown-errors"):
        run(noises=[])
    with refuses(labelscan.DatasetError, "no-errors"):
        run(noises=[], data=with_true_labels(shapes, shapes[1]))


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"noises": ["symetric:0.1"]}, "unknown-name", ""),
        ({"noises": ["symmetric:2"]}, "out-of-range", "noise"),
        ({"losses": ["ce", "blury"]}, "unknown-name", ""),
        ({"losses": ["blurry:gama=1"]}, "unknown-option", "loss"),
        ({"losses": ["ce:delay=99"]}, "wrong-schedule", "loss"),
        ({"detectors": ["noise-posterio"]}, "unknown-name", ""),
        ({"n_seeds": 0}, "out-of-range", "seeds"),
        ({"model": LogisticRegression()}, "several-losses", "loss"),
    ],
)
def test_a_bad_name_fails_before_anything_is_trained_or_written(run, tmp_path, changes, code, where):
    with refuses(labelscan.ConfigError, code, where):
        run(**changes)
    assert not (tmp_path / "b").exists()


def test_other_settings_or_another_command_are_refused_and_fresh_starts_over(run, shapes, tmp_path):
    run(losses=["ce"], n_seeds=1)
    with refuses(labelscan.RunFolderError, "other-run"):
        labelscan.detect(*shapes, settings=quick(), output=tmp_path / "b")
    labelscan.detect(*shapes, settings=quick(), output=tmp_path / "run")
    with refuses(labelscan.RunFolderError, "other-run"):
        run(output=tmp_path / "run")
    with refuses(labelscan.RunFolderError, "other-run"):
        run(losses=["ce"], n_seeds=1, settings=quick(**{"training.epochs": 3}))
    (tmp_path / "b" / "mine.txt").write_text("kept")
    _, received = run(losses=["gce"], n_seeds=1, settings=quick(**{"training.epochs": 3}), fresh=True)
    assert len(received.of(EpochDone)) == N_FOLDS * 3
    assert [path.name for path in (tmp_path / "b" / "cells" / "symmetric-0.1").iterdir()] == ["gce"]
    assert (tmp_path / "b" / "mine.txt").is_file()


def test_images_that_have_changed_are_noticed(run, shapes, tmp_path):
    images, true_labels = shapes
    folder = write_folder(tmp_path / "data", images, true_labels)
    run(data=folder, losses=["ce"], n_seeds=1)
    write_folder(tmp_path / "data", 255 - images, true_labels)
    with refuses(labelscan.RunFolderError, "data-changed"):
        run(data=folder, losses=["ce"], n_seeds=1)


def test_the_default_folder_is_that_of_the_data_whatever_is_compared(shapes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = with_true_labels(shapes, plant_errors(shapes[1], [1, 2]))
    plans = [
        make_benchmark_plan(settings, dataset=dataset, noises=noises, losses=losses, n_seeds=n_seeds)
        for settings, noises, losses, n_seeds in (
            (quick(), [NOISE], ["ce"], 1),
            (quick(seed=3), ["pair:0.1"], ["gce", "blurry"], 2),
            (quick(), [], ["ce"], 1),
            (quick(**{"training.epochs": 9}), [NOISE], ["ce"], 1),
        )
    ]
    folders = [str(plan.folder) for plan in plans]
    assert folders[0].startswith("labelscan-runs/benchmark-shapes-")
    assert folders[1] == folders[2] == folders[0]
    assert folders[3] != folders[0]


def test_looking_ahead_reports_what_is_left_and_writes_nothing(shapes, tmp_path, monkeypatch, run):
    monkeypatch.setattr("labelscan.pipeline.estimate.SECONDS", 0.01)
    dataset = with_true_labels(shapes, shapes[1])
    wanted = {"dataset": dataset, "noises": [NOISE], "losses": LOSSES_COMPARED, "output": tmp_path / "b"}
    before = look_ahead(make_benchmark_plan(quick(), n_seeds=2, **wanted))
    assert (before.n_cells, before.finished_cells) == (4, 0)
    assert before.estimate_seconds > 0
    assert not (tmp_path / "b").exists()
    run(data=dataset, n_seeds=1)
    after = look_ahead(make_benchmark_plan(quick(), n_seeds=2, **wanted))
    assert (after.n_cells, after.finished_cells) == (4, 2)
    run(data=dataset, n_seeds=2)
    done = look_ahead(make_benchmark_plan(quick(), n_seeds=2, **wanted))
    assert (done.finished_cells, done.estimate_seconds) == (4, 0)


def test_features_and_a_classifier_of_scikit_learn_are_compared_too(run):
    labels = np.arange(60) % 3
    features = np.random.default_rng(0).normal(size=(60, 5)) + 4 * np.eye(3, 5)[labels]
    dataset = dataset_from_arrays(features, labels)
    result, _ = run(data=dataset, noises=["pair:0.1"], losses=[], model=LogisticRegression())
    assert result.table["out_of_fold_accuracy"].min() > 0.8
    assert not list(result.folder.rglob("features.npy"))


def test_noise_that_follows_probabilities_takes_them_from_one_run_on_right_labels(run, shapes):
    _, true_labels = shapes
    noise, wanted = "instance:0.1", {"losses": ["ce"], "detectors": ["noise-posterior"]}
    result, received = run(noises=[noise, NOISE], **wanted)
    assert received.trained == [
        str(REFERENCE),
        *(f"{one}, ce, seed {seed}" for seed in (0, 1) for one in (noise, NOISE)),
    ]
    assert [event.choice for event in received.of(Chosen)] == ["small-cnn", "ridge"]
    reference = Evidence.read(result.folder / REFERENCE.folder / "evidence.npz")
    np.testing.assert_array_equal(reference.given_labels, true_labels)
    assert [one.name for one in reference.members] == ["small-cnn", "ridge"]
    for seed in (0, 1):
        evidence = Evidence.read(result.folder / Cell(noise, "ce", seed).folder / "evidence.npz")
        assert evidence.members == ()
        expected = plant(true_labels, 3, noise, seed, pred_probs=reference.members[1].pred_probs)
        np.testing.assert_array_equal(evidence.given_labels, expected)
    ceilings = [Reference.of(reference).plant(true_labels, 3, noise, seed)[1] for seed in (0, 1)]
    measured = result.measurements.set_index("noise")["f1_ceiling"]
    assert measured[noise].tolist() == pytest.approx(ceilings)
    assert measured[NOISE].isna().all()
    means = json.loads((result.folder / "benchmark.json").read_text(encoding="utf-8"))["table"]
    assert [row["f1_ceiling"] for row in means] == [pytest.approx(np.mean(ceilings), rel=1e-5), None]
    markdown = (result.folder / "benchmark.md").read_text(encoding="utf-8")
    assert f"no detector can be expected to reach more than F1 {np.mean(ceilings):.3f}" in markdown
    assert markdown.count("planted by ridge") == 1
    _, received = run(noises=[noise], losses=["ce", "gce"])
    assert received.trained == [f"{noise}, gce, seed 0", f"{noise}, gce, seed 1"]


def test_the_plan_says_what_errors_are_planted_by_where_that_matters(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr("labelscan.pipeline.estimate.SECONDS", 0.01)
    dataset = with_true_labels(shapes, shapes[1])
    wanted = {"dataset": dataset, "losses": ["gce"], "n_seeds": 1, "output": tmp_path / "b"}
    plan = make_benchmark_plan(quick(), noises=["look-alike:0.1"], **wanted)
    assert dict(plan.rows)["planted by"].startswith("ridge: ")
    assert (look_ahead(plan).n_cells, look_ahead(plan).finished_cells) == (1, 0)
    assert "planted by" not in dict(make_benchmark_plan(quick(), noises=[NOISE], **wanted).rows)


def test_a_given_network_is_trained_in_every_cell_and_another_model_plants(run, shapes):
    made = []

    def make():
        made.append(1)
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    wanted = {"noises": ["instance:0.1"], "model": make, "losses": ["ce"], "n_seeds": 1}
    result, _ = run(**wanted)
    assert len(made) >= N_FOLDS * 2  # of the reference, too
    reference = Evidence.read(result.folder / REFERENCE.folder / "evidence.npz")
    assert [one.name for one in reference.members][1:] == ["RidgeClassifier"]
    plan = make_benchmark_plan(quick(), dataset=with_true_labels(shapes, shapes[1]), **wanted)
    assert plan.reference.plan.members[1].learner.most_pixels == MOST_PIXELS  # large images would take all memory
    assert result.measurements["f1_ceiling"].between(0, 1).all()


def test_a_full_disk_ends_a_benchmark_and_is_no_failure_of_a_cell(run, tmp_path, monkeypatch):
    replace, received = Path.replace, Recorder()

    def refuse(partial, target):
        if target.name == "evidence.npz":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(partial, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with refuses(DiskError, "disk"):
        run(notify=received)
    assert len(received.trained) == 1
    monkeypatch.undo()
    result, received = run()
    assert not result.scoreboard.failures
