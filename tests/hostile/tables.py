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
    Row("text among numbers", with_row("foo,1,x"), "not-typed"),
    Row("an empty number", with_row(",1,x"), read_as="read as a gap"),
    Row("NaN", with_row("nan,1,x"), read_as="read as a gap"),
    Row("infinity in a column with gaps", with_row("inf,1,x\n?,1,x"), "not-typed"),
    Row("infinity", with_row("inf,1,x"), "not-typed"),
    Row("1e400", with_row("1e400,1,x"), "not-typed"),
    Row("a number too large for float32", with_row("1e39,1,x"), "not-typed"),
    Row("a whole number of 400 digits", with_row(f"{'9' * 400},1,x"), "not-typed"),
    Row("a comma as decimal point", with_row('"1,5",1,x'), "not-typed"),
    Kind(
        "text in a column that is not UTF-8",
        file("bad.jsonl", "".join(f'{{"a": "{row}\\udce9", "label": "{row % 2}"}}\n' for row in range(12))),
        "not-typed",
        line="detect bad.jsonl --folds 2 --dry-run",
        names="bad.jsonl row 1",
    ),
    Row("an empty label", with_row("1,1,"), "empty-cell"),
    Row("a field more", with_row("1,1,x,"), "broken-row"),
    Csv("no columns but the label", file("bad.csv", "label\nx\ny\n"), "no-columns"),
    Csv("columns of one value only", file("bad.csv", "a,label\n" + "1,x\n1,y\n" * 6), "nothing-to-learn"),
    Csv(
        "ids alone",
        file("bad.csv", "a,b,label\n" + "".join(f"{row},id{row},{'xy'[row % 2]}\n" for row in range(200))),
        "nothing-to-learn",
    ),
    Csv(
        "free text in a column",
        file("bad.csv", "a,label\n" + "".join(f"note {row},{'xy'[row % 2]}\n" for row in range(200))),
        read_as="read: its words are features",
    ),
    Row(
        "words among dates",
        file("bad.csv", "b,label\n" + "".join(f"2024-01-{row:02},x\n" for row in range(1, 13)) + "soon,y\n"),
        "not-typed",
    ),
    Csv(
        "numbers with units",
        file("bad.csv", "b,label\n" + "".join(f"{row} kg,{'xy'[row % 2]}\n" for row in range(20))),
        "not-typed",
    ),
    Csv(
        "measured numbers as labels",
        file("bad.csv", "a,label\n" + "".join(f"{-row},{row / 7}\n" for row in range(300))),
        "too-many-classes",
    ),
    Csv(
        "several labels in one text",
        file("bad.csv", "a,label\n" + "".join(f"{-row},{('x', 'y', 'x;y', 'y;x')[row % 4]}\n" for row in range(40))),
        "too-many-classes",
    ),
    Csv(
        "files of masks as labels",
        file("bad.csv", "a,label\n" + "".join(f"{-row},{row}.png\n" for row in range(40))),
        "too-many-classes",
    ),
    Csv(
        "a column for each class",
        file("bad.csv", "a,label_x,label_y\n" + "".join(f"{-row},{row % 2},{1 - row % 2}\n" for row in range(40))),
        "several-labels",
    ),
    Csv(
        "a column to leave out that is not there",
        file("bad.csv", GOOD),
        "no-column",
        line="detect bad.csv --exclude aa --folds 2 --dry-run",
    ),
    Csv("probabilities in place of features", file("bad.csv", "label,prob:a,prob:b\na,0.9,0.1\n"), "run-not-data"),
    Csv("rows of commas only", file("bad.csv", "a,b,label\n,,\n,,\n"), "empty-cell", names="bad.csv row 2"),
    Csv(
        "fewer examples than folds",
        file("bad.csv", "a,label\n1,x\n2,y\n"),
        "too-few-examples",
        line="detect bad.csv --folds 5 --dry-run",
        names="folds",
    ),
    Parquet("lists of text as features", parquet(b=[["a", "b"]] * 12), "not-typed"),
    Parquet("dates as features", parquet(b=pa.array(range(12), pa.timestamp("s"))), read_as="read"),
    Parquet("times in an unknown zone", parquet(b=pa.array(range(12), pa.timestamp("s", "Foo/Bar"))), "unreadable"),
    Parquet("decimals as features", parquet(b=pa.array(range(12), pa.decimal128(5))), read_as="read"),
    Parquet("missing numbers", parquet(b=[None, *map(float, range(11))]), read_as="read as gaps"),
    Parquet("truth values as features", parquet(b=[True, False] * 6)),
]
