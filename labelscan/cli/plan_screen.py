"""What a run would do, on one screen: its choices, and about how long it takes."""

from collections.abc import Collection, Iterable, Sequence

from labelscan.cli.console import entries, show_json, stdout, text, warning
from labelscan.jobs.files import AUM, FOLD
from labelscan.pipeline.image_inputs import is_decoded_for
from labelscan.pipeline.plan_facts import job_facts, plan_facts, plan_to_json
from labelscan.pipeline.planning import Plan, PlannedRun
from labelscan.pipeline.run_plan import trainings_in
from labelscan.runs.bucket import status_files
from labelscan.runs.status import count_done
from labelscan.wording.words import duration

NOTHING_DONE = "nothing was trained or written; run it without --dry-run"


def show_plan(
    planned: PlannedRun,
    seconds: float | None,
    *,
    as_json: bool,
    fresh: bool,
    only: Sequence[str] = (),
    reported: Collection[str],
) -> None:
    """Write to stdout what would run, and how much of it is done already, or would be deleted.

    ``only`` adds how many jobs these are.
    """
    plan, names = planned.plan, trainings_in(planned.plan)
    with status_files(planned.place) as run:
        finished, finished_runs = (count_done(run, [n for n in names if n.startswith(kind)]) for kind in (FOLD, AUM))
    jobs = (job_facts(plan, only),)
    if as_json:
        figures = {"estimate_seconds": seconds, "finished_folds": finished}
        show_json({**plan_to_json(planned), **dict(jobs), **figures})
        return
    console = stdout()
    show_facts((*plan_facts(planned), *jobs), plan, seconds)
    for one in plan.warnings:
        if one not in reported:
            console.show(warning(one))
    if finished:
        runs = f" and {finished_runs} of {plan.n_threshold_runs} threshold runs" if plan.n_threshold_runs else ""
        fate = ", which --fresh deletes" if fresh else ""
        console.show(text(f"the run folder has {finished:,} of {plan.n_jobs:,} folds{runs} finished{fate}"))
    console.show(text(NOTHING_DONE))


def show_facts(facts: Iterable[tuple[str, str]], plan: Plan, seconds: float | None) -> None:
    """Write the facts of a plan to stdout, and about how long it takes."""
    rows = list(facts)
    if seconds is not None:
        takes_long = {
            "decoding": any(is_decoded_for(plan, one) for one in plan.members),
            "computing features": any(one.frozen is not None for one in plan.members),
            "training": any(one.frozen is None and one.recipe is not None for one in plan.members),
        }
        words = " and ".join(word for word, is_done in takes_long.items() if is_done)
        rows.append(("estimate", f"about {duration(seconds)} of {words}"))
    stdout().show(entries(rows))
