"""A plan as facts to show: a label and a text each, in the order of a run."""

from collections.abc import Iterable

from labelscan.detection.planted_errors import count_wanted
from labelscan.pipeline.planning import Plan


def plan_facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return (label, text) pairs that say what would run."""
    shape, recipe, folds, detection = plan.image_shape, plan.recipe, plan.config.folds, plan.config.detection
    inputs, training, self_check = "rows of features", "as the classifier does", None
    if shape is not None:
        inputs = f"{shape.height} x {shape.width}, {'grey' if shape.channels == 1 else 'colour'}"
    if recipe is not None:
        training = f"{recipe.epochs} epochs, batches of {recipe.batch_size}"
    if detection.self_check:
        n_planted = count_wanted(detection.self_check, len(plan.dataset))
        self_check = f"all of it again with about {n_planted:,} planted error{'' if n_planted == 1 else 's'}"
    facts = {
        "data": plan.dataset.name,
        "examples": f"{len(plan.dataset):,}",
        "classes": f"{len(plan.dataset.class_names):,}",
        "model": f"{plan.model_name}{', frozen' if plan.frozen is not None else ''}: {plan.model_reason}",
        "inputs": inputs,
        "loss": plan.loss or "that of the classifier",
        "training": training,
        "folds": f"{folds.n_folds} x {folds.repeats} repeats" if folds.repeats > 1 else str(folds.n_folds),
        "threshold runs": f"{plan.n_threshold_runs} on all examples" if plan.n_threshold_runs else None,
        "device": f"{plan.device.name}, {plan.device.dtype_name}",
        "detector": detection.detector,
        "self-check": self_check,
        "run folder": str(plan.folder),
    }
    return tuple((label, text) for label, text in facts.items() if text is not None)


def facts_to_json(facts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return facts by their labels, made into keys."""
    return {label.replace(" ", "_").replace("-", "_"): text for label, text in facts}


def plan_to_json(plan: Plan) -> dict[str, object]:
    """Return the plan as JSON can hold it."""
    return {
        **facts_to_json(plan_facts(plan)),
        "examples": len(plan.dataset),
        "classes": len(plan.dataset.class_names),
        "choices": plan.choices,
        "warnings": list(plan.warnings),
    }
