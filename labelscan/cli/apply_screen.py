"""What ``labelscan apply`` changed, on one screen."""

from labelscan.cli.console import entries, show_json, show_message, stdout, table, text
from labelscan.correction.apply import Applied
from labelscan.wording.tables import Column, Table

MOST_PAIRS = 10
RELABELLED = (
    Column("from", "old", "label"),
    Column("", text="->"),
    Column("to", "new", "label"),
    Column("labels", "count", "count"),
)


def show(applied: Applied, *, as_json: bool, quiet: bool) -> None:
    """Write to stdout what was changed and where it is: a screen, JSON, or only the path of the copy."""
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
        rows = [{"old": old, "new": new, "count": count} for old, new, count in pairs[:MOST_PAIRS]]
        console.print()
        console.show(table(Table.of(RELABELLED, rows), console.width, title="Relabelled"))
        if len(pairs) > MOST_PAIRS:
            n_more = len(pairs) - MOST_PAIRS
            plural = "" if n_more == 1 else "s"
            console.show(text((f"and {n_more:,} more pair{plural}, in {applied.log.name}", "dim")))
    console.print()
    for note in applied.notes:
        show_message(note, kind="note")
    console.show(entries([("labels", str(applied.output)), ("changes", str(applied.log))]))
    console.print(text(("next     ", "dim"), applied.command))
