"""``labelscan status RUN``: which shards of a run are done, which are worked on and where, also while others work."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from labelscan.cli import options
from labelscan.cli.command import command

if TYPE_CHECKING:  # numpy loads with it
    from labelscan.results.run_status import ShardStatus


@command()
def status(
    run: Annotated[str, Argument(metavar="RUN", help="A run folder, also in a bucket, such as s3://bucket/run.")],
    as_json: options.AsJson = False,
) -> None:
    """Show how far a run is, shard by shard.

    Where processes of other hosts work on it, they are watched for ten seconds to see whether they live.
    """
    from labelscan.cli import console
    from labelscan.cli.work_screen import merge_command
    from labelscan.reading import with_home
    from labelscan.results.bucket import folder_for
    from labelscan.results.run_files import RUN_FILE
    from labelscan.results.run_status import STATES, status_of
    from labelscan.tables import Column, Table
    from labelscan.urls import is_url

    found = status_of(run if is_url(run) else with_home(run))
    if as_json:
        counts = {state: found.count(state) for state in STATES}
        writer = None if found.writer is None else asdict(found.writer)
        written = {"writer": writer, "is_writer_silent": found.is_writer_silent}
        shards = [asdict(one) for one in found.shards]
        console.show_json({"run": run, "state": found.state, "counts": counts, **written, "shards": shards})
        return
    out = console.stdout()
    counted = ", ".join(f"{count:,} {state}" for state in STATES if (count := found.count(state)))
    out.print(console.text((run, "bold"), f": {found.state}; {len(found.shards):,} shards: {counted}"))
    if found.writer is not None:
        silent = ", which does not stir" if found.is_writer_silent else ""
        out.print(console.text(f"written by {found.writer}{silent}"))
    if found.is_to_be_merged:
        folder = folder_for(run) if is_url(run) else with_home(run)
        merge = merge_command(folder, run) if (folder / RUN_FILE).is_file() else "give labelscan detect --merge"
        out.print(console.text("nobody has judged the labels yet: ", merge))
    told = [one for state in STATES[:-1] for one in found.shards if one.state == state]
    if told:
        columns = (Column("shard", "shard"), Column("", "state"), Column("", "told", "name"))
        rows = [{"shard": one.shard, "state": one.state, "told": _told(one)} for one in told]
        out.print()
        out.show(console.table(Table.of(columns, rows), out.width))


def _told(shard: "ShardStatus") -> str:
    """Return what is known of a shard that is not done."""
    epoch = "" if shard.epoch is None else f"epoch {shard.epoch} of {shard.n_epochs} is done"
    where = f"process {shard.process} on {shard.host} since {shard.since}" if shard.process else ""
    why = f"on {shard.host}: {shard.why}" if shard.why else ""
    return "; ".join(one for one in (epoch, where, why) if one)
