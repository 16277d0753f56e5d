"""The evidence of a run: from its folds, or as it was kept when they were finished.

Once it is whole, the outputs of the folds, which take twice its room, are deleted. It then stays valid on another
machine, with another engine or in another precision: these change last digits, and the run was finished without them.
"""

from collections.abc import Mapping, Sequence
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
from labelscan.events import Listener, Noted
from labelscan.pipeline.inputs import Contents
from labelscan.pipeline.planning import Plan
from labelscan.pipeline.run_folds import changed_choices, jobs_of, train, warnings_of
from labelscan.results.run_files import MACHINES
from labelscan.results.run_folder import RunFolder
from labelscan.results.run_record import CHOICES, EVIDENCE_OF, VERSIONS, other_versions, versions
from labelscan.training.fold_job import FoldJob, read_outputs
from labelscan.training.folds import Folds


def evidence_of(
    plan: Plan, contents: Contents, folds: Folds, run: RunFolder, notify: Listener
) -> tuple[Evidence, list[str]]:
    """Return the evidence of all folds, of which those that are needed are trained, and what they warn of."""
    by_model, more = jobs_of(plan, contents, folds, run)
    jobs, scored = list(chain.from_iterable(by_model.values())), np.flatnonzero(folds.scored)
    kept = _read_kept(run, jobs, plan.dataset, scored)
    lacks_more = bool(more) and (kept is None or not has_threshold_runs_of(kept, more))
    known: list[FoldJob] = []
    if (kept is None or lacks_more) and not plan.only_merges:
        _go_on_as_here(plan if kept is None else None, run)
    if kept is not None:
        known = jobs if lacks_more else [*jobs, *more]
        if changed := changed_choices(plan, run):
            notify(Noted(f"finished folds are kept as they were made: {'; '.join(changed)}"))
    train(plan, contents, [*jobs, *more], run, notify, in_evidence=known)
    run.fetch(*(job.folder for job in (*jobs, *more)))
    if kept is not None and not run.has_trained and MACHINES in run.earlier:
        run.record(**{MACHINES: run.earlier[MACHINES]})  # run.json says what made the evidence, and not what shows it
    if kept is not None and not lacks_more:
        evidence = kept
    else:
        gathered = _gathered(by_model, plan.dataset, folds) if kept is None else kept
        evidence = _keep(with_threshold_runs(gathered, more), run, jobs)
    run.record(opinion_weights={one.name: one.weight for one in evidence.opinions})
    for job in jobs:
        job.drop_output()
    return evidence, warnings_of([*jobs, *more])


def _go_on_as_here(plan: Plan | None, run: RunFolder) -> None:
    """Record with what folds are trained from now on: versions, and, of a plan, what the automatic settings became.

    Raises:
        RunFolderError: these differ from what others work with.
    """
    made_with = {VERSIONS: versions()} if plan is None else {VERSIONS: versions(), CHOICES: plan.choices}
    if other_versions(run.earlier) or (plan is not None and changed_choices(plan, run)):
        run.renew(made_with)
    else:
        run.record(**made_with)


def _read_kept(run: RunFolder, jobs: Sequence[FoldJob], dataset: Dataset, scored: Index) -> Evidence | None:
    """Return the evidence of these folds of (M,) ``scored`` rows, or None where their outputs are needed."""
    if run.earlier.get(EVIDENCE_OF) != _method(jobs) or not all(job.was_finished() for job in jobs):
        return None
    try:
        evidence = Evidence.read(run.path / FILE_NAME)
    except RunFolderError:
        return None
    is_theirs = (
        np.array_equal(evidence.index, scored)
        and np.array_equal(evidence.example_ids, dataset.example_ids[scored])
        and np.array_equal(evidence.given_labels, dataset.given_labels[scored])
        and evidence.class_names == dataset.class_names
    )
    return evidence if is_theirs else None


def _gathered(by_model: Mapping[str, Sequence[FoldJob]], dataset: Dataset, folds: Folds) -> Evidence:
    """Return the pooled evidence of the models named, each with its finished jobs."""
    outputs = (read_outputs(own) for own in by_model.values())
    each = [gather(own, dataset=dataset, scored=folds.scored, n_repeats=folds.n_repeats) for own in outputs]
    return pool(list(by_model), each)


def _keep(evidence: Evidence, run: RunFolder, jobs: Sequence[FoldJob]) -> Evidence:
    """Write the evidence of these folds; the caller goes on with what is returned.

    Which folds it is of is recorded last, and outputs are deleted after that, so that a kill in between loses none.
    """
    method = _method(jobs)
    if run.earlier.get(EVIDENCE_OF) != method:
        run.record(**{EVIDENCE_OF: ""})
    kept = evidence.kept_in(run.path / FILE_NAME)
    run.record(**{EVIDENCE_OF: method})
    return kept


def _method(jobs: Sequence[FoldJob]) -> str:
    return fingerprint([[job.folder.name, job.method] for job in jobs])
