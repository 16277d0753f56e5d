"""The folds of a run as jobs: which rows each holds out, what its result depends on, and which are still to do."""

from collections.abc import Callable, Collection, Sequence
from itertools import chain

import numpy as np

from labelscan.config import fingerprint
from labelscan.detection.aum_trainings import threshold_jobs
from labelscan.errors import RunFolderError
from labelscan.events import Listener, TrainingPlanned, Warned
from labelscan.jobs.done_mark import DoneMark
from labelscan.jobs.executors import Executor
from labelscan.jobs.fold_job import JOB_VERSION, FoldId, FoldJob
from labelscan.jobs.outputs import Driver, Outputs, event_of
from labelscan.jobs.run_job import Job
from labelscan.jobs.where import Where
from labelscan.pipeline.image_inputs import where_of_blocks
from labelscan.pipeline.inputs import Contents, provide_inputs
from labelscan.pipeline.planned_members import PlannedMember
from labelscan.pipeline.planning import Plan, PlannedRun, results_depend_on
from labelscan.processes.interruption import shutting_down_gracefully
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import changes
from labelscan.runs.record import Choices
from labelscan.training.device import seed_of
from labelscan.training.folds import Folds, assign_folds, find_units, number_groups
from labelscan.training.gpu_memory import resident_bytes

OTHER_MAKER = "they were made by another version of labelscan or torch, or from other images or rows"
UNLIKE = (
    "the folds were trained on unlike machines, or by several versions of torch: trained again on one of them, "
    "the results differ in their last digits"
)
OUTPUT_LOST = "what they predicted is no longer there"
OUTPUT_DAMAGED = "what they predicted has changed since it was stored"
SHOWN = 10


class NotDoneError(RunFolderError):
    """What a run that only merges lacks. ``jobs`` are their names."""

    jobs: tuple[str, ...] = ()


def assign(plan: Plan, contents: Contents) -> Folds:
    """Return which fold holds out which example; copies share one, as do examples of a group."""
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


def jobs_of(plan: Plan, contents: Contents, folds: Folds) -> tuple[dict[str, list[FoldJob]], list[FoldJob]]:
    """Return the folds of each model by its name, and the trainings with an extra class where the plan has any."""
    by_model = {one.name: fold_jobs(plan, one, contents, folds) for one in plan.members}
    if not plan.n_threshold_runs:
        return by_model, []
    return by_model, threshold_jobs(by_model[plan.network.name][0], np.flatnonzero(folds.scored))


def fold_jobs(plan: Plan, member: PlannedMember, contents: Contents, folds: Folds) -> list[FoldJob]:
    """Return one job for each fold of one model, in the order of repeats and folds."""
    config, number = plan.config, plan.members.index(member)
    choices = {key: value for key, value in member.choices.items() if key != "model_reason"}
    made_from = fingerprint(
        {
            "settings": results_depend_on(config),
            "data": plan.data_fingerprint,
            "contents": contents.fingerprint,
            "job": JOB_VERSION,
            "choices": choices,
        }
    )
    return [
        FoldJob(
            id=FoldId(repeat=repeat, fold=fold, number=number, opinion=member.name if len(plan.members) > 1 else ""),
            made_from=made_from,
            inputs=plan.inputs_of(member),
            given_labels=plan.dataset.given_labels,
            n_classes=len(plan.dataset.class_names),
            train_index=folds.train_index(repeat, fold),
            held_out_index=folds.held_out_index(repeat, fold),
            learner=member.learner,
            # Networks of one kind would otherwise see the examples in the same order.
            run_seed=seed_of(config.seed, "opinion", number) if number else config.seed,
            pass_seconds=member.pass_seconds,
        )
        for repeat in range(folds.n_repeats)
        for fold in range(folds.n_folds)
    ]


def where_of(planned: PlannedRun) -> Callable[[Job], Where]:
    """Return where each job of a plan runs: those of one model all alike."""
    at = [
        Where(
            device=planned.devices[one.name],
            threads=planned.threads,
            n_processes=planned.processes_of(one),
            engine="" if one.engine is None else str(one.engine),
            folds_per_gpu=planned.folds_per_gpu,
            resident_bytes=resident_bytes(planned.device, planned.folds_per_gpu),
            cache_bytes=planned.plan.config.store.cache_megabytes * 2**20,
            cache=planned.plan.config.cache,
        )
        for one in planned.plan.members
    ]
    return lambda job: at[job.id.number] if isinstance(job, FoldJob) else where_of_blocks(planned)


