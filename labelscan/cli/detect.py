"""``labelscan detect DATA``: train fold by fold, write a run folder, show what looks wrong."""

import shlex
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from labelscan.cli import options
from labelscan.cli.command import Given, command
from labelscan.cli.options import Flag, refuse_both
from labelscan.config import Config
from labelscan.config.sections import DATA, MODEL, RUN, TRAINING
from labelscan.errors import RunFolderError
from labelscan.events import Listener, interruptible
from labelscan.files.reading import with_home
from labelscan.files.urls import is_url

if TYPE_CHECKING:  # for which numpy is loaded
    from labelscan.data.dataset import Dataset
    from labelscan.pipeline.planning import PlannedRun

SETTINGS = (TRAINING, MODEL, DATA, RUN)
"""Headings of the settings of a run."""
TOP = 10


@command(groups=SETTINGS)
def detect(
    given: Given,
    data: options.Data = "",
    resume: Annotated[bool, Flag(RUN, "Fail where there is nothing to resume.")] = False,
    fresh: options.Fresh = False,
    decisions: options.Decisions = None,
    max_time: options.MaxTime = None,
    only: Annotated[
        list[str] | None,
        Flag(
            RUN,
            "Run these jobs alone, such as fold:3, fold:0-0..0-4 or features:0-7, and store their outputs; repeat it.",
            "JOB",
        ),
    ] = None,
    merge: Annotated[
        bool, Flag(RUN, "Judge the labels by what other processes have stored; only a self-check still trains.")
    ] = False,
    detach: Annotated[bool, Flag(RUN, "With --executor slurm, submit the tasks and return at once.")] = False,
    dry_run: options.DryRun = False,
    output: options.Output = None,
    top: options.Top = TOP,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Find labels that are probably wrong.

    Trains a new model for each fold, predicts every example by a model that has not seen it, and writes a run
    folder with issues.csv, labels most likely wrong first. The same command again resumes an unfinished run.
    """
    refuse_both("--resume", resume, "--fresh", fresh)
    output = output if output is None or is_url(output) else str(with_home(output))
    for flag, is_given in (("--fresh", fresh), ("--resume", resume), ("--decisions", decisions), ("--merge", merge)):
        refuse_both("--only", only, flag, is_given)
        refuse_both("--detach", detach, flag, is_given)
    refuse_both("--merge", merge, "--fresh", fresh)
    refuse_both("--detach", detach, "--only", only)
    settings = given.resolve_with_data(data, "detect")
    import labelscan
    from labelscan.cli import progress  # rich and pandas load here, not for --help

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        listen = interruptible(listener, max_time)
        dataset = read_first(settings, listen)
        if dry_run or detach or only:
            planned = labelscan.plan(dataset, settings=settings, output=output, notify=listen)
            if dry_run:
                show = _look_ahead(planned, only or (), fresh=fresh, as_json=as_json, reported=listener.reported)
            elif detach:
                show = _submit(planned, listen, as_json=as_json, quiet=quiet)
            else:
                show = _run_only(planned, only or (), listen, as_json=as_json, quiet=quiet)
        else:
            run = labelscan.detect(
                data=dataset,
                settings=settings,
                output=output,
                resume=resume,
                fresh=fresh,
                merge=merge,
                decisions=decisions,
                notify=listen,
            )
            from labelscan.cli import run_screen  # which loads SciPy

            show = partial(run_screen.show, run, top=top, as_json=as_json, quiet=quiet, reported=listener.reported)
    show()


Show = Callable[[], None]
"""Writes to stdout what came of a command, once its progress is no longer shown."""


def _look_ahead(
    planned: "PlannedRun", only: Sequence[str], *, fresh: bool, as_json: bool, reported: Collection[str]
) -> Show:
    """Estimate the time of a run, of which nothing is done."""
    from labelscan.cli import plan_screen
    from labelscan.pipeline.estimate import estimate

    expected = estimate(planned)
    seconds = None if expected is None else expected.total
    return partial(plan_screen.show_plan, planned, seconds, as_json=as_json, fresh=fresh, only=only, reported=reported)


def _submit(planned: "PlannedRun", listen: Listener, *, as_json: bool, quiet: bool) -> Show:
    """Submit the jobs of a run, and leave them alone."""
    from labelscan.pipeline.slurm import submit
    from labelscan.runs.status import is_finished

    if is_finished(planned.place):
        hint = "leave --detach out to see it"
        raise RunFolderError("run-finished", "the run is finished", where=planned.place, hint=hint)
    submitted = submit(planned, listen)
    listed, place = {"tasks": submitted.numbers, "jobs": list(submitted.names)}, submitted.folder
    steps = {"tasks": " ".join(submitted.numbers), "status": f"labelscan status {shlex.quote(str(place))}"}
    steps["next"] = "the same command with --merge in place of --detach, once all are done"
    return partial(_show_jobs, place, listed, "task", "submitted", steps, as_json=as_json, quiet=quiet)


def _run_only(planned: "PlannedRun", only: Sequence[str], listen: Listener, *, as_json: bool, quiet: bool) -> Show:
    """Run some jobs of a run."""
    from labelscan.pipeline.only import run_only

    ran = run_only(planned, only, listen)
    steps = {"next": "the same command with --merge in place of --only, once all jobs are done"}
    return partial(_show_jobs, ran.folder, {"done": list(ran.jobs)}, "job", "done", steps, as_json=as_json, quiet=quiet)


def _show_jobs(
    folder: Path,
    listed: dict[str, list[str]],
    noun: str,
    end: str,
    steps: dict[str, str],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write to stdout what was done with the first of the jobs ``listed``, and the next steps."""
    from labelscan.cli.console import show_json, stdout, text

    console, n_jobs = stdout(), len(next(iter(listed.values())))
    if as_json:
        show_json({"run": str(folder), **listed})
    elif quiet:
        console.print(text(str(folder)))
    else:
        counted = f"1 {noun} is" if n_jobs == 1 else f"{n_jobs:,} {noun}s are"
        console.show(text((str(folder), "bold"), f": {counted} {end}"))
        for word, step in steps.items():
            console.show_step(word, step)


def read_first(settings: Config, notify: Listener) -> "Dataset | None":
    """Return the data set, read before torch is loaded, which takes seconds: bad data is refused at once.

    None where a loss, a detector or a device was chosen: a wrong name is refused before anything is read, and to know
    them needs torch.
    """
    defaults = Config()
    chosen = (settings.training.loss, settings.detection.detector, settings.executor, settings.device)
    if chosen != (defaults.training.loss, defaults.detection.detector, defaults.executor, defaults.device):
        return None
    from labelscan.data import readers

    return readers.read(settings.dataset, notify)
