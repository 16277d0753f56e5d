"""What some jobs of a run have left, or where they were sent, and what comes next."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from labelscan.cli.console import show_json, stdout, text

if TYPE_CHECKING:
    from labelscan.pipeline.only import Ran
    from labelscan.pipeline.slurm import Submitted


def show_ran(ran: "Ran", *, as_json: bool, quiet: bool) -> None:
    """Write to stdout which jobs are done, and how to see how far the run is."""
    if as_json:
        show_json({"run": str(ran.folder), "done": list(ran.jobs)})
    elif quiet:
        stdout().print(text(str(ran.folder)))
    else:
        jobs = "1 job is" if len(ran.jobs) == 1 else f"{len(ran.jobs):,} jobs are"
        stdout().show(text((str(ran.folder), "bold"), f": {jobs} done"))
        stdout().show_step("next", "the same command with --merge in place of --only, once all jobs are done")


def show_submitted(submitted: "Submitted", *, as_json: bool, quiet: bool) -> None:
    """Write to stdout which tasks were submitted, and how to see how far they are."""
    place = str(submitted.folder)
    if as_json:
        show_json({"run": place, "tasks": submitted.numbers, "jobs": list(submitted.names)})
    elif quiet:
        stdout().print(text(place))
    else:
        tasks = "1 task is" if len(submitted.tasks) == 1 else f"{len(submitted.tasks):,} tasks are"
        stdout().show(text((place, "bold"), f": {tasks} submitted"))
        stdout().show_step("tasks", " ".join(submitted.numbers))
        stdout().show_step("status", f"labelscan status {shlex.quote(place)}")
        stdout().show_step("next", "the same command with --merge in place of --detach, once all are done")


def merge_command(run_file: Path, place: str) -> str:
    """Return the command that judges the labels of a run all of whose jobs are done."""
    return f"labelscan detect --config {shlex.quote(str(run_file))} -o {shlex.quote(place)} --merge"
