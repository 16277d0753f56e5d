"""What is decided about the models of a run before anything is trained."""

import numpy as np
import pytest
from refusals import refuses
from tiny_texts import draw_texts, save_static_embedding, text_dataset
from torch import nn

import labelscan
from labelscan.errors import ConfigError
from labelscan.events import Noted
from labelscan.jobs.executors.local import WORTH_PROCESSES

TEXTS, _, GIVEN = draw_texts(30)
DATASET = text_dataset(TEXTS, GIVEN)


def test_weights_that_are_missing_are_found_before_anything_is_trained(monkeypatch):
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = labelscan.settings(model=["tfidf", "sentence-transformers/a-model-that-is-nowhere"])
    with pytest.raises(ConfigError, match=r"the weights of .* are not on this machine"):
        labelscan.plan(DATASET, settings=settings)


def test_a_run_is_another_one_where_an_embedding_has_other_weights(tmp_path):
    folder = tmp_path / "weights"
    settings = labelscan.settings(model=[str(folder)])
    save_static_embedding(folder, {"author": [1, 0], "actor": [0, 1]})
    first, again = (labelscan.plan(DATASET, settings=settings) for _ in range(2))
    save_static_embedding(folder, {"author": [0, 1], "actor": [1, 0]})
    other = labelscan.plan(DATASET, settings=settings)
    assert first.plan == again.plan
    assert first.plan != other.plan
    assert first.folder != other.folder


@pytest.mark.parametrize(
    ("loss", "models", "n_notes"),
    [("gce", ["tfidf"], 1), ("gce", ["tfidf", "wordllama"], 0), ("blurry", ["tfidf"], 0)],
)
def test_a_loss_that_trains_nothing_is_noted(loss, models, n_notes):
    if "wordllama" in models:
        pytest.importorskip("wordllama")
    received = []
    labelscan.plan(DATASET, settings=labelscan.settings(loss=loss, model=models), notify=received.append)
    notes = [one.message for one in received if isinstance(one, Noted)]
    assert notes.count("the loss gce trains nothing: classifiers have their own") == n_notes


def test_a_network_of_the_caller_is_refused_where_it_would_get_texts():
    with refuses(ConfigError, "wrong-model"):
        labelscan.plan(DATASET, model=lambda: nn.Linear(3, 3))


@pytest.mark.parametrize(
    ("shape", "n_epochs", "pays"), [((8, 8, 1), 40, False), ((32, 32, 3), 40, True), ((128, 128, 3), 10, True)]
)
def test_few_large_images_are_worth_processes_sooner_than_small_ones(shape, n_epochs, pays):
    images = np.random.default_rng(0).integers(0, 256, (200, *shape), dtype=np.uint8)
    settings = labelscan.settings(model="small-cnn", epochs=n_epochs)
    plan = labelscan.plan(images, np.arange(200) % 4, settings=settings).plan
    core_seconds = plan.network.pass_seconds * plan.n_passes(plan.network)
    assert (core_seconds > WORTH_PROCESSES) == pays


def test_heads_and_classifiers_take_one_gpu_whatever_is_asked_for_and_that_is_said():
    received = []
    settings = labelscan.settings(model="logistic", overrides={"executor.gpus_per_fold": 2})
    plan = labelscan.plan(np.eye(20), np.arange(20) % 2, settings=settings, notify=received.append)
    assert Noted("logistic: heads and classifiers are trained on one GPU, not 2") in received
    assert plan.processes_per_fold == 1
    assert plan.choices.processes_per_fold == 1
    two = labelscan.settings(model="mlp", overrides={"executor.gpus_per_fold": 2})
    assert labelscan.plan(np.eye(20), np.arange(20) % 2, settings=two).choices.processes_per_fold == 2


def test_batches_too_small_to_be_shared_are_refused():
    settings = labelscan.settings(model="mlp", batch_size=3, overrides={"executor.gpus_per_fold": 4})
    with refuses(ConfigError, "too-small-batches"):
        labelscan.plan(np.eye(20), np.arange(20) % 2, settings=settings)
