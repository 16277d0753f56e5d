import dataclasses

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from labelscan.errors import RunFolderError
from labelscan.events import FoldDone
from labelscan.training.device import Device
from labelscan.training.fold_job import FoldJob, count_finished, read_outputs
from labelscan.training.fold_output import FoldOutput
from labelscan.training.learners import ClassifierLearner, GivenClassifier


@pytest.fixture
def job(tmp_path):
    labels = np.arange(12) % 2
    features = np.random.default_rng(0).normal(size=(12, 2)) + 9 * labels[:, None]
    np.save(tmp_path / "features.npy", features.astype(np.float32))
    return FoldJob(
        repeat=0,
        fold=1,
        folder=tmp_path / "fold-0-1",
        fingerprint="0123",
        method="",
        inputs=tmp_path / "features.npy",
        cache_bytes=2**20,
        given_labels=labels,
        n_classes=2,
        train_index=np.arange(8),
        held_out_index=np.arange(8, 12),
        learner=ClassifierLearner(GivenClassifier(GaussianNB())),
        device=Device("cpu"),
        threads=1,
        run_seed=0,
    )


def test_what_a_learner_returns_is_what_the_shard_holds(job, tmp_path):
    heard = []
    assert job.finished() is None
    job.run(heard.append)
    assert heard == [dataclasses.replace(job.finished(), seconds=heard[0].seconds)]
    assert isinstance(heard[0], FoldDone)
    assert heard[0].held_out_accuracy == 1
    (output,) = read_outputs([job])
    assert (output.repeat, output.fold, output.train_probs) == (0, 1, None)
    np.testing.assert_array_equal(output.held_out_index, job.held_out_index)
    np.testing.assert_array_equal(output.pred_probs.argmax(axis=1), job.given_labels[8:])
    assert np.isnan(output.train_margin).all()
    assert (count_finished(tmp_path), count_finished(tmp_path, "aum")) == (1, 0)


def test_a_shard_made_from_something_else_is_not_this_job(job):
    job.run(lambda event: None)
    other = dataclasses.replace(job, fingerprint="4567")
    assert other.finished() is None
    assert other.was_finished()
    assert job.finished() is not None


def test_an_output_that_is_dropped_leaves_the_mark(job):
    job.run(lambda event: None)
    assert job.has_output()
    job.drop_output()
    job.drop_output()
    assert not job.has_output()
    assert job.finished() is not None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off"])
def test_a_damaged_shard_is_named(tmp_path, content):
    (tmp_path / "output.npz").write_bytes(content)
    with pytest.raises(RunFolderError, match="the shard is damaged"):
        FoldOutput.read(tmp_path, repeat=0, fold=0)
    with pytest.raises(RunFolderError, match="the shard is damaged"):
        FoldOutput.read(tmp_path / "nowhere", repeat=0, fold=0)
