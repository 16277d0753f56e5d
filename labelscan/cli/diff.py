"""``labelscan diff RUN RUN``: what two finished runs flag alike, and what only one of them does."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from labelscan.cli.option_values import read_count
from labelscan.cli.options import DebugUnderNoHeading
from labelscan.errors import UsageError

TOP = "5"


def diff(
    first: Annotated[Path, Argument(metavar="FIRST", help="Folder of a finished run of detect or score.")],
    second: Annotated[Path, Argument(metavar="SECOND", help="Another, on the same data or a version of it.")],
    output: Annotated[
        Path | None,
        Option("--csv", "--output", "-o", metavar="FILE", help="Write all examples that differ as CSV."),
    ] = None,
    top: Annotated[str, Option(metavar="N", help=f"Examples shown of each kind. [default: {TOP}]")] = TOP,
    as_json: Annotated[bool, Option("--json", help="Write the comparison as JSON to stdout.")] = False,
    debug: DebugUnderNoHeading = False,
) -> None:
    """Compare what two runs flag: two losses, two seeds, two versions of the data.

    Examples are joined by example_id. Labels that changed from the first run to the second are told apart: fixed,
    still flagged, newly flagged. Ends in 0 whether the runs differ or not.
    """
    n_shown = read_count(top, where="--top")
    _ = debug  # heeded where errors are caught
    if output is not None and output.is_dir():
        raise UsageError("this is a folder", where=str(output), hint="name a file, as in -o differences.csv")
    from labelscan.cli import diff_screen  # rich and pandas load here, not for --help
    from labelscan.comparison.compare import compare  # not labelscan.diff, for which torch would be loaded
    from labelscan.results.finished_run import FinishedRun
    from labelscan.results.protected_paths import refuse_only_read

    runs = FinishedRun.read(first), FinishedRun.read(second)
    comparison = compare(*runs)
    if output is not None:
        for run in runs:
            refuse_only_read(output, run)
        comparison.write_csv(output)
    diff_screen.show(comparison, top=n_shown, as_json=as_json, csv=output)
