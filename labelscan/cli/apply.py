"""``labelscan apply RUN``: a corrected or pruned copy of the label list, from flags or from review decisions."""

from pathlib import Path
from typing import Annotated

from labelscan.cli import options
from labelscan.cli.command import command
from labelscan.cli.options import OUTPUT, Flag, refuse_both
from labelscan.errors import UsageError

CHANGES = "What changes"


@command()
def apply(
    run: options.Run,
    decisions: Annotated[
        Path | None,
        Flag(
            CHANGES,
            "decisions.csv as the report saves it, or a JSON export of Label Studio; wins over flags. "
            "[default: RUN/decisions.csv where there is one]",
            "FILE",
        ),
    ] = None,
    drop: Annotated[bool, Flag(CHANGES, "Leave out flagged labels.")] = False,
    relabel: Annotated[bool, Flag(CHANGES, "Replace flagged labels by the suggested ones.")] = False,
    min_error_probability: Annotated[
        float | None, Flag(CHANGES, "Flags below it are left alone; --relabel needs it, as in 0.9.", "P")
    ] = None,
    allow_new_classes: Annotated[
        bool, Flag(CHANGES, "Let decisions name classes that the data does not have.")
    ] = False,
    data: options.MovedData = "",
    output: Annotated[
        Path | None,
        Flag(OUTPUT, "The copy, with the extension of the original. [default: RUN/corrected.*]", "FILE", ("-o",)),
    ] = None,
    link_to: Annotated[
        Path | None, Flag(OUTPUT, "Make class folders with links to the images instead.", "FOLDER")
    ] = None,
    copy: Annotated[bool, Flag(OUTPUT, "Copy the images instead of linking them.")] = False,
    overwrite: Annotated[
        bool, Flag(OUTPUT, "Replace an existing file that differs, or an earlier folder of links.")
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
