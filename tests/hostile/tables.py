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
    Row(what="text among numbers", make=with_row("foo,1,x"), says="column 'a' has 'foo' among numbers"),
    Row(what="an empty number", make=with_row(",1,x"), says="column 'a' has '' among numbers"),
    Row(what="NaN", make=with_row("nan,1,x"), says="column 'a' has"),
    Row(what="infinity", make=with_row("inf,1,x"), says="column 'a' has inf"),
    Row(what="1e400", make=with_row("1e400,1,x"), says="column 'a' has inf"),
    Row(what="a number too large for float32", make=with_row("1e39,1,x"), says="column 'a' has 1e+39"),
    Row(what="a whole number of 400 digits", make=with_row(f"{'9' * 400},1,x"), says="column 'a' has"),
    Row(what="a comma as decimal point", make=with_row('"1,5",1,x'), says="column 'a' has '1,5' among numbers"),
    Row(what="an empty label", make=with_row("1,1,"), says="'label' is empty"),
    Row(what="a field more", make=with_row("1,1,x,"), says="4 fields for 3 columns"),
    Csv(what="no columns but the label", make=file("bad.csv", "label\nx\ny\n"), says="no feature columns"),
    Csv(
        what="columns of one value only",
        make=file("bad.csv", "a,label\n" + "1,x\n1,y\n" * 6),
        says="no feature column has two different values",
    ),
    Csv(
        what="free text in a column",
        make=file("bad.csv", "a,b,label\n" + "".join(f"{row},note {row},{'xy'[row % 2]}\n" for row in range(200))),
        says="too many to be a category",
    ),
    Csv(
        what="dates in a column",
        make=file("bad.csv", "a,b,label\n" + "".join(f"{row},2024-01-{row % 28}:{row},x\n" for row in range(200))),
        says="too many to be a category",
    ),
    Csv(
        what="measured numbers as labels",
        make=file("bad.csv", "a,label\n" + "".join(f"{row},{row / 7}\n" for row in range(300))),
        says="300 different labels for 300 examples",
    ),
    Csv(
        what="probabilities in place of features",
        make=file("bad.csv", "label,prob:a,prob:b\na,0.9,0.1\n"),
        says="are probabilities",
    ),
    Csv(
        what="rows of commas only",
        make=file("bad.csv", "a,b,label\n,,\n,,\n"),
        says="'label' is empty",
        names="bad.csv row 2",
    ),
    Csv(
        what="fewer examples than folds",
        make=file("bad.csv", "a,label\n1,x\n2,y\n"),
        line="detect bad.csv --folds 5 --dry-run",
        says="2 examples cannot make 5 folds",
        names="folds",
    ),
    Parquet(what="lists of text as features", make=parquet(b=[["a", "b"]] * 12), says="several values in a cell"),
    Parquet(
        what="dates as features", make=parquet(b=pa.array(range(12), pa.timestamp("s"))), says="not numbers or text"
    ),
    Parquet(what="decimals as features", make=parquet(b=pa.array(range(12), pa.decimal128(5))), read_as="read"),
    Parquet(what="missing numbers", make=parquet(b=[None, *map(float, range(11))]), says="column 'b' has no number"),
    Parquet(what="truth values as features", make=parquet(b=[True, False] * 6)),
]
