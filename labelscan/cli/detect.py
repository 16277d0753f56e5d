"""``labelscan detect DATA``: train fold by fold, write a run folder, show what looks wrong."""

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
        bool, Flag(RUN, "Judge the labels by what other processes have stored, and train nothing.")
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
        if dry_run:
            from labelscan.pipeline.estimate import estimate  # which loads torch, as what follows does

            expected = estimate(planned)
        elif detach:
            from labelscan.pipeline.slurm import submit
            from labelscan.runs.status import is_finished

            if is_finished(planned.place):
                raise RunFolderError(
                    "run-finished", "the run is finished", where=planned.place, hint="leave --detach out to see it"
                )
            submitted = submit(planned, listen)
        elif only:
            from labelscan.pipeline.only import run_only

            ran = run_only(planned, only, listen)
    from labelscan.cli import jobs_screen, plan_screen, run_screen

    if dry_run:
        seconds, reported = None if expected is None else expected.total, listener.reported
        plan_screen.show_plan(planned, seconds, as_json=as_json, fresh=fresh, only=only or (), reported=reported)
    elif detach:
        jobs_screen.show_submitted(submitted, as_json=as_json, quiet=quiet)
    elif only:
        jobs_screen.show_ran(ran, as_json=as_json, quiet=quiet)
    else:
        run_screen.show(run, top=top, as_json=as_json, quiet=quiet, reported=listener.reported)


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
