"""``labelscan diff RUN RUN``: what two finished runs flag alike, and what only one of them does."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from labelscan.cli import options
from labelscan.cli.command import command
from labelscan.cli.options import OUTPUT, Flag
from labelscan.errors import UsageError


@command()
def diff(
    first: Annotated[Path, Argument(metavar="FIRST", help="Folder of a finished run of detect or score.")],
    second: Annotated[Path, Argument(metavar="SECOND", help="Another, on the same data or a version of it.")],
    output: Annotated[
        Path | None,
        Flag(OUTPUT, "Write every example that differs as CSV.", "FILE", ("--csv", "--output", "-o")),
    ] = None,
    top: Annotated[int, Flag(OUTPUT, "Examples shown of each kind.", "N")] = 5,
    as_json: options.AsJson = False,
) -> None:
    """Compare what two runs flag: two losses, two seeds, two versions of the data.

    Examples are joined by example_id. Labels that changed from the first run to the second are fixed, still flagged
    or newly flagged. The exit code is 0 whether the runs differ or not.
    """
    if output is not None and output.is_dir():
        raise UsageError(
            "is-a-folder", "this is a folder", where=str(output), hint="name a file, as in -o differences.csv"
        )
    from labelscan.cli import diff_screen  # rich and pandas load here, not for --help
    from labelscan.comparison.compare import compare
    from labelscan.results.protected_paths import refuse_only_read
    from labelscan.results.run import FinishedRun

    runs = FinishedRun.read(first), FinishedRun.read(second)
    comparison = compare(*runs)
    if output is not None:
        for run in runs:
            refuse_only_read(output, run)
        comparison.write_csv(output)
    diff_screen.show(comparison, top=top, as_json=as_json, csv=output)
