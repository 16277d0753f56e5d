"""The evidence of a run: from its folds, or as it was kept when they were finished.

Once it is whole, the outputs of the folds, which take twice its room, are deleted. It then stays valid on another
machine, with another engine or in another precision: these change last digits, and the run was finished without them.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain

import numpy as np

from labelscan.arrays import Index
from labelscan.config import fingerprint
from labelscan.data.dataset import Dataset
from labelscan.detection.aum_trainings import has_threshold_runs_of, with_threshold_runs
from labelscan.detection.evidence import FILE_NAME, Evidence
from labelscan.detection.gathering import gather
from labelscan.detection.pooling import pool
from labelscan.errors import RunFolderError
from labelscan.events import Listener, Noted, Warned
from labelscan.jobs.fold_job import FoldJob
from labelscan.jobs.outputs import Outputs
from labelscan.pipeline.inputs import Contents
from labelscan.pipeline.planning import PlannedRun
from labelscan.pipeline.run_folds import changed_choices, jobs_of, train, warnings_of
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import ELSEWHERE
from labelscan.runs.record import versions
from labelscan.training.folds import Folds


def evidence_of(
    planned: PlannedRun, contents: Contents, folds: Folds, run: RunFolder, notify: Listener
) -> tuple[Evidence, list[str]]:
    """Return the evidence of all folds, of which those that are needed are trained, and what they warn of."""
    plan, outputs = planned.plan, run.paths.outputs
    by_model, threshold_runs = jobs_of(plan, contents, folds)
    jobs, scored = list(chain.from_iterable(by_model.values())), np.flatnonzero(folds.scored)
    kept = _read_kept(run, jobs, plan.dataset, scored, notify)
    if kept is None and run.is_read_only:
        problem = f"{FILE_NAME} is missing, damaged or of other folds, and this run cannot be written"
        raise RunFolderError("read-only-run", problem, where=str(run.path), hint=ELSEWHERE)
    every, in_evidence = [*jobs, *threshold_runs], list[FoldJob]()
    if kept is not None:
        has_all = has_threshold_runs_of(kept, threshold_runs) and all(map(outputs.was_done, threshold_runs))
        in_evidence = every if has_all or not threshold_runs else jobs
    needs_outputs = len(in_evidence) < len(every)
    if needs_outputs and not planned.only_merges:
        choices = planned.choices if kept is None else run.record.choices
        run.rewrite(replace(run.record, versions=versions(), choices=choices))
    changed = changed_choices(planned, run)
    if kept is not None and changed:
        notify(Noted(f"finished folds are kept as they were made: {'; '.join(changed)}"))
    with run.timed("training") if needs_outputs else nullcontext():
        train(planned, contents, every, notify, in_evidence=in_evidence, changed=changed)
    if kept is not None and not run.has_trained and run.earlier and run.earlier.machines:
        # run.json says what made the evidence, and not what shows it.
        run.rewrite(replace(run.record, machines=run.earlier.machines))
    evidence = _gathered(by_model, plan.dataset, folds, outputs) if kept is None else kept
    if needs_outputs:
        evidence = _keep(with_threshold_runs(evidence, threshold_runs, outputs.read_folds(threshold_runs)), run, jobs)
    weights = {one.name: one.weight for one in evidence.members}
    marks = {job.name: outputs.mark(job, None) for job in every}
    settled = {name: mark.settled_after for name, mark in marks.items() if mark is not None and mark.settled_after}
    run.rewrite(replace(run.record, opinion_weights=weights, settled=settled))
    if not run.is_read_only:
        for job in jobs:
            outputs.drop(job)
    return evidence, warnings_of(every, outputs)


def _read_kept(
    run: RunFolder, jobs: Sequence[FoldJob], dataset: Dataset, scored: Index, notify: Listener
) -> Evidence | None:
    """Return the evidence of these folds of (M,) ``scored`` rows, or None where their outputs are needed."""
    before = run.earlier
    if before is None or before.evidence_of != _method(jobs) or not all(map(run.paths.outputs.was_done, jobs)):
        return None
    try:
        before.check_intact(run.path, FILE_NAME)
        evidence = Evidence.read(run.path / FILE_NAME)
    except RunFolderError as error:
        if (run.path / FILE_NAME).exists():
            notify(Warned(str(error.problems[0].problem) + f": {FILE_NAME} is made again"))
        return None
    is_theirs = (
        np.array_equal(evidence.index, scored)
        and np.array_equal(evidence.example_ids, dataset.example_ids[scored])
        and np.array_equal(evidence.given_labels, dataset.given_labels[scored])
        and evidence.class_names == dataset.class_names
    )
    return evidence if is_theirs else None


def _gathered(by_model: Mapping[str, Sequence[FoldJob]], dataset: Dataset, folds: Folds, outputs: Outputs) -> Evidence:
    """Return the pooled evidence of the models named, each with its finished jobs."""
    each = [
        gather(outputs.read_folds(own), dataset=dataset, scored=folds.scored, n_repeats=folds.n_repeats)
        for own in by_model.values()
    ]
    return pool(list(by_model), each)


def _keep(evidence: Evidence, run: RunFolder, jobs: Sequence[FoldJob]) -> Evidence:
    """Write the evidence of these folds; the caller goes on with what is returned.

    Which folds it is of is recorded last, and outputs are deleted after that, so that a kill in between loses none.
    """
    method = _method(jobs)
    if run.earlier is None or run.earlier.evidence_of != method:
        run.rewrite(replace(run.record, evidence_of=""))
    with run.replacing(FILE_NAME) as path:
        evidence.write(path)
    run.rewrite(replace(run.record, evidence_of=method))
    return evidence.mapped_from(run.path / FILE_NAME)


def _method(jobs: Sequence[FoldJob]) -> str:
    return fingerprint([[job.name, job.made_from] for job in jobs])
