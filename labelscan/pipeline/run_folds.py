"""The folds of a run as jobs: which rows each holds out, what its result depends on, and which are still to do."""

from contextlib import nullcontext

import torch

from labelscan.config import fingerprint
from labelscan.events import FoldDone, Listener, TrainingPlanned, Warned
from labelscan.pipeline.inputs import Contents, provide_inputs
from labelscan.pipeline.planning import Plan, results_depend_on
from labelscan.results.run_folder import RunFolder
from labelscan.results.same_run import changes
from labelscan.training.fold_job import SHARD_VERSION, FoldJob
from labelscan.training.folds import Folds, assign_folds, find_units, number_groups


def assign(plan: Plan, contents: Contents) -> Folds:
    """Return which fold holds out which example; identical examples share one, as do those of a group."""
    dataset = plan.dataset
    must_share = [contents.numbers] + ([] if dataset.groups is None else [number_groups(dataset.groups)])
    units = find_units(len(dataset), *must_share)
    return assign_folds(
        dataset.example_ids,
        dataset.given_labels,
        dataset.class_names,
        units,
        ~contents.unusable,
        plan.config.folds,
        seed=plan.config.seed,
    )


def fold_jobs(plan: Plan, contents: Contents, folds: Folds, run: RunFolder) -> list[FoldJob]:
    """Return one job for each fold, in the order of repeats and folds."""
    config = plan.config
    made_from = fingerprint(
        {
            "settings": results_depend_on(config),
            "choices": {key: value for key, value in plan.choices.items() if key != "model_reason"},
            "data": plan.data_fingerprint,
            "contents": contents.fingerprint,
            "torch": torch.__version__,
            "shard": SHARD_VERSION,
        }
    )
    return [
        FoldJob(
            repeat=repeat,
            fold=fold,
            folder=run.shard(repeat, fold),
            fingerprint=made_from,
            inputs=run.store if plan.image_shape is not None and plan.frozen is None else run.features,
            cache_bytes=config.store.cache_megabytes * 2**20,
            given_labels=plan.dataset.given_labels,
            n_classes=len(plan.dataset.class_names),
            train_index=folds.train_index(repeat, fold),
            held_out_index=folds.held_out_index(repeat, fold),
            learner=plan.learner,
            device=plan.device,
            threads=plan.threads,
            run_seed=config.seed,
        )
        for repeat in range(folds.n_repeats)
        for fold in range(folds.n_folds)
    ]


def train(plan: Plan, contents: Contents, jobs: list[FoldJob], run: RunFolder, notify: Listener) -> None:
    """Run the jobs that are not finished already."""
    finished = [job.finished(reused=True) for job in jobs]
    todo = [job for job, done in zip(jobs, finished, strict=True) if done is None]
    if any(job.has_another_output() for job in todo):
        before = run.earlier.get("choices")
        changed = changes(before, plan.choices) if isinstance(before, dict) else []
        why = (
            "; ".join(changed)
            or "they were made by another version of labelscan or torch, or from other images or rows"
        )
        notify(Warned(f"finished folds are trained again: {why}"))
    if todo:
        provide_inputs(plan, contents, run, notify)
    with run.timed("training") if todo else nullcontext():
        n_epochs = plan.recipe.epochs if plan.recipe is not None else 0
        n_folds = len(jobs) - plan.n_threshold_runs
        notify(TrainingPlanned(n_folds, n_epochs, len(jobs) - len(todo), plan.n_threshold_runs))
        for done in finished:
            if isinstance(done, FoldDone):
                notify(done)
        plan.executor.run(todo, notify)
