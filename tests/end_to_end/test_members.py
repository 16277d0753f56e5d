"""Several models in one run: an opinion each, from folds of their own, and the pool of them."""

import json

import numpy as np
import pytest
from refusals import refuses
from shapes import draw_shapes
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from tiny_detect import N_EPOCHS, N_FOLDS, PLANTED, Recorder, contents, quick
from torch import nn

import labelscan
from labelscan.detection.pooling import geometric_mean, likeliest_weights
from labelscan.events import FoldDone, StepStarted, TrainingPlanned
from labelscan.pipeline.plan_facts import plan_facts
from labelscan.training.models.timm_model import lite0_installed

TREES = "extra-trees:n_estimators=20"
MODELS = ["small-cnn", TREES]


TWO = {"model.name": MODELS}


@pytest.fixture(scope="module")
def pooled(detect, tmp_path_factory):
    """Return an undisturbed run of two models, which tests only read."""
    return detect(tmp_path_factory.mktemp("pooled") / "run", TWO)


def folds_of(recorder, member, *, reused):
    return [one.fold for one in recorder.of(FoldDone) if one.opinion == member and one.reused == reused]


def test_evidence_holds_every_member_and_their_pool(pooled):
    evidence = labelscan.Evidence.read(pooled.folder / "evidence.npz")
    assert [one.name for one in evidence.members] == MODELS
    probs = [one.pred_probs for one in evidence.members]
    weights = np.array([one.weight for one in evidence.members])
    np.testing.assert_allclose(weights, likeliest_weights(probs, evidence.given_labels))
    np.testing.assert_array_equal(evidence.pred_probs, geometric_mean(probs, weights, np.float32))
    recorded = json.loads((pooled.folder / "run.json").read_text())["opinion_weights"]
    assert recorded == dict(zip(MODELS, weights.tolist(), strict=True))
    assert set(PLANTED) <= set(map(int, pooled.issues.flagged["example_id"]))


def test_the_first_member_is_what_its_model_says_alone(pooled, finished):
    np.testing.assert_array_equal(pooled.evidence.members[0].pred_probs, finished.evidence.pred_probs)
    assert contents(pooled.folder, "folds.csv") == contents(finished.folder, "folds.csv")  # all models share them
    np.testing.assert_array_equal(pooled.evidence.train_probs, finished.evidence.train_probs)  # trees have none
    assert finished.evidence.members == ()


def test_each_model_has_jobs_of_its_own(pooled):
    jobs = {path.name for path in pooled.folder.glob("fold-*")}
    assert jobs == {f"fold-0-{fold}{end}" for fold in range(N_FOLDS) for end in ("", "-opinion-2")}
    first, second = json.loads((pooled.folder / "run.json").read_text())["choices"]["opinions"]
    assert (first["model"], first["recipe"]["epochs"], second["model"], second["recipe"]) == (
        *("small-cnn", N_EPOCHS),
        *(TREES, None),
    )


@pytest.mark.parametrize(("member", "fold"), [("small-cnn", 1), (TREES, 0)])
def test_an_interrupted_run_keeps_the_finished_folds_of_all_models(detect, pooled, tmp_path, member, fold):

    def listen(event):
        if isinstance(event, FoldDone) and (event.opinion, event.fold) == (member, fold):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect(tmp_path / "run", TWO, notify=listen)
    received = Recorder()
    detect(tmp_path / "run", TWO, resume=True, notify=received)
    kept = {"small-cnn": [0, 1], TREES: []} if member == "small-cnn" else {"small-cnn": [0, 1, 2], TREES: [0]}
    for name, folds in kept.items():
        assert folds_of(received, name, reused=True) == folds
        assert folds_of(received, name, reused=False) == [each for each in range(N_FOLDS) if each not in folds]
    (planned,) = received.of(TrainingPlanned)
    assert (planned.n_folds, planned.reused_folds, planned.n_models) == (6, sum(map(len, kept.values())), 2)
    assert contents(tmp_path / "run") == contents(pooled.folder)


