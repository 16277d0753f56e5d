"""What a worker has done, and what comes next."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from labelscan.cli.console import show_json, stdout, text
from labelscan.pipeline.work import Worked
from labelscan.results.run_files import RUN_FILE

if TYPE_CHECKING:
    from labelscan.pipeline.slurm import Submitted


def show(worked: Worked, *, as_json: bool, quiet: bool) -> None:
    """Write to stdout how many shards are finished, and the command that merges them."""
    status, merge = status_command(worked.place), merge_command(worked.folder, worked.place)
    if as_json:
        facts = {"run": worked.place, "finished_shards": worked.n_finished, "is_finished": worked.is_finished}
        show_json({**facts, "merge": merge})
        return
    if quiet:
        stdout().print(text(worked.place))
        return
    shards = "1 shard is" if worked.n_finished == 1 else f"all {worked.n_finished:,} shards are"
    done = "the run is finished" if worked.is_finished else f"{shards} done"
    stdout().show(text((worked.place, "bold"), f": {done}"))
    if not worked.is_finished:
        _show_commands(("merge", merge), ("status", status))


def show_submitted(submitted: "Submitted", *, as_json: bool, quiet: bool) -> None:
    """Write to stdout which jobs work on a run, and how to see how far it is."""
    place = submitted.place
    if as_json:
        show_json({"run": place, "jobs": submitted.names})
        return
    if quiet:
        stdout().print(text(place))
        return
    stdout().show(text((place, "bold"), f": {_counted(len(submitted.jobs))} submitted"))
    status, merge = status_command(place), merge_command(submitted.folder, place)
    _show_commands(("jobs", " ".join(submitted.names)), ("status", status), ("merge", merge))


def status_command(place: str) -> str:
    """Return the command that shows how far the run at a path or address is."""
    return f"labelscan status {shlex.quote(place)}"


def merge_command(folder: Path, place: str) -> str:
    """Return the command that judges the labels of a run, from its folder or the copy of it here."""
    return f"labelscan detect --config {shlex.quote(str(folder / RUN_FILE))} -o {shlex.quote(place)} --merge"


def _show_commands(*named: tuple[str, str]) -> None:
    """Write commands to be copied, each on a line of its own, however long it is."""
    for name, line in named:
        stdout().print(text((f"{name:<8}", "dim"), line))


def _counted(n_workers: int) -> str:
    return "1 worker is" if n_workers == 1 else f"{n_workers} workers are"
