"""The self-check: everything again with a few planted errors, which tell what the detectors find and what they miss."""

import dataclasses
import shutil

import numpy as np

from labelscan.config import fingerprint
from labelscan.detection.planted_errors import FILE_NAME as PLANTED_FILE
from labelscan.detection.planted_errors import PlantedErrors, plant_errors
from labelscan.detection.protocol import Detections
from labelscan.detection.self_check import judge_by_planted
from labelscan.events import Listener, Noted, Warned
from labelscan.jobs.files import AUM, FOLD
from labelscan.pipeline.inputs import Contents
from labelscan.pipeline.planning import PlannedRun, identity_of
from labelscan.pipeline.train_and_judge import train_and_judge
from labelscan.results.health import LEARNED_NOTHING
from labelscan.results.run import Run
from labelscan.results.summary import FILE_NAME as SUMMARY_FILE
from labelscan.runs.files import SELF_CHECK
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import open_run
from labelscan.runs.record import RunRecord


def check_itself(
    planned: PlannedRun, contents: Contents, first: Run, detections: Detections, run: RunFolder, notify: Listener
) -> Run:
    """Repeat everything with a few planted errors, and return the first run with the result.

    The second run is like any other, in a folder inside that of the first, and can be resumed too. It measures the
    detectors, so both runs are compared without the decisions of a person.
    """
    plan, log = planned.plan, run.logging(notify)
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
        warning = f"no self-check was made: {LEARNED_NOTHING if summary.learned_nothing else too_small}"
        log(Warned(warning))
        summary = dataclasses.replace(summary, warnings=(*summary.warnings, warning))
    else:
        log(Noted(f"self-check: training again with {len(planted):,} planted errors"))
        with run.timed("self_check"):
            checked, judged = _run_again(planned, contents, planted, run, notify)
        found = judge_by_planted(planted, (first.evidence, detections), (checked.evidence, judged), folder=SELF_CHECK)
        summary = dataclasses.replace(summary, self_check=found)
    summary.write(run.path)
    run.record_checksum(SUMMARY_FILE)
    return dataclasses.replace(first, summary=summary)


def _run_again(
    planned: PlannedRun, contents: Contents, planted: PlantedErrors, run: RunFolder, notify: Listener
) -> tuple[Run, Detections]:
    """Return the run of the self-check, started over where an earlier one had other errors in it."""
    plan, folder = planned.plan, run.path / SELF_CHECK
    data = fingerprint([plan.data_fingerprint, planted.index.tolist(), planted.labels.tolist()])
    before = RunRecord.find(folder)
    if before is None or before.data.fingerprint != data:
        shutil.rmtree(folder, ignore_errors=True)
    config = dataclasses.replace(plan.config, detection=dataclasses.replace(plan.config.detection, self_check=0.0))
    dataset = dataclasses.replace(plan.dataset, given_labels=planted.in_place(plan.dataset.given_labels))
    again = dataclasses.replace(plan, config=config, dataset=dataset, data_fingerprint=data)
    jobs = tuple(name for name in run.record.jobs or () if name.startswith((FOLD, AUM)))

    def begin(_: RunFolder, record: RunRecord) -> RunRecord:
        return dataclasses.replace(record, choices=planned.choices, jobs=jobs, planted=True)

    with open_run(folder, identity_of(again), inputs=run.paths.inputs, begin=begin) as second:
        planted.write(folder / PLANTED_FILE, plan.dataset)
        there = dataclasses.replace(planned, plan=again, paths=second.paths, kept_in="")
        result = train_and_judge(there, contents, second, second.logging(notify))
        run.has_trained |= second.has_trained
        return result
