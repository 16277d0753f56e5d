"""A plan run in its folder by the one process that owns the run, and its self-check after it."""

import dataclasses
from itertools import chain
from pathlib import Path

from labelscan.correction.review import Review
from labelscan.events import Listener, Noted, ignore
from labelscan.jobs.files import AUM
from labelscan.jobs.fold_job import FoldId
from labelscan.pipeline.image_inputs import blocks_of_run
from labelscan.pipeline.inputs import read_contents
from labelscan.pipeline.planning import Plan, PlannedRun, identity_of
from labelscan.pipeline.self_check import check_itself
from labelscan.pipeline.train_and_judge import train_and_judge
from labelscan.processes.interruption import shutting_down_gracefully
from labelscan.results.run import Run
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import open_run
from labelscan.runs.record import RunRecord
from labelscan.training.hardware import hardware


def run_plan(
    planned: PlannedRun,
    *,
    resume: bool = False,
    fresh: bool = False,
    inputs: Path | None = None,
    planted: bool = False,
    review: Review | None = None,
    for_gate: bool = False,
    notify: Listener = ignore,
) -> Run:
    """Train fold by fold, judge every label by models that never saw it, and write the run folder.

    Args:
        planned: what to do, and where.
        resume: whether a missing run is an error.
        fresh: whether an earlier run in the folder is deleted.
        inputs: a folder of decoded images and features, shared by runs with the same data, model and image size;
            it is kept when the run ends. None is one of the run's own, deleted then.
        planted: whether errors were planted in the labels, so that the results are not about those of the data.
        review: decisions about some of the labels.
        for_gate: whether the run only serves a verdict, and replaces that of a gate on data as it was before.
        notify: receives everything that happens.
    """
    planned.refuse_slurm()

    def begin(run: RunFolder, record: RunRecord) -> RunRecord:
        return dataclasses.replace(with_plan(record, planned, run), planted=planted)

    with open_run(
        planned.folder,
        identity_of(planned.plan, for_gate=for_gate),
        resume=resume,
        fresh=fresh,
        inputs=inputs,
        kept_in=planned.kept_in,
        begin=begin,
    ) as run:
        upload = run.uploading(notify)
        log = run.logging(upload)
        if run.started_over:
            log(Noted(f"{planned.folder} starts over: {run.started_over}"))
        if run.is_read_only:
            log(Noted(f"{planned.folder} can only be read: what is shown is not written"))
        here = dataclasses.replace(keeping_threads(planned, run), paths=run.paths)
        used = hardware(here.device, threads=here.threads, precisions=here.precisions, engines=here.plan.engines)
        run.record_machine(**used)
        with shutting_down_gracefully():
            contents = read_contents(here, log, may_change=run.may_change_data)
        result, detections = train_and_judge(here, contents, run, log, review)
        if here.plan.config.detection.self_check and not run.is_read_only:
            again = dataclasses.replace(here, only_merges=False)  # its folds are trained here
            result = check_itself(again, contents, result, detections, run, upload)
        run.drop_inputs()
        return result


def with_plan(record: RunRecord, planned: PlannedRun, run: RunFolder) -> RunRecord:
    """Return the record of a run with what it says of a plan: what the automatic settings became, and all jobs.

    Of a run that is resumed, what has made its folds stays until this process trains.
    """
    record = dataclasses.replace(record, choices=planned.choices, jobs=tuple(jobs_in(planned)))
    before = run.earlier
    return (
        record
        if before is None
        else dataclasses.replace(
            record, versions=before.versions or record.versions, choices=before.choices or record.choices
        )
    )


def jobs_in(planned: PlannedRun) -> list[str]:
    """Return the names of all jobs of a run; inputs that this machine makes alone are one job each."""
    plan = planned.plan
    if planned.executor.runs_elsewhere:
        return jobs_in_blocks(plan)
    inputs = [Path(plan.inputs_of(one)).stem for one in plan.members if one.image_shape is not None]
    return list(dict.fromkeys([*inputs, *trainings_in(plan)]))


def jobs_in_blocks(plan: Plan) -> list[str]:
    """Return the names of all jobs of a plan, of inputs of images one for each block."""
    return [*(job.name for job in chain.from_iterable(blocks_of_run(plan))), *trainings_in(plan)]


def trainings_in(plan: Plan) -> list[str]:
    """Return the names of all folds of a plan, and of its trainings with an extra class."""
    folds, repeats = plan.config.folds.n_folds, plan.config.folds.repeats
    names = [
        FoldId(repeat=repeat, fold=fold, number=number).name
        for number in range(len(plan.members))
        for repeat in range(repeats)
        for fold in range(folds)
    ]
    return names + [FoldId(kind=AUM, fold=number).name for number in range(plan.n_threshold_runs)]


def keeping_threads(planned: PlannedRun, run: RunFolder) -> PlannedRun:
    """Return the same with as many threads a fold as the run began with, so that finished folds stay valid."""
    before = run.earlier_choices
    if before is None or before.threads is None or planned.plan.config.executor.threads:
        return planned
    return dataclasses.replace(planned, threads=before.threads)
