"""Tables: features in columns, and a label."""

from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from hostile.kinds import Kind, Make, file

GOOD = "a,b,label\n" + "".join(f"{row},{row * row},{'xy'[row % 2]}\n" for row in range(12))


def with_row(cells: str) -> Make:
    return file("bad.csv", f"{GOOD}{cells}\n")


def parquet(**columns: object) -> Make:
    usual = {"a": [float(row) for row in range(12)], "label": ["x", "y"] * 6}
    return lambda place: pq.write_table(pa.table(usual | columns), place / "bad.parquet")


Csv = partial(Kind, line="detect bad.csv --folds 2 --dry-run", names="bad.csv")
Row = partial(Kind, line="detect bad.csv --folds 2 --dry-run", names="bad.csv row 14")
Parquet = partial(Kind, line="detect bad.parquet --folds 2 --dry-run", names="bad.parquet")

KINDS = [
    Row(what="text among numbers", make=with_row("foo,1,x"), code="not-typed"),
    Row(what="an empty number", make=with_row(",1,x"), read_as="read as a gap"),
    Row(what="NaN", make=with_row("nan,1,x"), read_as="read as a gap"),
    Row(what="infinity in a column with gaps", make=with_row("inf,1,x\n?,1,x"), code="not-typed"),
    Row(what="infinity", make=with_row("inf,1,x"), code="not-typed"),
    Row(what="1e400", make=with_row("1e400,1,x"), code="not-typed"),
    Row(what="a number too large for float32", make=with_row("1e39,1,x"), code="not-typed"),
    Row(what="a whole number of 400 digits", make=with_row(f"{'9' * 400},1,x"), code="not-typed"),
    Row(what="a comma as decimal point", make=with_row('"1,5",1,x'), code="not-typed"),
    Kind(
        what="text in a column that is not UTF-8",
        line="detect bad.jsonl --folds 2 --dry-run",
        make=file("bad.jsonl", "".join(f'{{"a": "{row}\\udce9", "label": "{row % 2}"}}\n' for row in range(12))),
        code="not-typed",
        names="bad.jsonl row 1",
    ),
    Row(what="an empty label", make=with_row("1,1,"), code="empty-cell"),
    Row(what="a field more", make=with_row("1,1,x,"), code="broken-row"),
    Csv(what="no columns but the label", make=file("bad.csv", "label\nx\ny\n"), code="no-columns"),
    Csv(
        what="columns of one value only",
        make=file("bad.csv", "a,label\n" + "1,x\n1,y\n" * 6),
        code="nothing-to-learn",
    ),
    Csv(
        what="ids alone",
        make=file("bad.csv", "a,b,label\n" + "".join(f"{row},id{row},{'xy'[row % 2]}\n" for row in range(200))),
        code="nothing-to-learn",
    ),
    Csv(
        what="free text in a column",
        make=file("bad.csv", "a,label\n" + "".join(f"note {row},{'xy'[row % 2]}\n" for row in range(200))),
        read_as="read: its words are features",
    ),
    Row(
        what="words among dates",
        make=file("bad.csv", "b,label\n" + "".join(f"2024-01-{row:02},x\n" for row in range(1, 13)) + "soon,y\n"),
        code="not-typed",
    ),
    Csv(
        what="numbers with units",
        make=file("bad.csv", "b,label\n" + "".join(f"{row} kg,{'xy'[row % 2]}\n" for row in range(20))),
        code="not-typed",
    ),
    Csv(
        what="measured numbers as labels",
        make=file("bad.csv", "a,label\n" + "".join(f"{-row},{row / 7}\n" for row in range(300))),
        code="too-many-classes",
    ),
    Csv(
        what="several labels in one text",
        make=file(
            "bad.csv", "a,label\n" + "".join(f"{-row},{('x', 'y', 'x;y', 'y;x')[row % 4]}\n" for row in range(40))
        ),
        code="too-many-classes",
    ),
    Csv(
        what="files of masks as labels",
        make=file("bad.csv", "a,label\n" + "".join(f"{-row},{row}.png\n" for row in range(40))),
        code="too-many-classes",
    ),
    Csv(
        what="a column for each class",
        make=file("bad.csv", "a,label_x,label_y\n" + "".join(f"{-row},{row % 2},{1 - row % 2}\n" for row in range(40))),
        code="several-labels",
    ),
    Csv(
        what="a column to leave out that is not there",
        make=file("bad.csv", GOOD),
        line="detect bad.csv --exclude aa --folds 2 --dry-run",
        code="no-column",
    ),
    Csv(
        what="probabilities in place of features",
        make=file("bad.csv", "label,prob:a,prob:b\na,0.9,0.1\n"),
        code="run-not-data",
    ),
    Csv(
        what="rows of commas only",
        make=file("bad.csv", "a,b,label\n,,\n,,\n"),
        code="empty-cell",
        names="bad.csv row 2",
    ),
    Csv(
        what="fewer examples than folds",
        make=file("bad.csv", "a,label\n1,x\n2,y\n"),
        line="detect bad.csv --folds 5 --dry-run",
        code="too-few-examples",
        names="folds",
    ),
    Parquet(what="lists of text as features", make=parquet(b=[["a", "b"]] * 12), code="not-typed"),
    Parquet(what="dates as features", make=parquet(b=pa.array(range(12), pa.timestamp("s"))), read_as="read"),
    Parquet(
        what="times in an unknown zone",
        make=parquet(b=pa.array(range(12), pa.timestamp("s", "Foo/Bar"))),
        code="unreadable",
    ),
    Parquet(what="decimals as features", make=parquet(b=pa.array(range(12), pa.decimal128(5))), read_as="read"),
    Parquet(what="missing numbers", make=parquet(b=[None, *map(float, range(11))]), read_as="read as gaps"),
    Parquet(what="truth values as features", make=parquet(b=[True, False] * 6)),
]
