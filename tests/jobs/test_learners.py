"""What classifiers see of images, all pixels or means over squares where these are too many, and how they predict."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from fake_gpu import FakeGpu, use_fake_streams
from refusals import refuses
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_info, threadpool_limits
from tiny_training import HERE, fold_job, run_fold
from torch import nn

from labelscan.data.inputs import ColumnTable
from labelscan.data.stored_rows import write_rows
from labelscan.errors import Interrupted, RunError
from labelscan.events import EpochDone, Waiting, Warned, ignore
from labelscan.jobs import learners
from labelscan.jobs.files import CHECKPOINT_FILE
from labelscan.jobs.learners import ClassifierLearner, GivenClassifier, GivenMaker, NetworkLearner, _sample
from labelscan.training import loop
from labelscan.training.batches import StoredInputs
from labelscan.training.checkpoint import NO_CHECKPOINT
from labelscan.training.loop import Training
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import build_schedule


class Nothing:
    """A classifier that is never asked."""


def rows_of(tmp_path, array, most_pixels):
    np.save(tmp_path / "inputs.npy", array)
    learner = ClassifierLearner(GivenClassifier(Nothing()), most_pixels=most_pixels)
    return learner._rows(StoredInputs(tmp_path / "inputs.npy", 2**20), np.array([2, 0]))


RNG = np.random.default_rng(0)
IMAGES, FEATURES = RNG.integers(0, 256, (3, 7, 8, 3), dtype=np.uint8), RNG.normal(size=(3, 50)).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "most_pixels", "expected"),
    [(IMAGES, 0, IMAGES / 255), (IMAGES, 7 * 8 * 3, IMAGES / 255), (FEATURES, 10, FEATURES)],
)
def test_images_are_flattened_and_scaled_and_features_are_taken_as_they_are(tmp_path, array, most_pixels, expected):
    rows = rows_of(tmp_path, array, most_pixels)
    np.testing.assert_allclose(rows, expected[[2, 0]].reshape(2, -1), rtol=1e-6)


def test_larger_images_are_averaged_over_squares_of_pixels(tmp_path):
    rows, images = rows_of(tmp_path, IMAGES, 60), IMAGES  # 168 values: squares of 2 x 2, and of 2 x 1 at the lower edge
    assert rows.shape == (2, 3 * 4 * 4)
    first = rows.reshape(2, 3, 4, 4)[1]
    np.testing.assert_allclose(first[2, 0, 3], images[0, 0:2, 6:8, 2].mean() / 255, rtol=1e-6)
    np.testing.assert_allclose(first[0, 3, 1], images[0, 6:7, 2:4, 0].mean() / 255, rtol=1e-6)


def test_a_sample_of_many_rows_has_the_same_share_of_each_class():
    index = np.arange(0, 2000, 2)
    given_labels = np.zeros(2000, dtype=np.int64)
    given_labels[:200], given_labels[500] = 2, 3
    sampled = _sample(index, given_labels, 100, 0)
    assert np.bincount(given_labels[sampled]).tolist() == [90, 0, 10, 1]
    assert np.isin(sampled, index).all()
    assert (np.diff(sampled) > 0).all()
    assert np.array_equal(sampled, _sample(index, given_labels, 100, 0))
    assert not np.array_equal(sampled, _sample(index, given_labels, 100, 1))
    for most in (0, 1000):
        assert _sample(index, given_labels, most, 0) is index


def learned(learner, job, folder):
    """Return what a learner that keeps no checkpoint makes of a job."""
    return learner.learn(job, StoredInputs(folder / job.inputs, 2**20), HERE, (NO_CHECKPOINT, NO_CHECKPOINT), ignore)


class Counts:
    """A classifier that knows how many rows it was fitted to."""

    fitted = 0

    def fit(self, x, y):
        self.classes_, type(self).fitted = np.unique(y), len(x)

    def predict_proba(self, x):
        return np.ones((len(x), len(self.classes_))) / len(self.classes_)


def test_a_classifier_is_fitted_to_a_sample_and_predicts_every_row(tmp_path):
    job, _ = diverging_job(tmp_path)
    output = learned(ClassifierLearner(lambda seed, threads: Counts(), most_rows=10), job, tmp_path)
    assert Counts.fitted == 10
    assert (len(output.pred_probs), len(output.train_margin)) == (8, 32)


def test_a_forest_predicts_in_one_thread_since_several_would_round_differently_each_time(tmp_path):
    threads = []

    class Forest(RandomForestClassifier):
        def predict_proba(self, x):
            threads.append(self.n_jobs)
            return super().predict_proba(x)

    features = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)
    np.save(tmp_path / "inputs.npy", features)
    learner = ClassifierLearner(GivenClassifier(Forest(5, n_jobs=2)))
    output = learned(learner, fold_job(learner, np.arange(12) % 2, n_trained=8), tmp_path)
    assert threads == [1]
    assert output.pred_probs.shape == (4, 2)


class Exploding(nn.Module):
    """A network whose logits are NaN from the third step on, as where a step was too large."""

    def __init__(self, after):
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.after = after

    def forward(self, rows):
        self.after -= self.training
        return self.linear(rows) if self.after >= 0 else self.linear(rows) * torch.nan


class Blind(Exploding):
    """A network that predicts NaN from a step on, where its loss would be the next to show it."""

    def forward(self, rows):
        self.after -= self.training
        return self.linear(rows) if self.training or self.after > 0 else self.linear(rows) * torch.nan


def diverging_job(tmp_path, *n_steps, kind=Exploding):
    """Return the job of a fold whose first network explodes after so many steps, the second ..., and what it says."""
    labels = np.arange(40) % 2
    features = np.random.default_rng(0).normal(size=(40, 2)) + 4 * labels[:, None]
    np.save(tmp_path / "inputs.npy", features.astype(np.float32))
    networks = iter(n_steps)
    recipe = Recipe(epochs=4, batch_size=8, learning_rate=0.1, weight_decay=0)
    schedule = build_schedule("ce", n_epochs=4, n_classes=2)
    learner = NetworkLearner(GivenMaker(lambda: kind(next(networks))), recipe, schedule)
    return fold_job(learner, labels, n_trained=32), []


@pytest.mark.parametrize(("resident_bytes", "n_streams"), [(0, 1), (2**20, 0)])
def test_a_fold_keeps_its_examples_on_a_gpu_where_its_job_has_room_for_them(
    tmp_path, monkeypatch, resident_bytes, n_streams
):
    streams = use_fake_streams(monkeypatch)
    job, _ = diverging_job(tmp_path, 1000)
    there = dataclasses.replace(HERE, device=FakeGpu("cuda:0"), resident_bytes=resident_bytes)
    run_fold(job, tmp_path, where=there)
    assert len(streams) == n_streams


@pytest.mark.parametrize(
    ("n_steps", "kind", "what"),
    [(6, Exploding, "the loss became nan in epoch 2"), (16, Blind, "the network predicts NaN after epoch 4")],
)
def test_a_training_that_diverges_is_tried_once_more_at_half_the_step_size(tmp_path, monkeypatch, n_steps, kind, what):
    rates = []

    def note(*args, recipe, **options):
        rates.append(recipe.learning_rate)
        return Training(*args, recipe=recipe, **options)

    monkeypatch.setattr(learners, "Training", note)
    job, received = diverging_job(tmp_path, n_steps, 1000, kind=kind)
    outputs = run_fold(job, tmp_path, received.append)
    message = f"repeat 0, fold 1: {what}; trained again at half the learning rate"
    assert [event.message for event in received if isinstance(event, Warned)] == [message]
    assert outputs.mark(job, HERE).warnings == (message,)
    assert rates == [0.1, 0.05]
    assert received[-1].held_out_agreement > 0.8


def test_a_training_that_is_interrupted_while_it_predicts_is_not_done_again(tmp_path):
    job, received = diverging_job(tmp_path, 1000, 1000)

    def stop(event):
        received.append(event)
        if isinstance(event, Waiting) and sum(isinstance(event, EpochDone) for event in received) == 4:
            raise Interrupted("interrupted", "enough")

    with pytest.raises(Interrupted):
        run_fold(job, tmp_path, stop)
    received.clear()
    outputs = run_fold(job, tmp_path, received.append)
    assert [event for event in received if isinstance(event, EpochDone)] == []
    assert outputs.is_done(job, HERE)


def test_a_training_that_diverges_twice_says_where_and_what_to_try(tmp_path):
    job, received = diverging_job(tmp_path, 6, 6)
    with refuses(RunError, "diverged", "repeat 0, fold 1"):
        run_fold(job, tmp_path, received.append)


def test_a_second_try_that_was_cut_off_goes_on_and_its_warning_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_EVENTS", -1.0)
    whole, _ = diverging_job(tmp_path, 6, 1000)
    outputs = run_fold(whole, tmp_path)
    (expected,) = outputs.read_folds([whole])
    outputs.forget(whole)
    job, received = diverging_job(tmp_path, 6, 1000, 1000)

    def stop(event):
        received.append(event)
        if sum(isinstance(event, Waiting) for event in received) == 15:
            raise Interrupted("interrupted", "enough")

    with pytest.raises(Interrupted):
        run_fold(job, tmp_path, stop)
    received.clear()
    run_fold(job, tmp_path, received.append)
    (output,) = outputs.read_folds([job])
    assert output.pred_probs.tobytes() == expected.pred_probs.tobytes()
    assert not any(isinstance(event, Warned) for event in received)  # said before
    assert len(outputs.mark(job, HERE).warnings) == 1


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 1.0])
def test_a_fold_whose_checkpoint_is_damaged_is_trained_from_the_beginning_and_that_is_said(tmp_path, share):
    whole, _ = diverging_job(tmp_path, 1000)
    outputs = run_fold(whole, tmp_path)
    (expected,) = outputs.read_folds([whole])
    outputs.forget(whole)
    job, received = diverging_job(tmp_path, 1000, 1000)

    def stop(event):
        if isinstance(event, EpochDone) and event.epoch == 3:
            raise Interrupted("interrupted", "enough")

    with pytest.raises(Interrupted):
        run_fold(job, tmp_path, stop)
    path = outputs.folder_of(job) / CHECKPOINT_FILE
    content = bytearray(path.read_bytes())
    content[int(share * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    run_fold(job, tmp_path, received.append)
    message = "repeat 0, fold 1: its checkpoint is damaged, so it is trained from the beginning"
    assert [event.message for event in received if isinstance(event, Warned)] == [message]
    assert [event.epoch for event in received if isinstance(event, EpochDone)] == [1, 2, 3, 4]
    (output,) = outputs.read_folds([job])
    assert output.pred_probs.tobytes() == expected.pred_probs.tobytes()
    assert not path.exists()


def test_what_another_job_of_the_same_name_has_left_is_not_used_and_other_files_stay(tmp_path):
    other, _ = diverging_job(tmp_path, 1000)
    outputs = run_fold(dataclasses.replace(other, made_from="4567"), tmp_path)
    job, received = diverging_job(tmp_path, 1000)
    (outputs.folder_of(job) / "a file of the user").touch()
    run_fold(job, tmp_path, received.append)
    assert outputs.is_done(job, HERE)
    assert [event for event in received if isinstance(event, Warned)] == []
    assert outputs.state_of(job).last_epoch().epoch == len(outputs.state_of(job).events()) == 4
    assert (outputs.folder_of(job) / "a file of the user").exists()


def test_a_loss_whose_memory_cannot_be_stored_keeps_no_checkpoints():
    class Remembers:
        default_delay = 0.0

        def begin(self, n_examples, n_classes, device):
            return self

    schedule = build_schedule("elr", n_epochs=4, n_classes=2)
    learner = NetworkLearner(GivenMaker(Nothing), None, schedule)
    assert learner.keeps_checkpoints
    assert not dataclasses.replace(learner, schedule=dataclasses.replace(schedule, loss=Remembers())).keeps_checkpoints


class ThreadCounter:
    """An encoder that notes in how many threads NumPy calculates."""

    def __init__(self, seen):
        self.seen = seen

    def fit_transform(self, x):
        self.seen |= {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
        return x.to_numpy()

    def transform(self, x):
        return x.to_numpy()


def test_columns_are_encoded_in_the_threads_of_the_fold_whatever_process_it_runs_in(tmp_path):
    write_rows(ColumnTable(pd.DataFrame({"size": np.arange(40.0) % 2})), tmp_path / "rows.arrow")
    job, seen = diverging_job(tmp_path, 1000)[0], set()
    learner = dataclasses.replace(
        job.learner, encode=lambda: ThreadCounter(seen), make=GivenMaker(lambda: nn.Linear(1, 2))
    )
    job = dataclasses.replace(job, learner=learner, inputs="rows.arrow")
    with threadpool_limits(limits=2, user_api="blas"):
        run_fold(job, tmp_path)
    assert seen == {1}
