"""``labelscan detect DATA``: train fold by fold, write a run folder, show what looks wrong."""

from typing import Annotated

from labelscan.cli import options
from labelscan.cli.command import Given, command
from labelscan.cli.options import option, refuse_both
from labelscan.config.sections import DATA, MODEL, RUN, TRAINING

SETTINGS = (TRAINING, MODEL, DATA, RUN)
"""Headings of the settings of a run."""
TOP = 10


@command(groups=SETTINGS)
def detect(
    given: Given,
    data: options.Data = "",
    resume: Annotated[bool, option(RUN, "Fail where there is nothing to resume.", "--resume")] = False,
    fresh: options.Fresh = False,
    decisions: options.Decisions = None,
    max_time: options.MaxTime = None,
    dry_run: options.DryRun = False,
    output: options.RunFolder = None,
    top: options.Top = TOP,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Find labels that are probably wrong.

    Trains a new model for each fold, predicts every example by a model that has not seen it, and writes a run
    folder with issues.csv, most doubtful labels first. The same command again resumes an unfinished run.
    """
    refuse_both("--resume", resume, "--fresh", fresh)
    refuse_both("--quiet", quiet, "--verbose", verbose)
    settings = given.resolve_with_data(data, "detect")
    import labelscan
    from labelscan.cli import progress, run_screen  # rich and torch load here, not for --help

    if dry_run:
        from labelscan.pipeline.estimate import estimate

        with progress.shown(quiet=quiet, verbose=verbose) as listener:
            plan = labelscan.plan(settings=settings, output=output, notify=listener)
            expected = estimate(plan)
        seconds = None if expected is None else expected.total
        run_screen.show_plan(plan, seconds, as_json=as_json, fresh=fresh, reported=listener.reported)
        return
    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        run = labelscan.detect(
            settings=settings,
            output=output,
            resume=resume,
            fresh=fresh,
            decisions=decisions,
            max_seconds=max_time,
            notify=listener,
        )
    run_screen.show(run, top=top, as_json=as_json, quiet=quiet, reported=listener.reported)
