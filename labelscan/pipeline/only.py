"""Some jobs of a run, for batch systems that know which machine runs what: ``--only`` here, ``--merge`` at the end.

Each process writes the outputs of its own jobs beside and renames them. Two that run the same job write the same bytes,
so nothing is locked. run.json, the evidence and the tables are written by the driver alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from labelscan.errors import RunFolderError
from labelscan.events import Listener, ignore
from labelscan.files.atomic import writing
from labelscan.pipeline.image_inputs import blocks_of_run, run_blocks
from labelscan.pipeline.inputs import read_contents
from labelscan.pipeline.job_names import JobNames, refuse_unknown
from labelscan.pipeline.planning import PlannedRun, identity_of
from labelscan.pipeline.run_folds import assign, jobs_of, train
from labelscan.pipeline.run_plan import jobs_in_blocks
from labelscan.processes.interruption import shutting_down_gracefully
from labelscan.runs.files import RUN_FILE
from labelscan.runs.opening import ELSEWHERE_OR_FRESH, check_place, why_start_over


@dataclass(frozen=True, slots=True)
class Ran:
    """What there is after some jobs of a run have been run."""

    folder: Path
    jobs: tuple[str, ...]
    """Their names; all are done."""


def run_only(planned: PlannedRun, only: Sequence[str], notify: Listener = ignore) -> Ran:
    """Run some jobs of a run unless they are done, and store their outputs.

    Args:
        planned: the run; each process plans it from the same data and settings.
        only: names of jobs, such as ``fold:3``, ``fold:0-0..0-4`` or ``features:0-7``.
        notify: receives everything that happens.

    Raises:
        UsageError: the run belongs to other settings or data, or has no such job.
        RunError: a job failed.
        Interrupted: what is done is kept, and the same command resumes.
    """
    planned.refuse_slurm()
    if planned.kept_in:
        hint = "give a folder on storage that all processes share"
        raise RunFolderError(
            "run-in-bucket", "outputs of several processes are not put into a bucket", where=planned.kept_in, hint=hint
        )
    plan, folder = planned.plan, planned.folder
    names = [JobNames.of(one) for one in only]
    refuse_unknown(names, only, jobs_in_blocks(plan))
    refuse_other_run(planned)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    done: list[str] = []
    with shutting_down_gracefully():
        for blocks in blocks_of_run(plan) if any(one.is_of_inputs for one in names) else []:
            if wanted := [job for job in blocks if any(one.has(job.name) for one in names)]:
                run_blocks(planned, wanted, notify)
                done += [job.name for job in wanted]
        if all(one.is_of_inputs for one in names):
            return Ran(folder, tuple(done))
        contents = read_contents(planned, notify)
        by_model, more = jobs_of(plan, contents, assign(plan, contents))
        jobs = [*chain.from_iterable(by_model.values()), *more]
        folds = [job for job in jobs if any(one.has(job.name) for one in names)]
        train(planned, contents, folds, notify)
    return Ran(folder, (*done, *(job.name for job in folds)))


def refuse_other_run(planned: PlannedRun) -> None:
    """Raise RunFolderError where jobs cannot be run in the folder: what lies there is of something else."""
    folder = planned.folder
    if (folder / RUN_FILE).is_file() and (other := why_start_over(folder, identity_of(planned.plan))):
        raise RunFolderError("other-run", other, where=str(folder), hint=ELSEWHERE_OR_FRESH)
    check_place(folder)