def test_folds_of_all_models_side_by_side_give_the_same_bytes(detect, pooled, tmp_path):
    detect(tmp_path / "run", TWO | {"executor.processes": 2})
    assert contents(tmp_path / "run") == contents(pooled.folder)


def test_a_run_with_other_models_is_another_run(detect, pooled):
    with refuses(labelscan.RunFolderError, "other-run"):
        detect(pooled.folder)


def test_a_self_check_asks_all_models_again(shapes, tmp_path):
    images, true_labels, _ = shapes
    settings = quick(**TWO, **{"detection.self_check": 0.1, "training.epochs": 2})
    run = labelscan.detect(images, true_labels, settings=settings, output=tmp_path / "run")
    assert run.summary.self_check is not None
    evidence = labelscan.Evidence.read(run.folder / "self-check" / "evidence.npz")
    assert [one.name for one in evidence.members] == MODELS


def test_a_list_of_models_in_python_gives_a_member_each(detect, tmp_path):

    def make():
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    models = [make, LogisticRegression(C=0.1), LogisticRegression(C=1)]
    run = detect(tmp_path / "run", model=models)
    names = [one.name for one in run.evidence.members]
    assert [name.rpartition(".")[2] for name in names] == ["make", "LogisticRegression", "LogisticRegression 2"]


@pytest.mark.parametrize(
    ("models", "problem"),
    [([], "the list of models is empty"), ([GaussianNB()] * 2, "given twice"), ([GaussianNB(), "mlp"], "is a name")],
)
def test_a_list_that_is_no_list_of_models_is_refused(shapes, tmp_path, models, problem):
    images, _, given = shapes
    with pytest.raises(labelscan.ConfigError, match=problem):
        labelscan.detect(images, given, model=models, output=tmp_path / "run")


class Stubborn(GaussianNB):
    def fit(self, x, y):
        raise ArithmeticError("not today")


def test_a_second_model_that_fails_is_an_error_and_the_first_keeps_its_folds(shapes, tmp_path):
    images, _, given = shapes
    with refuses(labelscan.RunError, "job-failed"):
        labelscan.detect(images, given, model=[GaussianNB(), Stubborn()], output=tmp_path / "run")
    assert len(list((tmp_path / "run").glob("fold-*/DONE"))) == 5


def test_threshold_runs_are_those_of_the_first_network(shapes):
    images, _, given = shapes
    settings = quick(**{"model.name": [TREES, "small-cnn"], "detection.detector": "aum"})
    plan = labelscan.plan(images, given, settings=settings)
    assert plan.plan.network.name == "small-cnn"
    trees = quick(**{"model.name": [TREES], "detection.detector": "aum"})
    with refuses(labelscan.ConfigError, "wrong-model"):
        labelscan.plan(images, given, settings=trees)


def test_a_plan_names_every_model_and_says_once_what_they_share(shapes):
    images, _, given = shapes
    facts = dict(plan_facts(labelscan.plan(images, given, settings=quick(**TWO))))
    assert facts["model"] == "small-cnn: set by the user"
    assert facts["opinion 2"] == f"{TREES}: set by the user"
    assert facts["inputs"] == "8 x 8, grey"
    assert facts["training"] == f"{N_EPOCHS} epochs, batches of 64; as the classifier does"


@pytest.mark.skipif(not lite0_installed(), reason="needs the extra lite0")
def test_images_are_decoded_once_for_each_size_and_features_computed_once_for_all_heads(tmp_path):
    images, labels = draw_shapes(24)
    lite0 = "efficientnet-lite0"
    settings = quick(**{"model.name": ["small-cnn", lite0, f"{lite0}:head=ridge", TREES], "folds.n_folds": 2})
    received = Recorder()
    run = labelscan.detect(images, labels, settings=settings, output=tmp_path / "run", notify=received)
    assert [one.step for one in received.of(StepStarted)] == ["decode", "features"]
    assert len(run.evidence.members) == 4
    assert not list(run.folder.rglob("*.npy"))
    before = contents(run.folder)
    (run.folder / "fold-0-1-opinion-3" / "DONE").unlink()
    labelscan.detect(images, labels, settings=settings, output=tmp_path / "run")
    assert contents(run.folder) == before
