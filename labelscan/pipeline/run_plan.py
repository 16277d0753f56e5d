"""A plan run in its folder by the one process that owns the run, and its self-check after it."""

import dataclasses
from itertools import chain
from pathlib import Path

from labelscan.correction.review import Review
from labelscan.events import Listener, Noted, ignore
from labelscan.jobs.files import AUM
from labelscan.jobs.fold_job import FoldId
from labelscan.pipeline.image_inputs import blocks_of_run
from labelscan.pipeline.input_files import inputs_of
from labelscan.pipeline.inputs import read_contents
from labelscan.pipeline.planning import Plan, identity_of
from labelscan.pipeline.self_check import check_itself
from labelscan.pipeline.train_and_judge import train_and_judge
from labelscan.processes.interruption import shutting_down_gracefully
from labelscan.results.run import Run
from labelscan.runs.folder import RunFolder, RunPaths
from labelscan.runs.opening import open_run
from labelscan.runs.record import RunRecord
from labelscan.training.hardware import hardware


def run_plan(
    plan: Plan,
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
        plan: what to do.
        resume: whether a missing run is an error.
        fresh: whether an earlier run in the folder is deleted.
        inputs: a folder of decoded images and features, shared by runs with the same data, model and image size;
            it is kept when the run ends. None is one of the run's own, deleted then.
        planted: whether errors were planted in the labels, so that the results are not about those of the data.
        review: decisions about some of the labels.
        for_gate: whether the run only serves a verdict, and replaces that of a gate on data as it was before.
        notify: receives everything that happens.
    """
    plan.refuse_slurm()

    def begin(run: RunFolder, record: RunRecord) -> RunRecord:
        return dataclasses.replace(with_plan(record, plan, run), planted=planted)

    with open_run(
        plan.folder,
        identity_of(plan, for_gate=for_gate),
        resume=resume,
        fresh=fresh,
        inputs=inputs,
        kept_in=plan.kept_in,
        begin=begin,
    ) as run:
        upload = run.uploading(notify)
        log = run.logging(upload)
        if run.started_over:
            log(Noted(f"{plan.folder} starts over: {run.started_over}"))
        if run.is_read_only:
            log(Noted(f"{plan.folder} can only be read: what is shown is not written"))
        here = keeping_threads(plan, run)
        used = hardware(here.device, threads=here.threads, precisions=here.precisions, engines=here.engines)
        run.record_machine(**used)
        with shutting_down_gracefully():
            contents = read_contents(here, run.paths, log, may_change=run.may_change_data)
        result, detections = train_and_judge(here, contents, run, log, review)
        if here.config.detection.self_check and not run.is_read_only:
            again = dataclasses.replace(here, only_merges=False)  # its folds are trained here
            result = check_itself(again, contents, result, detections, run, upload)
        run.drop_inputs()
        return result


def with_plan(record: RunRecord, plan: Plan, run: RunFolder) -> RunRecord:
    """Return the record of a run with what it says of a plan: what the automatic settings became, and all jobs.

    Of a run that is resumed, what has made its folds stays until this process trains.
    """
    record = dataclasses.replace(record, choices=plan.choices, jobs=tuple(jobs_in(plan, run.paths)))
    before = run.earlier
    return (
        record
        if before is None
        else dataclasses.replace(
            record, versions=before.versions or record.versions, choices=before.choices or record.choices
        )
    )


def jobs_in(plan: Plan, paths: RunPaths, *, in_blocks: bool = False) -> list[str]:
    """Return the names of all jobs of a plan; inputs of images are one job each, or ``in_blocks`` one a block."""
    of_images = [one for one in plan.members if one.image_shape is not None]
    inputs = [inputs_of(plan, one, paths).stem for one in of_images]
    if in_blocks or plan.executor.runs_elsewhere:
        inputs = [job.name for job in chain.from_iterable(blocks_of_run(plan, paths))]
    folds, repeats = plan.config.folds.n_folds, plan.config.folds.repeats
    names = [
        FoldId(repeat=repeat, fold=fold, number=number).name
        for number in range(len(plan.members))
        for repeat in range(repeats)
        for fold in range(folds)
    ]
    names += [FoldId(kind=AUM, fold=number).name for number in range(plan.n_threshold_runs)]
    return list(dict.fromkeys([*inputs, *names]))


def keeping_threads(plan: Plan, run: RunFolder) -> Plan:
    """Return the plan with as many threads a fold as the run began with, so that finished folds stay valid."""
    before = run.earlier_choices
    if before is None or before.threads is None or plan.config.executor.threads:
        return plan
    return dataclasses.replace(plan, threads=before.threads)
