"""The whole line: from a data set to a ranked table of label issues, and its self-check."""

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from labelscan.arrays import Strings, as_strings
from labelscan.config import Config, fingerprint, nested
from labelscan.correction.review import GivenDecisions, Review, read_review
from labelscan.data.dataset import Dataset
from labelscan.data.duplicates import find_label_conflicts
from labelscan.detection.detectors import Detections
from labelscan.detection.planted_errors import FILE_NAME as PLANTED_FILE
from labelscan.detection.planted_errors import PlantedErrors, plant_errors
from labelscan.detection.self_check import judge_by_planted
from labelscan.events import Listener, Noted, Warned, ignore, interruptible
from labelscan.interruption import ending_in_order
from labelscan.pipeline import planning
from labelscan.pipeline.evidence_of_folds import evidence_of
from labelscan.pipeline.given_data import Data
from labelscan.pipeline.inputs import Contents, read_contents
from labelscan.pipeline.judge import judge_and_write
from labelscan.pipeline.planning import Plan, results_depend_on
from labelscan.pipeline.run_folds import assign
from labelscan.results.finished_run import Run
from labelscan.results.health import DataChecks
from labelscan.results.issues import SCORED, UNREADABLE
from labelscan.results.run_files import SELF_CHECK
from labelscan.results.run_folder import RunFolder, describe, open_run, recorded_fingerprint
from labelscan.training.folds import Folds, unscored_reasons
from labelscan.training.hardware import hardware
from labelscan.training.user_model import UserModel


def detect(
    data: Data | None = None,
    labels: ArrayLike | None = None,
    *,
    label: str = "",
    settings: Config | None = None,
    model: UserModel | Sequence[UserModel] | None = None,
    output: Path | str | None = None,
    resume: bool = False,
    fresh: bool = False,
    decisions: GivenDecisions | None = None,
    max_seconds: float | None = None,
    notify: Listener = ignore,
) -> Run:
    """Find labels that are probably wrong, and leave a run folder.

    Args:
        data: a path or name as on the command line, a data set, or data in memory: a data frame of pandas, polars or
            others, whose id column or else index are the ids; (N,) texts; images or features as arrays, lists or torch
            tensors. None is that of ``settings``.
        labels: (N,) given labels, with data in memory whose labels are no column of it.
        label: the column of labels in a data frame or file; empty finds it by its usual names.
        settings: from ``labelscan.settings``; None is the defaults.
        model: a function that returns a new ``nn.Module`` for (B, C, H, W) or (B, D) float inputs, or a
            scikit-learn classifier or pipeline, in place of the models that the settings name; or a list of these, each
            of which is an opinion. A classifier gets the columns of a data frame and texts as they came.
        output: the run folder; None is ``labelscan-runs/<name>-<fingerprint>``.
        resume: whether a missing run is an error.
        fresh: whether an earlier run in the folder is deleted.
        decisions: what a person has decided about some of the labels: a file that the report saved or Label Studio
            exported, or decisions in memory. These labels count as known, and all others are judged by what the
            decisions say; a finished run is judged anew without training.
        max_seconds: when to interrupt the run; the same call resumes it.
        notify: receives everything that happens; see ``labelscan.events``.

    Raises:
        UsageError: settings, data or decisions that cannot work, with what to do.
        RunError: the run could not be finished.
        Interrupted: ``max_seconds`` are over.
    """
    review = None if decisions is None else read_review(decisions)  # a damaged file is refused before any training
    listen = interruptible(notify, max_seconds)
    plan = planning.plan(data, labels, label=label, settings=settings, model=model, output=output, notify=listen)
    return carry_out(plan, resume=resume, fresh=fresh, review=review, notify=listen)


def carry_out(
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
        resume: as in ``detect``.
        fresh: as in ``detect``.
        inputs: a folder of decoded images and features, shared by runs with the same data, model and image size;
            it is kept when the run ends. None is one of the run's own, deleted then.
        planted: whether errors were planted in the labels, so that the results are not about those of the data.
        review: decisions about some of the labels.
        for_gate: whether the run only serves a verdict, and replaces that of a gate on data as it was before.
        notify: receives everything that happens.
    """
    with _open(plan, resume=resume, fresh=fresh, inputs=inputs, for_gate=for_gate) as run:
        log = run.logging(notify)
        if run.started_over:
            log(Noted(f"{plan.folder} starts over: {run.started_over}"))
        plan = _keeping_threads(plan, run)
        run.record(choices=run.earlier_choices or plan.choices, planted=planted)
        used = hardware(plan.device, threads=plan.threads, precisions=plan.precisions, engines=plan.engines)
        run.record_machine(**used)
        with ending_in_order():
            contents = read_contents(plan, run, log)
        result, detections = _train_and_judge(plan, contents, run, log, review)
        if plan.config.detection.self_check:
            result = _self_check(plan, contents, result, detections, run, notify)
        run.drop_inputs()
        return result


def _open(
    plan: Plan,
    *,
    resume: bool = False,
    fresh: bool = False,
    inputs: Path | None = None,
    for_gate: bool = False,
) -> AbstractContextManager[RunFolder]:
    depends = {
        "command": "detect",
        **results_depend_on(plan.config),
        **plan.models,
    }
    return open_run(
        plan.folder,
        settings=nested(plan.config),
        results_depend_on=depends,
        data=describe(plan.dataset, plan.data_fingerprint),
        resume=resume,
        fresh=fresh,
        inputs=inputs,
        for_gate=for_gate,
    )


def _keeping_threads(plan: Plan, run: RunFolder) -> Plan:
    """Return the plan with as many threads a fold as the run began with, so that finished folds stay valid."""
    threads = run.earlier_choices.get("threads")
    if isinstance(threads, int) and not plan.config.executor.threads:
        return dataclasses.replace(plan, threads=threads)
    return plan


def _train_and_judge(
    plan: Plan, contents: Contents, run: RunFolder, notify: Listener, review: Review | None = None
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
    data = fingerprint([plan.data_fingerprint, planted.index.tolist(), planted.labels.tolist()])
    if recorded_fingerprint(folder) != data:
        shutil.rmtree(folder, ignore_errors=True)
    config = dataclasses.replace(plan.config, detection=dataclasses.replace(plan.config.detection, self_check=0.0))
    dataset = dataclasses.replace(plan.dataset, given_labels=planted.in_place(plan.dataset.given_labels))
    again = dataclasses.replace(plan, config=config, dataset=dataset, data_fingerprint=data, folder=folder)
    with _open(again, inputs=run.inputs) as second:
        second.record(choices=second.earlier_choices or again.choices, planted=True)
        planted.write(folder / PLANTED_FILE, plan.dataset)
        yield again, second
