"""Work on a run that other processes work on too: carry out shards, and leave the judgement to whoever merges them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from labelscan.errors import JudgedMeanwhile, RunFolderError
from labelscan.events import Listener, ignore
from labelscan.interruption import ending_in_order
from labelscan.pipeline.begun_run import entries_of, identity_of, keeping_threads, refuse_other_choices
from labelscan.pipeline.image_inputs import make_parts, parts_of_run
from labelscan.pipeline.inputs import read_contents
from labelscan.pipeline.planning import Plan
from labelscan.pipeline.run_folds import assign, jobs_of, train
from labelscan.pipeline.shard_names import ShardNames, refuse_unknown
from labelscan.results.open_run import join_run
from labelscan.results.run_folder import RunFolder
from labelscan.training.shard_files import AUM


@dataclass(frozen=True, slots=True)
class Worked:
    """What there is after a process has worked on a run."""

    folder: Path
    """The run folder, or the copy here of one in a bucket."""
    place: str
    """The run as other commands are given it: its folder or address."""
    n_finished: int
    """How many of the shards that were asked for are done."""
    is_finished: bool = False
    """Whether the run was finished before, so that there was nothing to do."""


def work(plan: Plan, *, only: Sequence[str] = (), notify: Listener = ignore) -> Worked:
    """Carry out the shards of a run that no other process works on, and return when all are finished.

    The run is begun where no process has begun it. What another process works on is waited for, and taken over should
    that process die.

    Args:
        plan: that of the run; each worker makes it from the same data and settings.
        only: names of shards, such as ``fold:0-3``; empty is all.
        notify: receives everything that happens.

    Raises:
        UsageError: the run belongs to other settings or data, was begun by other versions or on another kind of device,
            or has no such shard.
        RunError: a shard failed.
        Interrupted: what is done is kept, and any worker goes on from there.
    """
    plan.refuse_slurm()
    names = [ShardNames.of(one) for one in only]

    def begin(run: RunFolder) -> dict[str, object]:
        return entries_of(plan, run, in_parts=True)

    with join_run(plan.folder, identity_of(plan), begin=begin, kept_in=plan.kept_in, notify=notify) as run:
        notify = run.keeping(notify)
        refuse_unknown(names, only, run.shards)
        if plan.n_threshold_runs and not any(name.startswith(AUM) for name in run.shards):
            problem = "the run was begun with a detector that needs fewer trainings"
            raise RunFolderError(problem, where=plan.place, hint="leave --worker out: one process adds them")
        if run.is_trained:
            return Worked(run.path, plan.place, 0, is_finished=True)
        plan = keeping_threads(plan, run)
        refuse_other_choices(plan, run)
        try:
            with ending_in_order():
                return Worked(run.path, plan.place, _carry_out(plan, names, run, notify))
        except JudgedMeanwhile:
            return Worked(run.path, plan.place, 0, is_finished=True)


def _carry_out(plan: Plan, names: Sequence[ShardNames], run: RunFolder, notify: Listener) -> int:
    """Carry out the shards that are named, or all, and return how many are finished."""
    n_parts = 0
    for parts in parts_of_run(plan, run):
        if wanted_parts := [part for part in parts if any(one.has(part.name) for one in names)]:
            make_parts(plan, wanted_parts, parts, run, notify)
        n_parts += len(wanted_parts)
    if names and all(one.is_of_inputs for one in names):
        return n_parts
    contents = read_contents(plan, run, notify)
    by_model, more = jobs_of(plan, contents, assign(plan, contents), run)
    jobs = [*chain.from_iterable(by_model.values()), *more]
    wanted = [job for job in jobs if not names or any(one.has(job.name) for one in names)]
    train(plan, contents, wanted, run, notify)
    return n_parts + len(wanted)
