"""``labelscan apply RUN``: a corrected or pruned copy of the label list, from flags or from review decisions."""

from pathlib import Path
from typing import Annotated

from labelscan.cli import options
from labelscan.cli.command import command
from labelscan.cli.options import OUTPUT, number, option, refuse_both
from labelscan.errors import UsageError

CHANGES = "What changes"


@command()
def apply(
    run: options.Run,
    decisions: Annotated[
        Path | None,
        option(
            CHANGES,
            "decisions.csv as the report saves it, or a JSON export of Label Studio; wins over flags. "
            "[default: RUN/decisions.csv where there is one]",
            metavar="FILE",
        ),
    ] = None,
    drop: Annotated[bool, option(CHANGES, "Leave out flagged labels.", "--drop")] = False,
    relabel: Annotated[bool, option(CHANGES, "Replace flagged labels by the suggested ones.", "--relabel")] = False,
    min_error_probability: Annotated[
        float | None,
        option(
            CHANGES,
            "Flags below it are left alone; --relabel needs it, as in 0.9.",
            metavar="P",
            parser=number("--min-error-probability"),
        ),
    ] = None,
    allow_new_classes: Annotated[
        bool,
        option(CHANGES, "Let decisions name classes that the data does not have.", "--allow-new-classes"),
    ] = False,
    data: options.MovedData = "",
    output: Annotated[
        Path | None,
        option(
            OUTPUT,
            "The copy, with the extension of the original. [default: RUN/corrected.*]",
            "--output",
            "-o",
            metavar="FILE",
        ),
    ] = None,
    link_to: Annotated[
        Path | None, option(OUTPUT, "Make class folders with links to the images instead.", metavar="FOLDER")
    ] = None,
    copy: Annotated[bool, option(OUTPUT, "Copy the images instead of linking them.", "--copy")] = False,
    overwrite: Annotated[
        bool, option(OUTPUT, "Replace an existing file that differs, or an earlier folder of links.", "--overwrite")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a corrected copy of the labels; the data itself is only read.

    The copy has the format of the original and can be read in its place; class folders become a manifest. Every
    change is logged next to it, in a file whose name ends in .changes.csv.
    """
    refuse_both("--output", output is not None, "--link-to", link_to is not None)
    if copy and link_to is None:
        raise UsageError("flag-without-effect", "--copy has no effect", hint="add --link-to FOLDER")
    import labelscan
    from labelscan.cli import apply_screen, progress

    with progress.shown(quiet=quiet, verbose=False) as listener:
        applied = labelscan.apply(
            run,
            decisions=decisions,
            drop=drop,
            relabel=relabel,
            min_error_probability=min_error_probability,
            allow_new_classes=allow_new_classes,
            output=output,
            link_to=link_to,
            copy=copy,
            overwrite=overwrite,
            data=data,
            notify=listener,
        )
    apply_screen.show(applied, as_json=as_json, quiet=quiet)
