"""The columns in which people see a run, on every screen and report: of suspects, classes and confused pairs."""

from collections.abc import Iterable, Sequence

from labelscan.wording.tables import Column, Table

RANK = Column("", "rank", "count")
EXAMPLE = Column("example", "example_id", "label")
GIVEN = Column("given", "given_label", "label")
ARROW = Column("", text="->", spare=1)
SUGGESTED = Column("suggested", "suggested_label", "label", spare=1)
P_WRONG = Column("P(wrong)", "error_probability", "number")
FLAGGED_BY = Column("flagged by", "flagged_by")
TRUE = Column("true label", "true_label", "label")
TEXT = Column("text", "text", "label")
SUSPECTS = (RANK, EXAMPLE, GIVEN, ARROW, SUGGESTED, P_WRONG)
CLASS = Column("class", "class_name", "label")
EXAMPLES = Column("examples", "n_examples", "count")
FLAGGED = Column("flagged", "n_flagged", "count")
LABELS = Column("labels", "n_scored", "count")
SHARE = Column("share", "flagged_rate", "share")
PROBABLY_WRONG = Column("probably wrong", "estimated_wrong_labels", "count")
AGREEMENT = Column("held-out agreement", "out_of_fold_agreement", "share")
PAIRS = (
    GIVEN,
    Column("", text="->"),
    Column("suggested", "suggested_label", "label"),
    Column("labels", "count", "count"),
)
"""Confused pairs; in contrast to suspects, both labels stay on a narrow terminal."""
QUALITY = (
    Column("F1", "f1", "number", spare=1),
    Column("precision", "precision", "number", spare=2),
    Column("recall", "recall", "number", spare=3),
    Column("AP", "average_precision", "number", spare=4),
)
"""How well a detector did where true labels are known: fields of ``DetectionQuality``."""


def worst_classes(columns: Sequence[Column], health: Iterable[object]) -> Table:
    """Return the classes with flags, those with most first.

    By count, not by rate: a class of three examples with one flag is not the first to look at. ``health`` has one
    ``ClassHealth`` a class, or what summary.json has of it.
    """
    rows = Table.of([CLASS, FLAGGED], health).rows
    flagged = rows[rows["n_flagged"] > 0]
    return Table(columns, flagged.sort_values(["n_flagged", "class_name"], ascending=[False, True]))
