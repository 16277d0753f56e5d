import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses
from tiny_run import evidence_of
from tiny_training import fold_job

from labelscan.detection.aum_trainings import (
    draw_threshold_examples,
    has_threshold_runs_of,
    n_threshold,
    threshold_jobs,
    with_threshold_runs,
)
from labelscan.errors import ConfigError, DatasetError, RunError
from labelscan.jobs.fold_job import FoldId
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.learners import ClassifierLearner, NetworkLearner, NetworkMaker
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import build_schedule

LABELS = np.arange(40) % 2
SCORED = np.arange(2, 40)


@given(n_classes=st.integers(2, 30), more=st.integers(1, 200), seed=st.integers(0, 2**63 - 1))
def test_runs_relabel_as_many_as_an_average_class_has_and_none_twice(n_classes: int, more: int, seed: int) -> None:
    n_examples = n_classes + more
    is_threshold = draw_threshold_examples(n_examples, n_classes, seed=seed)
    assert is_threshold.shape == (n_examples, 2)
    assert is_threshold.sum(axis=0).tolist() == [n_examples // (n_classes + 1)] * 2
    assert not is_threshold.all(axis=1).any()
    np.testing.assert_array_equal(draw_threshold_examples(n_examples, n_classes, seed=seed), is_threshold)
    assert (draw_threshold_examples(200, 4, seed=0) != draw_threshold_examples(200, 4, seed=1)).any()


@pytest.mark.parametrize(("n_examples", "n_classes"), [(2, 2), (10, 10), (0, 2)])
def test_too_few_examples_are_refused(n_examples: int, n_classes: int) -> None:
    with refuses(DatasetError, "too-few-examples"):
        draw_threshold_examples(n_examples, n_classes, seed=0)
    assert n_threshold(n_classes + 1, n_classes) == 1


@pytest.fixture
def fold():
    """Return a fold of the second model of a run, a network."""
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=0.1, weight_decay=0)
    learner = NetworkLearner(NetworkMaker(SmallCNN(), 2), recipe, build_schedule("ce", n_epochs=2, n_classes=2))
    return fold_job(learner, LABELS, n_trained=30, id=FoldId(fold=3, number=1, opinion="small-cnn"))


def outputs_of(jobs, *margins):
    return [
        FoldOutput(
            repeat=0,
            fold=job.id.fold,
            held_out_index=job.held_out_index,
            pred_probs=np.zeros((0, 2), dtype=np.float32),
            train_index=job.train_index,
            train_margin=np.full(len(job.train_index), margin, dtype=np.float32),
        )
        for job, margin in zip(jobs, margins, strict=True)
    ]


def test_runs_with_an_extra_class_are_jobs_of_the_same_model_on_all_examples(fold):
    first, second = threshold_jobs(fold, SCORED)
    assert [(job.name, job.place) for job in (first, second)] == [
        ("aum-0", "aum, run 0 of small-cnn"),
        ("aum-1", "aum, run 1 of small-cnn"),
    ]
    for job in (first, second):
        assert (job.id.number, job.id.opinion, job.inputs, job.n_classes) == (1, "small-cnn", fold.inputs, 3)
        np.testing.assert_array_equal(job.train_index, SCORED)
        assert len(job.held_out_index) == 0
        is_changed = job.given_labels != LABELS
        assert set(job.given_labels[is_changed]) == {2}
        assert not is_changed[:2].any()
        assert is_changed.sum() == n_threshold(len(SCORED), 2)
    assert not ((first.given_labels == 2) & (second.given_labels == 2)).any()
    assert first.seed != second.seed
    assert threshold_jobs(fold, SCORED)[0].given_labels.tolist() == first.given_labels.tolist()


def test_a_run_with_an_extra_class_is_another_job_wherever_its_examples_or_what_it_is_made_from_differ(fold):
    made_from = {
        job.made_from
        for one in (fold, dataclasses.replace(fold, made_from="4567"))
        for index in (SCORED, SCORED[1:])
        for job in threshold_jobs(one, index)
    }
    assert len(made_from | {fold.made_from}) == 9


def test_what_is_no_network_of_ours_takes_no_extra_class(fold):
    with pytest.raises(ConfigError):
        threshold_jobs(dataclasses.replace(fold, learner=ClassifierLearner(None)), SCORED)


def test_margins_of_runs_with_an_extra_class_go_into_the_evidence_and_are_known_there(fold):
    jobs = threshold_jobs(fold, SCORED)
    evidence = evidence_of(np.full((len(SCORED), 2), 0.5, dtype=np.float32), LABELS[SCORED])
    assert not has_threshold_runs_of(evidence, jobs)
    assert has_threshold_runs_of(evidence, [])
    whole = with_threshold_runs(evidence, jobs, iter(outputs_of(jobs, 1.0, 2.0)))
    np.testing.assert_array_equal(whole.aum_train_margin, [[1.0, 2.0]] * len(SCORED))
    np.testing.assert_array_equal(whole.aum_is_threshold[:, 0], jobs[0].given_labels[SCORED] == 2)
    assert has_threshold_runs_of(whole, jobs)
    assert not has_threshold_runs_of(whole, jobs[::-1])
    assert not has_threshold_runs_of(whole, [])
    without = with_threshold_runs(whole, [], [])
    assert without.aum_train_margin is without.aum_is_threshold is None
    with refuses(RunError, "diverged"):
        with_threshold_runs(evidence, jobs, outputs_of(jobs, 1.0, np.nan))
