"""``labelscan apply RUN``: a corrected or pruned copy of the label list, from flags or from review decisions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from labelscan.cli import options
from labelscan.cli.command import command
from labelscan.cli.options import OUTPUT, Flag, refuse_both
from labelscan.errors import UsageError

if TYPE_CHECKING:  # numpy loads with it
    from labelscan.correction.apply import Applied

CHANGES = "What changes"
MOST_PAIRS = 10


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
    from labelscan.cli import progress  # for which rich is loaded, not for --help

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
    _show(applied, as_json=as_json, quiet=quiet)


def _show(applied: "Applied", *, as_json: bool, quiet: bool) -> None:
    """Write to stdout what was changed and where it is: a screen, JSON, or only the path of the copy."""
    from labelscan.cli.console import entries, show_json, show_message, stdout, table, text
    from labelscan.wording.tables import Column, Table

    if as_json:
        show_json(applied.to_json())
        return
    console = stdout()
    if quiet:
        console.print(text(str(applied.output)))
        return
    made = applied.corrections
    changed = made.count("relabel") + made.count("drop")
    console.show(
        text(
            (f"{made.count('relabel'):,}", "bold"),
            " relabelled, ",
            (f"{made.count('drop'):,}", "bold"),
            f" left out, {made.n_examples - changed:,} of {made.n_examples:,} labels unchanged",
        )
    )
    decided = ", ".join(f"{count:,} {verdict}" for verdict, count in made.verdicts.items() if count)
    if decided:
        console.show(text(("decisions: ", "dim"), decided))
    pairs = made.pairs()
    if pairs:
        columns = (Column("from", "old", "label"), Column("", text="->"), Column("to", "new", "label"))
        rows = [{"old": old, "new": new, "count": count} for old, new, count in pairs[:MOST_PAIRS]]
        shown = Table.of([*columns, Column("labels", "count", "count")], rows)
        console.print()
        console.show(table(shown, console.width, title="Relabelled"))
        if len(pairs) > MOST_PAIRS:
            n_more = len(pairs) - MOST_PAIRS
            plural = "" if n_more == 1 else "s"
            console.show(text((f"and {n_more:,} more pair{plural}, in {applied.log.name}", "dim")))
    console.print()
    for note in applied.notes:
        show_message(note, kind="note")
    console.show(entries([("labels", str(applied.output)), ("changes", str(applied.log))]))
    console.print(text(("next     ", "dim"), applied.command))
