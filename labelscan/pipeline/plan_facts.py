"""A plan as facts to show: a label and a text each, in the order of a run."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from labelscan.detection.planted_errors import count_wanted
from labelscan.images.cache import NONE, folder_of
from labelscan.pipeline.image_inputs import blocks_of_run
from labelscan.pipeline.job_names import JobNames, refuse_unknown
from labelscan.pipeline.planned_members import PlannedMember, data_kind_of
from labelscan.pipeline.planning import Plan, PlannedRun
from labelscan.pipeline.run_plan import jobs_in_blocks
from labelscan.results.run import member_facts

INPUT_WORDS = {
    "features": "rows of features",
    "embeddings": "embeddings",
    "columns": "columns of a table",
    "texts": "texts",
}


def plan_facts(planned: PlannedRun) -> tuple[tuple[str, str], ...]:
    """Return (label, text) pairs that say what would run."""
    plan = planned.plan
    folds, detection, self_check = plan.config.folds, plan.config.detection, None
    if detection.self_check:
        n_planted = count_wanted(detection.self_check, len(plan.dataset))
        self_check = f"all of it again with about {n_planted:,} planted error{'' if n_planted == 1 else 's'}"
    facts = {
        "data": plan.dataset.name,
        "examples": f"{len(plan.dataset):,}",
        "classes": f"{len(plan.dataset.class_names):,}",
        **member_facts(map(_model, plan.members)),
        "inputs": _each(plan, lambda one: _inputs(plan, one)),
        "loss": _each(plan, lambda one: one.loss or "that of the classifier"),
        "training": _each(plan, _training),
        "folds": f"{folds.n_folds} x {folds.repeats} repeats" if folds.repeats > 1 else str(folds.n_folds),
        "threshold runs": f"{plan.n_threshold_runs} on all examples" if plan.n_threshold_runs else None,
        "engine": "; ".join(dict.fromkeys(map(str, plan.engines))) or None,
        "device": f"{planned.device.name}, {' and '.join(planned.precisions)}",
        "detector": detection.detector,
        "self-check": self_check,
        "run folder": planned.place,
        "cache": str(folder_of(plan.config.cache) or NONE) if _uses_cache(plan) else None,
    }
    return tuple((label, text) for label, text in facts.items() if text is not None)


def job_facts(plan: Plan, only: Sequence[str] = ()) -> tuple[str, str]:
    """Return the label and text of a fact that lists jobs of a run as ``--only`` takes them: ``only`` some, or all.

    Raises:
        UsageError: the run has no such job.
    """
    if only:
        asked = [JobNames.of(one) for one in only]
        every = jobs_in_blocks(plan)
        refuse_unknown(asked, only, every)
        n_asked = sum(any(one.has(name) for one in asked) for name in every)
        return "jobs", f"{', '.join(only)}: {n_asked:,} of {len(every):,}"
    folds, names = plan.config.folds, []
    for blocks in blocks_of_run(plan):
        kind = blocks[0].of.partition("-")[0]
        names.append(f"{kind}:0-{len(blocks) - 1}" if len(blocks) > 1 else f"{kind}:0")
    names.append(f"fold:0-0..{folds.repeats - 1}-{folds.n_folds - 1}")
    names += [f"aum:0..{plan.n_threshold_runs - 1}"] if plan.n_threshold_runs else []
    each = f", folds of {len(plan.members)} models each" if len(plan.members) > 1 else ""
    return "jobs", ", ".join(dict.fromkeys(names)) + each


def facts_to_json(facts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return facts by their labels, made into keys."""
    return {label.replace(" ", "_").replace("-", "_"): text for label, text in facts}


def plan_to_json(planned: PlannedRun) -> dict[str, object]:
    """Return what would run as JSON can hold it."""
    plan = planned.plan
    return {
        **facts_to_json(plan_facts(planned)),
        "examples": len(plan.dataset),
        "classes": len(plan.dataset.class_names),
        "choices": asdict(planned.choices),
        "warnings": list(plan.warnings),
    }


def _uses_cache(plan: Plan) -> bool:
    return any(one.image_shape is not None or one.frozen is not None for one in plan.members)


def _model(member: PlannedMember) -> str:
    return f"{member.name}{', frozen' if member.frozen is not None else ''}: {member.reason}"


def _inputs(plan: Plan, member: PlannedMember) -> str:
    shape = member.image_shape
    if shape is None:
        return INPUT_WORDS[data_kind_of(plan.dataset.inputs)]
    return f"{shape.height} x {shape.width}, {'grey' if shape.channels == 1 else 'colour'}"


def _training(member: PlannedMember) -> str:
    recipe = member.recipe
    if recipe is None:
        return "as the classifier does"
    fewer = ", fewer where a training settles" if recipe.may_settle else ""
    return f"{recipe.epochs} epochs{fewer}, batches of {recipe.batch_size}"


def _each(plan: Plan, words: Callable[[PlannedMember], str]) -> str:
    """Return what there is to say of each model, once where it is the same."""
    return "; ".join(dict.fromkeys(map(words, plan.members)))