def train(
    planned: PlannedRun,
    contents: Contents,
    jobs: list[FoldJob],
    notify: Listener,
    *,
    in_evidence: Collection[FoldJob] = (),
    changed: Sequence[str] = (),
) -> None:
    """Run the jobs that are not done, or whose output is gone and not in the evidence either, and store their outputs.

    Args:
        planned: the run.
        contents: of the examples.
        jobs: what must be done in the end.
        notify: receives everything that happens.
        in_evidence: those whose outputs the evidence has.
        changed: in which choices the plan differs from what the run was begun with.

    Raises:
        NotDoneError: the plan only merges, and some jobs are not done.
    """
    plan, outputs, where = planned.plan, planned.paths.outputs, where_of(planned)
    done: dict[str, DoneMark] = {}
    for job in jobs:
        mark = outputs.mark(job, None if planned.only_merges or job in in_evidence else where(job))
        if mark is not None and (job in in_evidence or outputs.has_output(job)):
            done[job.name] = mark
    todo = [job for job in jobs if job.name not in done]
    if len({(job.id.number, done[job.name].made_where) for job in jobs if job.name in done}) > len(plan.members):
        notify(Warned(UNLIKE))
    if todo and planned.only_merges:
        raise _not_done(todo, planned.executor)
    if any(outputs.was_done(job) for job in todo):
        why = "; ".join(changed) or OTHER_MAKER
        if any(outputs.mark(job, where(job)) for job in todo):
            why = OUTPUT_DAMAGED if any(map(outputs.is_damaged, todo)) else OUTPUT_LOST
        notify(Warned(f"finished folds are trained again: {why}"))
    if todo:
        read = {job.inputs for job in todo}
        wanted = {name: one for one in plan.members if (name := plan.inputs_of(one)) in read}
        with shutting_down_gracefully():
            provide_inputs(planned, list(wanted.values()), contents, notify)
    n_epochs = max(0 if one.recipe is None else one.recipe.epochs for one in plan.members)
    n_runs = plan.n_threshold_runs
    notify(TrainingPlanned(len(jobs) - n_runs, n_epochs, len(done), n_runs, len(plan.members)))
    for job in jobs:
        if job.name in done:
            outputs.tidy(job)  # the process that finished it may have been killed before it could
            notify(event_of(job, done[job.name], reused=True))
    if todo:
        rows = {name: planned.paths.inputs / name for name in map(plan.inputs_of, plan.members)}
        with shutting_down_gracefully():
            planned.executor.run(todo, Driver(rows, where, outputs, notify))


def _not_done(jobs: Sequence[FoldJob], executor: Executor) -> NotDoneError:
    more = f" and {len(jobs) - SHOWN} more" if len(jobs) > SHOWN else ""
    hint = "run them first: the same command with --only in place of --merge"
    if executor.submits:
        hint = "the same command without --merge and --detach submits them"
    error = NotDoneError(
        "jobs-not-done",
        f"{len(jobs)} jobs are not done: {', '.join(job.name for job in jobs[:SHOWN])}{more}",
        hint=hint,
    )
    error.jobs = tuple(job.name for job in jobs)
    return error


def warnings_of(jobs: Sequence[FoldJob], outputs: Outputs) -> list[str]:
    """Return what finished folds warn of, and which of them learned nothing while others did."""
    marks = [(job.place, mark) for job in jobs if (mark := DoneMark.read(outputs.folder_of(job)))]
    warnings = list(dict.fromkeys(chain.from_iterable(mark.warnings for _, mark in marks)))
    failed = [place for place, mark in marks if mark.learned_nothing]
    if 0 < len(failed) < len(jobs):  # where none learned anything, that is said of the run
        warnings.append(
            f"{len(failed)} of {len(jobs)} trainings learned nothing, so their examples are judged badly "
            f"({'; '.join(failed[:5])}{' ...' if len(failed) > 5 else ''}): "
            "set a lower training.learning_rate, or train longer"
        )
    return warnings


def changed_choices(planned: PlannedRun, run: RunFolder) -> list[str]:
    """Return in which choices the plan differs from what the run in the folder was begun with."""
    before = run.earlier_choices
    return changes(_by_model(before), _by_model(planned.choices)) if before else []


def _by_model(choices: Choices) -> dict[str, object]:
    """Return the choices of a plan with those of the device and of each model by keys of their own."""
    flat: dict[str, object] = {"threads": choices.threads, "processes_per_fold": choices.processes_per_fold}
    flat |= {f"device.{key}": value for key, value in choices.device.items()}
    for member in choices.opinions:
        shown_choices = {key: value for key, value in member.items() if key != "model_reason"}
        flat |= {f"{key} of {member.get('model')}": value for key, value in shown_choices.items()}
    return flat
