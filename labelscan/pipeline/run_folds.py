"""The folds of a run as jobs: which rows each holds out, what its result depends on, and which are still to do."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

import numpy as np
import torch

from labelscan.config import fingerprint
from labelscan.detection.aum_trainings import threshold_jobs
from labelscan.events import FoldDone, Listener, TrainingPlanned, Warned
from labelscan.interruption import ending_in_order
from labelscan.pipeline.input_files import inputs_of
from labelscan.pipeline.inputs import Contents, provide_inputs
from labelscan.pipeline.planned_opinions import PlannedOpinion
from labelscan.pipeline.planning import Plan, results_depend_on
from labelscan.results.run_folder import RunFolder
from labelscan.results.same_run import changes
from labelscan.training.device import seed_of
from labelscan.training.done_mark import DoneMark
from labelscan.training.fold_job import SHARD_VERSION, FoldJob
from labelscan.training.folds import Folds, assign_folds, find_units, number_groups
from labelscan.training.gpu_memory import resident_bytes

BY_MACHINE = {"engine", "precision"}
"""The choices for a model that the machine decides, if the settings do not."""
OTHER_MAKER = "they were made by another version of labelscan or torch, or from other images or rows"
OUTPUT_LOST = "what they predicted is no longer there"


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


def jobs_of(
    plan: Plan, contents: Contents, folds: Folds, run: RunFolder
) -> tuple[dict[str, list[FoldJob]], list[FoldJob]]:
    """Return the folds of each model by its name, and the trainings with an extra class where the plan has any."""
    by_model = {one.name: fold_jobs(plan, one, contents, folds, run) for one in plan.opinions}
    if not plan.n_threshold_runs:
        return by_model, []
    return by_model, threshold_jobs(by_model[plan.network.name][0], np.flatnonzero(folds.scored), run.path)


def fold_jobs(plan: Plan, opinion: PlannedOpinion, contents: Contents, folds: Folds, run: RunFolder) -> list[FoldJob]:
    """Return one job for each fold of one model, in the order of repeats and folds."""
    config, number = plan.config, plan.opinions.index(opinion)
    has_others = len(plan.opinions) > 1
    choices = {key: value for key, value in opinion.choices.items() if key != "model_reason"}
    of_method = {
        "settings": results_depend_on(config),
        "data": plan.data_fingerprint,
        "contents": contents.fingerprint,
        "shard": SHARD_VERSION,
    }
    of_machine = {
        "device": dataclasses.asdict(opinion.device),
        "threads": plan.threads,
        "torch": torch.__version__,
    }
    n_processes = plan.processes_of(opinion)
    if n_processes > 1:  # else the folds of earlier versions would be trained again
        of_machine["processes"] = n_processes
    method = fingerprint({**of_method, "choices": {key: choices[key] for key in choices.keys() - BY_MACHINE}})
    made_from = fingerprint({**of_method, **of_machine, "choices": choices})
    return [
        FoldJob(
            repeat=repeat,
            fold=fold,
            folder=run.shard(repeat, fold, number),
            fingerprint=made_from,
            method=method,
            inputs=inputs_of(plan, opinion, run),
            cache_bytes=config.store.cache_megabytes * 2**20,
            given_labels=plan.dataset.given_labels,
            n_classes=len(plan.dataset.class_names),
            train_index=folds.train_index(repeat, fold),
            held_out_index=folds.held_out_index(repeat, fold),
            learner=opinion.learner,
            device=opinion.device,
            threads=plan.threads,
            n_processes=n_processes,
            folds_per_gpu=plan.folds_per_gpu,
            resident_bytes=resident_bytes(plan.device, plan.folds_per_gpu),
            pass_seconds=opinion.pass_seconds,
            # Networks of one kind would otherwise see the examples in the same order.
            run_seed=seed_of(config.seed, "opinion", number) if number else config.seed,
            opinion=opinion.name if has_others else "",
        )
        for repeat in range(folds.n_repeats)
        for fold in range(folds.n_folds)
    ]


def train(
    plan: Plan,
    contents: Contents,
    jobs: list[FoldJob],
    run: RunFolder,
    notify: Listener,
    *,
    in_evidence: Collection[FoldJob] = (),
) -> None:
    """Run the jobs that are not finished already, or whose output is gone and not in the evidence either."""
    if not run.is_joined:
        run.fetch(*(job.folder for job in jobs))
    finished = [
        job.finished(reused=True, by_any=job in in_evidence, on_any_machine=plan.only_merges)
        if job in in_evidence or run.is_joined or job.has_output()
        else None
        for job in jobs
    ]
    todo = [job for job, done in zip(jobs, finished, strict=True) if done is None]
    if not run.is_joined and any(job.was_finished() for job in todo):
        why = OUTPUT_LOST if any(job.mark() for job in todo) else "; ".join(changed_choices(plan, run)) or OTHER_MAKER
        notify(Warned(f"finished folds are trained again: {why}"))
    todo = [dataclasses.replace(job, needs_output=not run.is_joined) for job in todo]
    if todo:
        read = {job.inputs for job in todo}
        wanted = [one for one in plan.opinions if inputs_of(plan, one, run) in read]
        with ending_in_order():
            provide_inputs(plan, wanted, contents, run, notify)
    with run.timed("training") if todo else nullcontext():
        n_epochs = max(0 if one.recipe is None else one.recipe.epochs for one in plan.opinions)
        n_reused, n_runs = len(jobs) - len(todo), plan.n_threshold_runs
        notify(TrainingPlanned(len(jobs) - n_runs, n_epochs, n_reused, n_runs, len(plan.opinions)))
        for job, done in zip(jobs, finished, strict=True):
            if isinstance(done, FoldDone):
                job.tidy()  # the process that finished it may have been killed before it could
                notify(done)
        with ending_in_order():
            plan.executor.run(todo, run.leases, notify)


def warnings_of(jobs: Sequence[FoldJob]) -> list[str]:
    """Return what finished folds warn of, and which of them learned nothing while others did."""
    marks = [(job.place, mark) for job in jobs if (mark := DoneMark.read(job.folder))]
    warnings = list(dict.fromkeys(chain.from_iterable(mark.warnings for _, mark in marks)))
    failed = [place for place, mark in marks if mark.learned_nothing]
    if 0 < len(failed) < len(jobs):  # where none learned anything, that is said of the run
        warnings.append(
            f"{len(failed)} of {len(jobs)} trainings learned nothing, so their examples are judged badly "
            f"({'; '.join(failed[:5])}{' ...' if len(failed) > 5 else ''}): "
            "set a lower training.learning_rate, or train longer"
        )
    return warnings


def changed_choices(plan: Plan, run: RunFolder) -> list[str]:
    """Return in which choices the plan differs from what the run in the folder was begun with."""
    before = run.earlier_choices
    return changes(_by_model(before), _by_model(plan.choices)) if before else []


def _by_model(choices: Mapping[str, Any]) -> dict[str, object]:
    """Return the choices of a plan with those of the device and of each model by keys of their own."""
    flat = {key: value for key, value in choices.items() if key not in ("opinions", "device")}
    device = choices.get("device")
    flat |= {f"device.{key}": value for key, value in device.items()} if isinstance(device, dict) else {}
    opinions = choices.get("opinions")
    for opinion in opinions if isinstance(opinions, list) else ():
        if isinstance(opinion, dict):  # run.json may have been edited
            told = {key: value for key, value in opinion.items() if key != "model_reason"}
            flat |= {f"{key} of {opinion.get('model')}": value for key, value in told.items()}
    return flat
