"""``labelscan.detect``: from data and settings to a plan, run by an engine, and its ranked table."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from numpy.typing import ArrayLike

from labelscan.config import Config
from labelscan.correction.apply import Applied
from labelscan.correction.review import GivenDecisions, read_review, with_remembered
from labelscan.errors import ConfigError
from labelscan.events import Listener, ignore, interruptible
from labelscan.pipeline import planning
from labelscan.pipeline.given_data import Data
from labelscan.pipeline.run_plan import run_plan
from labelscan.results.run import Run
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
    merge: bool = False,
    decisions: GivenDecisions | None = None,
    after: Applied | None = None,
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
        merge: whether folds that are not done are an error, and only a self-check still trains: other processes have
            run them, by ``--only`` or on Slurm.
        decisions: what a person has decided about some of the labels: a file that the report saved or Label Studio
            exported, or decisions in memory. These labels count as known, and all others are judged by what the
            decisions say; a finished run is re-scored without training.
        after: what ``apply`` returned, where the data is its corrected labels in memory: what was decided and measured
            then still counts. For a corrected copy in a file or folder it lies beside that, and need not be given.
        max_seconds: when to interrupt the run; the same call resumes it.
        notify: receives everything that happens; see ``labelscan.events``.

    Raises:
        UsageError: settings, data or decisions that cannot work, with what to do.
        RunError: the run could not be finished.
        Interrupted: ``max_seconds`` are over.
    """
    review = None if decisions is None else read_review(decisions)  # a damaged file is refused before any training
    listen = interruptible(notify, max_seconds)
    planned = planning.plan(data, labels, label=label, settings=settings, model=model, output=output, notify=listen)
    review = with_remembered(review, planned.plan.config.dataset.data, after.remembered if after else None)
    merging = dataclasses.replace(planned, only_merges=True)
    run = partial(run_plan, resume=resume, fresh=fresh, review=review, notify=listen)
    if planned.executor.submits and not merge:
        if model is not None:
            hint = "give it a name by an entry point"
            raise ConfigError(
                "in-memory", "a model in memory cannot be sent to Slurm", where="executor.name", hint=hint
            )
        if fresh:
            hint = "delete the run folder first, or name another"
            raise ConfigError("flags-conflict", "tasks on Slurm do not start over", where="--fresh", hint=hint)
        from labelscan.pipeline.slurm import submit_and_merge  # few runs need it

        return submit_and_merge(planned, partial(run, merging), listen, tell=notify)
    return run(merging if merge else planned)
