"""The whole line on real tiny images, as a user of the library runs it."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from refusals import refuses
from shapes import write_folder, write_manifest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from tiny_detect import PLANTED, Recorder, contents, quick
from torch import nn

import labelscan
from labelscan.events import EpochDone, FoldDone, Noted
from labelscan.pipeline.plan_facts import plan_facts
from labelscan.training.losses import LOSSES


def test_planted_errors_come_out_on_top(detect, tmp_path):
    run = detect(tmp_path / "run", {"training.epochs": 12})
    top = run.issues.scores["example_id"].astype(int).tolist()[: len(PLANTED)]
    assert len(set(top) & set(PLANTED)) >= len(PLANTED) - 1
    flagged = set(run.issues.flagged["example_id"].astype(int))
    assert len(flagged & set(PLANTED)) >= len(PLANTED) - 1
    assert len(flagged) <= len(PLANTED) + 4


def test_a_folder_of_images_gives_a_run_folder_with_all_its_files_and_a_changed_image_is_noticed(shapes, tmp_path):
    images, _, given = shapes
    folder = write_folder(tmp_path / "data", images, given)
    run = labelscan.detect(folder, settings=quick(), output=tmp_path / "run")
    scores = pd.read_csv(run.folder / "scores.csv", dtype=str, keep_default_na=False)
    assert sorted(scores["example_id"]) == sorted(f"{p.parent.name}/{p.name}" for p in folder.rglob("*.png"))
    assert (scores["status"] == "scored").all()
    record = json.loads((run.folder / "run.json").read_text())
    assert record["state"] == "finished"
    assert record["settings"]["training"]["epochs"] == 6
    assert record["choices"]["opinions"][0]["model"] == "small-cnn"
    assert not (run.folder / "store" / "images.npy").exists()
    assert len((run.folder / "examples.csv").read_text().splitlines()) == 181
    changed = next(folder.rglob("0007.png"))
    changed.write_bytes(next(folder.rglob("0008.png")).read_bytes())
    with refuses(labelscan.RunFolderError, "data-changed"):
        labelscan.detect(folder, settings=quick(), output=run.folder)


def test_shuffled_rows_of_a_manifest_give_the_same_bytes(shapes, tmp_path):
    images, _, given = shapes
    first = write_manifest(tmp_path / "a" / "labels.csv", images, given)
    order = np.random.default_rng(0).permutation(len(given))
    second = write_manifest(tmp_path / "b" / "labels.csv", images, given, order=order)
    runs = [
        labelscan.detect(path, settings=quick(), output=tmp_path / f"run{number}")
        for number, path in enumerate([first, second])
    ]
    one, two = ((run.folder / "issues.csv").read_text() for run in runs)
    assert one.replace(str(tmp_path / "a"), "") == two.replace(str(tmp_path / "b"), "")
    assert len(one.splitlines()) > 1


def test_byte_identical_images_share_a_fold_and_are_reported_when_labels_differ(shapes, tmp_path):
    images, _, given = shapes
    images, given = images.copy(), given.copy()
    images[[10, 20, 30]] = images[0]
    given[[0, 10, 20, 30]] = [0, 0, 0, 1]
    run = labelscan.detect(images, given, settings=quick(), output=tmp_path / "run")
    folds = pd.read_csv(run.folder / "folds.csv", index_col="example_id")["fold_0"]
    assert folds[[0, 10, 20, 30]].nunique() == 1
    assert run.summary.n_label_conflicts == 1
    assert [one.example_id for one in run.summary.label_conflicts[0]] == ["0", "10", "20", "30"]


def test_a_table_of_few_values_is_judged_row_by_row(tmp_path):
    feature = np.arange(60) % 2
    labels = feature.copy()
    labels[[7, 20]] = 1 - labels[[7, 20]]
    settings = labelscan.settings(epochs=20, folds=3)
    run = labelscan.detect(feature[:, None].astype(np.float32), labels, settings=settings, output=tmp_path / "run")
    assert run.summary.out_of_fold_agreement > 0.9
    assert run.summary.n_label_conflicts == 0
    assert set(run.issues.flagged["example_id"]) == {"7", "20"}


def test_equal_rows_share_a_fold_and_are_reported_when_labels_differ(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = generator.normal(size=(90, 4)) + 4 * np.eye(4)[labels]
    features[[10, 20, 30]] = features[0] = [0.0, 1, 2, 3]
    features[[10, 20], 0] = -0.0  # equal to 0, though its bits are not
    labels[[0, 10, 20, 30]] = [0, 0, 0, 1]
    run = labelscan.detect(features, labels, settings=quick(**{"model.name": "mlp"}), output=tmp_path / "run")
    folds = pd.read_csv(run.folder / "folds.csv", index_col="example_id")["fold_0"]
    assert folds[[0, 10, 20, 30]].nunique() == 1
    assert [[one.example_id for one in conflict] for conflict in run.summary.label_conflicts] == [
        ["0", "10", "20", "30"]
    ]
    conflict = "1 group of copies with different labels, such as '0' (0) and '30' (1)"
    assert conflict in run.summary.warnings


def test_a_model_that_overfits_finds_planted_errors_only_because_nothing_leaks(shapes, tmp_path):
    images, _, given = shapes
    copies = images.copy()
    copies[90:] = images[:90]  # every image twice: with copies in two folds, memory alone would know each label
    labels = np.r_[given[:90], given[:90]]
    run = labelscan.detect(copies, labels, settings=quick(), model=KNeighborsClassifier(1), output=tmp_path / "run")
    planted = [row for row in PLANTED if row < 90]
    rows = run.issues.scores.set_index(run.issues.scores["example_id"].astype(int))
    assert (rows.loc[planted, "self_confidence"] < 0.5).sum() >= len(planted) - 1


class _Watched(nn.Module):
    """A linear network that shows its weights to ``seen`` when it is first trained."""

    def __init__(self, seen):
        super().__init__()
        self.linear = nn.Linear(64, 3)
        self.seen = seen
        self.begun = False

    def forward(self, images):
        if self.training and not self.begun:
            self.begun = True
            self.seen.append(self.linear.weight.detach().clone())
        return self.linear(images.flatten(1))


def test_every_fold_starts_from_freshly_made_weights(detect, tmp_path):
    seen = []
    detect(tmp_path / "run", model=lambda: _Watched(seen))
    assert len(seen) == 3
    for weights in seen:
        assert weights.abs().max() <= 1 / 8  # what nn.Linear starts with: a trained layer is beyond it
    assert not torch.equal(seen[0], seen[1])


def _whole(part):
    return part


def _with_a_new_head(part):
    return nn.Sequential(part, nn.Linear(8, 3))


@pytest.mark.parametrize(("n_outputs", "wrap"), [(3, _whole), (8, _with_a_new_head)])
def test_a_factory_that_hands_out_trained_parts_is_refused(detect, tmp_path, n_outputs, wrap):
    part = nn.Sequential(nn.Flatten(), nn.Linear(64, n_outputs))
    with refuses(labelscan.RunError, "shared-parts"):
        detect(tmp_path / "run", model=lambda: wrap(part))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(3))),
        (KNeighborsClassifier(1), KNeighborsClassifier(2)),
    ],
)
def test_another_model_in_the_same_folder_is_refused(detect, tmp_path, one, other):
    detect(tmp_path / "run", model=one)
    detect(tmp_path / "run", model=one)
    with refuses(labelscan.RunFolderError, "other-run"):
        detect(tmp_path / "run", model=other)


def test_a_classifier_that_draws_at_random_gives_the_same_bytes_twice(detect, tmp_path):
    runs = [detect(tmp_path / name, model=RandomForestClassifier(5)) for name in ("a", "b")]
    assert contents(runs[0].folder) == contents(runs[1].folder)


def test_a_classifier_copes_with_a_fold_that_knows_one_class(tmp_path):
    features = np.random.default_rng(0).normal(size=(61, 3))
    labels = np.r_[np.zeros(60, dtype=int), 1]
    run = labelscan.detect(features, labels, settings=quick(), model=LogisticRegression(), output=tmp_path / "run")
    assert run.summary.n_scored == 60


def test_a_network_may_be_given_for_features(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    features = generator.normal(size=(60, 3)) + 5 * labels[:, None]
    settings = quick(**{"training.epochs": 300})
    run = labelscan.detect(features, labels, settings=settings, model=lambda: nn.Linear(3, 2), output=tmp_path / "run")
    assert run.summary.out_of_fold_agreement > 0.9


def test_a_network_of_the_wrong_shape_is_refused_with_the_shape(detect, tmp_path):
    with refuses(labelscan.RunError, "wrong-model"):
        detect(tmp_path / "run", model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 7)))


def test_a_locally_defined_factory_trains_in_other_processes(detect, tmp_path):
    run = detect(
        tmp_path / "run", {"executor.processes": 2}, model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    )
    assert len(run.evidence) == 180


def test_repeats_are_averaged_and_name_their_folds(shapes, tmp_path):
    images, _, given = shapes
    both, settings = np.zeros((180, 3)), quick(**{"folds.repeats": 2})

    def add(event):  # before the evidence is whole, when outputs are deleted
        if isinstance(event, FoldDone):
            output = np.load(tmp_path / "run" / f"fold-{event.repeat}-{event.fold}" / "output.npz")
            both[output["held_out_index"]] += output["pred_probs"] / 2

    run = labelscan.detect(images, given, settings=settings, output=tmp_path / "run", notify=add)
    assert run.issues.scores["fold"].str.fullmatch(r"[012]\|[012]").all()
    np.testing.assert_allclose(run.evidence.pred_probs, both, atol=1e-6)


def test_feature_tables_are_learned_by_an_mlp_and_by_trees(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = generator.normal(size=(90, 4)) + 4 * np.eye(4)[labels]
    given = labels.copy()
    given[[4, 50]] = (given[[4, 50]] + 1) % 3
    settings = quick(**{"training.epochs": 20, "model.name": "auto"})
    run = labelscan.detect(features, given, settings=settings, output=tmp_path / "run")
    assert [one.name for one in run.evidence.members] == ["mlp", "extra-trees"]
    assert set(run.issues.scores["example_id"].astype(int)[:2]) == {4, 50}


def test_a_run_that_another_process_writes_is_refused(detect, tmp_path):

    def start_another(event):
        if isinstance(event, EpochDone) and (event.fold, event.epoch) == (0, 1):
            with refuses(labelscan.RunFolderError, "run-locked"):
                detect(tmp_path / "run")

    detect(tmp_path / "run", notify=start_another)


def test_a_folder_that_is_no_run_is_left_alone(detect, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    with refuses(labelscan.RunFolderError, "not-a-run-folder"):
        detect(tmp_path / "mine", fresh=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "do not touch"


def test_a_plan_says_what_would_run_and_writes_nothing(shapes, tmp_path, monkeypatch):
    images, _, given = shapes
    monkeypatch.chdir(tmp_path)
    plan = labelscan.plan(images, given, settings=quick())
    rows = dict(plan_facts(plan))
    assert rows["examples"] == "180"
    assert rows["model"].startswith("small-cnn")
    assert rows["loss"] == "blurry:gamma=0.3,detach_weight=true,delay=3"
    assert list(tmp_path.iterdir()) == []


def test_what_a_loss_was_resolved_to_is_shown_and_decides_which_folds_are_valid(shapes, tmp_path):
    images, true_labels, _ = shapes
    settings = quick(**{"training.loss": "anl-ce", "training.epochs": 1})
    plan = labelscan.plan(images, true_labels, settings=settings)
    assert dict(plan_facts(plan))["loss"] == plan.plan.network.loss == "anl-ce:a=5,b=5,d=5e-05,delay=0"
    assert plan.plan.network.recipe.weight_decay == 0
    own = labelscan.plan(
        images, true_labels, settings=quick(**{"training.loss": "anl-ce", "training.weight_decay": 0.1})
    )
    assert own.plan.network.recipe.weight_decay == 0.1
    assert labelscan.plan(images, true_labels, settings=quick()).plan.network.recipe.weight_decay > 0
    run = labelscan.detect(images, true_labels, settings=settings, output=tmp_path / "run")
    assert json.loads((run.folder / "run.json").read_text())["choices"]["opinions"][0]["loss"] == plan.plan.network.loss


def test_a_default_chosen_between_published_ones_is_noted(tmp_path):
    received = Recorder()
    features = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    settings = labelscan.settings(loss="nce+rce")
    labelscan.plan(features, np.arange(80) % 20, settings=settings, notify=received)
    assert any("those for 10 are used (a=1,b=1)" in event.message for event in received.of(Noted))


@pytest.mark.slow
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_learns_digits_by_its_defaults(tmp_path, loss):
    run = labelscan.detect("demo:digits", settings=labelscan.settings(loss=loss), output=tmp_path / "run")
    assert run.summary.out_of_fold_agreement > 0.9


@pytest.mark.parametrize("form", ["columns", "texts"])
def test_a_classifier_that_takes_numbers_alone_is_distinguished_from_one_that_is_broken(tmp_path, form):
    words = [f"{colour} {number}" for number in range(20) for colour in ("red", "green", "blue")]
    labels = ["a", "b", "c"] * 20
    data = pd.DataFrame({"colour": words, "x": range(60)}) if form == "columns" else words
    with pytest.raises(labelscan.RunError, match=f"failed on {form}.*could not convert string to float") as failed:
        labelscan.detect(data, labels, settings=quick(), model=RandomForestClassifier(5), output=tmp_path / "run")
    assert "before it in a Pipeline" in str(failed.value)
    with refuses(labelscan.RunError, "job-failed"):
        labelscan.detect(data, labels, settings=quick(), model=RandomForestClassifier(-1), output=tmp_path / "other")
