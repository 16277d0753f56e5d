"""``labelscan status RUN``: which jobs of a run are done, which are running and which are left, also while it runs."""

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from labelscan.cli import options
from labelscan.cli.command import command

if TYPE_CHECKING:  # numpy loads with it
    from labelscan.runs.status import JobStatus


@command()
def status(
    run: Annotated[str, Argument(metavar="RUN", help="A run folder, also in a bucket, such as s3://bucket/run.")],
    as_json: options.AsJson = False,
) -> None:
    """Show how far a run is, job by job."""
    from labelscan.cli import console
    from labelscan.files.reading import with_home
    from labelscan.files.urls import is_url
    from labelscan.runs.files import RUN_FILE
    from labelscan.runs.status import STATES, status_of
    from labelscan.wording.tables import Column, Table
    from labelscan.wording.words import duration

    found = status_of(run if is_url(run) else with_home(run))
    if as_json:
        counts = {state: found.count(state) for state in STATES}
        about = {
            "driver": asdict(found.driver) if found.driver else {},
            "age_seconds": found.age_seconds,
            "error": found.error,
        }
        jobs = [asdict(one) for one in found.jobs]
        console.show_json({"run": run, "state": found.state, "counts": counts, **about, "jobs": jobs})
        return
    out = console.stdout()
    counted = ", ".join(f"{count:,} {state}" for state in STATES if (count := found.count(state)))
    out.print(console.text((run, "bold"), f": {found.state}; {len(found.jobs):,} jobs: {counted}"))
    if found.state == "running" and found.driver:
        one = found.driver
        age = "" if found.age_seconds is None else f"; the last line of its log is {duration(found.age_seconds)} old"
        out.print(console.text(f"written by process {one.process} on {one.host}, since {one.since}{age}"))
    if found.error:
        out.print(console.text(f"it failed: {found.error}"))
    if found.is_to_be_merged and not is_url(run):
        record = shlex.quote(str(with_home(run) / RUN_FILE))
        merge = f"labelscan detect --config {record} -o {shlex.quote(run)} --merge"
        out.print(console.text("nobody has judged the labels yet: ", merge))
    left = [one for state in STATES[:-1] for one in found.jobs if one.state == state]
    if left:
        columns = (Column("job", "job"), Column("", "state"), Column("", "known", "name"))
        rows = [{"job": one.job, "state": one.state, "known": _known(one)} for one in left]
        out.print()
        out.show(console.table(Table.of(columns, rows), out.width))


def _known(job: "JobStatus") -> str:
    """Return what is known of a job that is not done."""
    from labelscan.wording.words import duration

    if job.epoch is None:
        return ""
    age = "" if job.age_seconds is None else f", {duration(job.age_seconds)} ago"
    return f"epoch {job.epoch} of {job.n_epochs} is done{age}"
