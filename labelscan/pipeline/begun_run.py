"""A plan and the run that was begun with it: how run.json knows it again, and what it keeps of the first process."""

import dataclasses
from itertools import chain

from labelscan.config import nested
from labelscan.detection.aum_trainings import KIND
from labelscan.errors import RunFolderError
from labelscan.leases import Leases
from labelscan.pipeline.image_inputs import parts_of_run
from labelscan.pipeline.input_files import inputs_of
from labelscan.pipeline.planning import Plan, results_depend_on
from labelscan.pipeline.run_folds import changed_choices
from labelscan.results.run_files import LEASES, SHARDS, STORE
from labelscan.results.run_folder import RunFolder
from labelscan.results.run_record import CHOICES, EVIDENCE_OF, VERSIONS, describe, shard_name
from labelscan.results.same_run import Identity


def identity_of(plan: Plan, *, for_gate: bool = False) -> Identity:
    """Return what the run of a plan is begun with and known again by; one ``for_gate`` serves a verdict alone."""
    return Identity(
        settings=nested(plan.config),
        results_depend_on={"command": "detect", **results_depend_on(plan.config), **plan.models},
        data=describe(plan.dataset, plan.data_fingerprint),
        for_gate=for_gate,
    )


def entries_of(plan: Plan, run: RunFolder, *, in_parts: bool) -> dict[str, object]:
    """Return what run.json says of a plan: what the automatic settings became, and all shards.

    ``in_parts`` are those of the inputs too. Of a run that goes on, what has made its folds stays until this process
    trains.
    """
    before = {name: run.earlier[name] for name in (VERSIONS, CHOICES) if name in run.earlier}
    return {CHOICES: plan.choices, **before, SHARDS: _shards(plan, run, in_parts=in_parts)}


def _shards(plan: Plan, run: RunFolder, *, in_parts: bool) -> list[str]:
    """Return all shards as run.json names them."""
    inputs = {inputs_of(plan, one, run).stem for one in plan.opinions if one.image_shape is not None}
    parts = [part.name for part in chain.from_iterable(parts_of_run(plan, run))] if in_parts else []
    folds, repeats = plan.config.folds.n_folds, plan.config.folds.repeats
    names = [
        run.shard(repeat, fold, number).name
        for number in range(len(plan.opinions))
        for repeat in range(repeats)
        for fold in range(folds)
    ]
    if not (run.earlier.get(EVIDENCE_OF) and changed_choices(plan, run)):  # else workers would train them otherwise
        names += [f"{KIND}-{number}" for number in range(plan.n_threshold_runs)]
    before = run.earlier.get(SHARDS)
    known = [str(name) for name in before] if isinstance(before, list) else []
    of_inputs = [name for name in known if name.startswith(f"{STORE}/")]  # parts may have another size now
    of_inputs = of_inputs or [f"{STORE}/{name}" for name in (*parts, *sorted(inputs))]
    trained = dict.fromkeys([*(name for name in known if name not in of_inputs), *names])
    return [*of_inputs, *trained]


def shards_of(plan: Plan) -> list[str]:
    """Return the names of all shards that a run of the plan has, or would have."""
    run = RunFolder(plan.folder, Leases(plan.folder / LEASES))
    return list(map(shard_name, _shards(plan, run, in_parts=True)))


def keeping_threads(plan: Plan, run: RunFolder) -> Plan:
    """Return the plan with as many threads a fold as the run began with, so that finished folds stay valid."""
    threads = run.earlier_choices.get("threads")
    if isinstance(threads, int) and not plan.config.executor.threads:
        return dataclasses.replace(plan, threads=threads)
    return plan


def refuse_other_choices(plan: Plan, run: RunFolder) -> None:
    """Raise RunFolderError where this machine would train otherwise than the one that began the run."""
    if others := changed_choices(plan, run):
        raise RunFolderError(
            f"this machine would work otherwise than the one that began the run: {'; '.join(others)}",
            where=str(run.path),
            hint="set --device, --precision and device.engine alike on all machines",
        )
