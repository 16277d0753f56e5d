"""A plan carried out in its run folder, and its self-check after it."""

import dataclasses
from pathlib import Path

from labelscan.correction.review import Review
from labelscan.errors import RunFolderError
from labelscan.events import Listener, Noted, ignore
from labelscan.interruption import ending_in_order
from labelscan.pipeline.begun_run import entries_of, identity_of, keeping_threads, refuse_other_choices
from labelscan.pipeline.inputs import read_contents
from labelscan.pipeline.planning import Plan
from labelscan.pipeline.run_folds import changed_choices
from labelscan.pipeline.self_check import check_itself
from labelscan.pipeline.train_and_judge import train_and_judge
from labelscan.results.finished_run import Run
from labelscan.results.open_run import open_run, refuse_other_versions
from labelscan.results.run_folder import RunFolder
from labelscan.results.run_record import other_versions
from labelscan.training.executors.finished import FinishedExecutor
from labelscan.training.hardware import hardware


def carry_out(
    plan: Plan,
    *,
    resume: bool = False,
    fresh: bool = False,
    inputs: Path | None = None,
    planted: bool = False,
    review: Review | None = None,
    for_gate: bool = False,
    merges: bool = False,
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
        merges: whether shards that are not finished are an error; only a self-check still trains.
        notify: receives everything that happens.
    """
    if not merges:
        plan.refuse_slurm()
    own, executor = plan.executor, FinishedExecutor() if merges else plan.executor

    def begin(run: RunFolder) -> dict[str, object]:
        here = keeping_threads(plan, run)
        if other_versions(run.earlier) or changed_choices(here, run):
            try:
                run.refuse_others()  # whose shards are none of this machine's
            except RunFolderError:
                refuse_other_versions(run)
                refuse_other_choices(here, run)
                raise
        return {**entries_of(here, run, in_parts=executor.is_shared), "planted": planted}

    with open_run(
        plan.folder,
        identity_of(plan, for_gate=for_gate),
        resume=resume,
        fresh=fresh,
        inputs=inputs,
        kept_in=plan.kept_in,
        begin=begin,
        notify=notify,
    ) as run:
        keep = run.keeping(notify)
        log = run.logging(keep)
        if run.started_over:
            log(Noted(f"{plan.folder} starts over: {run.started_over}"))
        plan = dataclasses.replace(keeping_threads(plan, run), executor=executor)
        used = hardware(plan.device, threads=plan.threads, precisions=plan.precisions, engines=plan.engines)
        run.record_machine(**used)
        with ending_in_order():
            contents = read_contents(plan, run, log)
        result, detections = train_and_judge(plan, contents, run, log, review)
        plan = dataclasses.replace(plan, executor=own)
        if plan.config.detection.self_check:
            result = check_itself(plan, contents, result, detections, run, keep)
        run.drop_inputs()
        return result
