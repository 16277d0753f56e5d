"""``labelscan apply RUN``: a corrected or pruned copy of the label list, from flags or from review decisions."""

from pathlib import Path
from typing import Annotated

from typer import Option

from labelscan.cli import options
from labelscan.cli.command import command
from labelscan.cli.options import OUTPUT, number, refuse_both
from labelscan.errors import UsageError

CHANGES = "What changes"


@command()
def apply(
    run: options.Run,
    decisions: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="decisions.csv as the report saves it, or a JSON export of Label Studio; wins over flags. "
            "[default: RUN/decisions.csv where there is one]",
            rich_help_panel=CHANGES,
        ),
    ] = None,
    drop: Annotated[bool, Option("--drop", help="Leave flagged labels out.", rich_help_panel=CHANGES)] = False,
    relabel: Annotated[
        bool, Option("--relabel", help="Give flagged labels the suggested one.", rich_help_panel=CHANGES)
    ] = False,
    min_error_probability: Annotated[
        float | None,
        Option(
            metavar="P",
            parser=number("--min-error-probability"),
            help="Flags below it are left alone; --relabel needs it, as in 0.9.",
            rich_help_panel=CHANGES,
        ),
    ] = None,
    allow_new_classes: Annotated[
        bool,
        Option(
            "--allow-new-classes",
            help="Decisions may name classes that the data does not have.",
            rich_help_panel=CHANGES,
        ),
    ] = False,
    data: options.MovedData = "",
    output: Annotated[
        Path | None,
        Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The copy, with the ending of the original. [default: RUN/corrected.*]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    link_to: Annotated[
        Path | None,
        Option(metavar="FOLDER", help="Make class folders of links to the images instead.", rich_help_panel=OUTPUT),
    ] = None,
    copy: Annotated[bool, Option("--copy", help="Copy images there, and do not link.", rich_help_panel=OUTPUT)] = False,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace a file that is there already and differs.", rich_help_panel=OUTPUT)
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a corrected copy of the labels; the data itself is only read.

    The copy has the form of the original and reads like it; class folders become a manifest. Every change is
    logged beside it, in a file whose name goes on with .changes.csv.
    """
    refuse_both("--output", output is not None, "--link-to", link_to is not None)
    if copy and link_to is None:
        raise UsageError("--copy has no effect", hint="add --link-to FOLDER")
    from labelscan.cli import apply_screen, progress
    from labelscan.correction.apply import apply as apply_to  # not labelscan.apply, for which torch would be loaded
    from labelscan.correction.corrections import flag_rule
    from labelscan.results.finished_run import FinishedRun

    with progress.shown(quiet=quiet, verbose=False) as listener:
        applied = apply_to(
            FinishedRun.read(run),
            decisions=decisions,
            rule=flag_rule(drop=drop, relabel=relabel, min_error_probability=min_error_probability),
            allow_new_classes=allow_new_classes,
            output=output,
            link_to=link_to,
            copy=copy,
            overwrite=overwrite,
            data=data,
            notify=listener,
        )
    apply_screen.show(applied, as_json=as_json, quiet=quiet)
