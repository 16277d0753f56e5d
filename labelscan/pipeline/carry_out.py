"""A plan carried out: from its folds to a ranked table of label issues, and its self-check."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from labelscan.arrays import Strings, as_strings
from labelscan.config import fingerprint
from labelscan.correction.review import Review
from labelscan.data.dataset import Dataset
from labelscan.data.duplicates import find_label_conflicts
from labelscan.detection.detectors import Detections
from labelscan.detection.planted_errors import FILE_NAME as PLANTED_FILE
from labelscan.detection.planted_errors import PlantedErrors, plant_errors
from labelscan.detection.self_check import judge_by_planted
from labelscan.errors import ConfigError, RunFolderError
from labelscan.events import Listener, Noted, Warned, ignore
from labelscan.interruption import ending_in_order
from labelscan.pipeline.begun_run import entries_of, identity_of, keeping_threads, refuse_other_choices
from labelscan.pipeline.evidence_of_folds import evidence_of
from labelscan.pipeline.inputs import Contents, read_contents
from labelscan.pipeline.judge import judge_and_write
from labelscan.pipeline.planning import Plan
from labelscan.pipeline.run_folds import assign, changed_choices
from labelscan.results.finished_run import Run
from labelscan.results.health import DataChecks
from labelscan.results.issues import SCORED, UNREADABLE
from labelscan.results.open_run import open_run, refuse_other_versions
from labelscan.results.run_files import SELF_CHECK
from labelscan.results.run_folder import RunFolder
from labelscan.results.run_record import other_versions, recorded_fingerprint
from labelscan.training.executors.finished import FinishedExecutor
from labelscan.training.executors.slurm import SlurmExecutor
from labelscan.training.folds import Folds, unscored_reasons
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
    if isinstance(plan.executor, SlurmExecutor) and not merges:
        hint = "leave it out here, and give it to labelscan detect"
        raise ConfigError("only detect sends workers to Slurm", where="executor.name", hint=hint)
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
        result, detections = _train_and_judge(plan, contents, run, log, review)
        plan = dataclasses.replace(plan, executor=own)
        if plan.config.detection.self_check:
            result = _self_check(plan, contents, result, detections, run, keep)
        run.drop_inputs()
        return result


def _train_and_judge(
    plan: Plan,
    contents: Contents,
    run: RunFolder,
    notify: Listener,
    review: Review | None = None,
) -> tuple[Run, Detections]:
    dataset, folds = plan.dataset, assign(plan, contents)
    status = _status(dataset, contents, folds)
    dataset.write(run.path / "examples.csv", status)
    folds.write(run.path / "folds.csv", dataset.example_ids)
    evidence, warnings = evidence_of(plan, contents, folds, run, notify)
    sizes = np.bincount(dataset.given_labels[~contents.unusable], minlength=len(dataset.class_names))
    checks = DataChecks(
        label_conflicts=find_label_conflicts(dataset, contents.numbers),
        small_classes=[dataset.class_names[label] for label in np.flatnonzero(sizes < folds.n_folds)],
        warnings=(*plan.warnings, *warnings),
    )
    detector, seed = plan.config.detection.detector, plan.config.seed
    return judge_and_write(dataset, evidence, status, detector, run, checks, review=review, seed=seed, notify=notify)


def _status(dataset: Dataset, contents: Contents, folds: Folds) -> Strings:
    status = as_strings([SCORED] * len(dataset))
    for row, reason in contents.unreadable.items():
        status[row] = f"{UNREADABLE}: {reason}"
    for row, reason in unscored_reasons(folds, dataset.given_labels, ~contents.unusable).items():
        status[row] = reason
    return status


def _self_check(
    plan: Plan, contents: Contents, first: Run, detections: Detections, run: RunFolder, notify: Listener
) -> Run:
    """Repeat everything with a few planted errors, and return the first run with the result.

    The second run is like any other, in a folder inside that of the first, and can be resumed too. It measures the
    detectors, so both runs are compared without the decisions of a person.
    """
    log = run.logging(notify)
    _, number, count = np.unique(contents.numbers, return_inverse=True, return_counts=True)
    is_alone = np.asarray(count[number] == 1)  # no other example has the same content
    planted = plant_errors(
        first.evidence,
        detections,
        alone=is_alone[first.evidence.index],
        rate=plan.config.detection.self_check,
        seed=plan.config.seed,
    )
    summary = first.summary
    if summary.learned_nothing or not len(planted):
        too_small = "no class has 10 examples with labels that look right"
        warning = f"no self-check was made: {'the models learned nothing' if summary.learned_nothing else too_small}"
        log(Warned(warning))
        summary = dataclasses.replace(summary, warnings=(*summary.warnings, warning))
    else:
        log(Noted(f"self-check: training again with {len(planted):,} planted errors"))
        with run.timed("self_check"), _open_self_check(plan, planted, run) as (again, second):
            checked, judged = _train_and_judge(again, contents, second, second.logging(notify))
            run.has_trained |= second.has_trained
        found = judge_by_planted(planted, (first.evidence, detections), (checked.evidence, judged), folder=SELF_CHECK)
        summary = dataclasses.replace(summary, self_check=found)
    summary.write(run.path)
    return dataclasses.replace(first, summary=summary)


@contextmanager
def _open_self_check(plan: Plan, planted: PlantedErrors, run: RunFolder) -> Iterator[tuple[Plan, RunFolder]]:
    """Open the run of the self-check, started over where an earlier one had other errors in it."""
    folder = run.path / SELF_CHECK
    run.fetch(folder)
    data = fingerprint([plan.data_fingerprint, planted.index.tolist(), planted.labels.tolist()])
    if recorded_fingerprint(folder) != data:
        shutil.rmtree(folder, ignore_errors=True)
    config = dataclasses.replace(plan.config, detection=dataclasses.replace(plan.config.detection, self_check=0.0))
    dataset = dataclasses.replace(plan.dataset, given_labels=planted.in_place(plan.dataset.given_labels))
    again = dataclasses.replace(plan, config=config, dataset=dataset, data_fingerprint=data, folder=folder, kept_in="")

    def begin(second: RunFolder) -> dict[str, object]:
        return {**entries_of(again, second, in_parts=False), "planted": True}

    with open_run(folder, identity_of(again), inputs=run.inputs, begin=begin) as second:
        planted.write(folder / PLANTED_FILE, plan.dataset)
        yield again, second
