"""Probabilities for ``labelscan score``."""

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hostile.kinds import Kind, Make, archive, array_file, file, folder, npz, pipe

LABELS = np.array([0, 1] * 6)
PROBS = np.where(LABELS[:, None] == [0, 1], 0.9, 0.1)
TABLE = "label,prob:a,prob:b\n" + "".join(
    f"{'ab'[row % 2]},{0.9 - 0.8 * (row % 2):.1f},{0.1 + 0.8 * (row % 2):.1f}\n" for row in range(12)
)


def arrays(**changed: object) -> Make:
    return npz("bad.npz", **{"pred_probs": PROBS, "given_labels": LABELS} | changed)


def with_value(value: float) -> Make:
    """Return the maker of probabilities of which one is something else."""
    probs = PROBS.copy()
    probs[3, 1] = value
    return arrays(pred_probs=probs)


def parquet(**columns: object) -> Make:
    usual = {"label": ["a", "b"] * 6, "prob:a": PROBS[:, 0], "prob:b": PROBS[:, 1]}
    return lambda place: pq.write_table(pa.table(usual | columns), place / "bad.parquet")


def table(rows: str) -> Make:
    return file("bad.csv", TABLE + rows)


Npz = partial(Kind, line="score bad.npz -o run", names="bad.npz")
Csv = partial(Kind, line="score bad.csv -o run", names="bad.csv")
Row = partial(Kind, line="score bad.csv -o run", names="bad.csv row 14")
Parquet = partial(Kind, line="score bad.parquet -o run", names="bad.parquet")
KINDS = [
    Npz(what="no such file", make=file("other.csv", ""), code="no-file"),
    Npz(what="a pipe", make=pipe("bad.npz"), code="unreadable"),
    Npz(what="a folder", make=folder("bad.npz"), code="is-a-folder"),
    Npz(what="text called .npz", make=file("bad.npz", "a"), code="unreadable"),
    Kind(
        what="another extension",
        line="score bad.json",
        make=file("bad.json", "[]"),
        names="bad.json",
        code="unknown-kind-of-file",
    ),
    Npz(what="no pred_probs", make=npz("bad.npz", given_labels=LABELS), code="no-column"),
    Npz(what="no labels", make=npz("bad.npz", pred_probs=PROBS), code="no-column"),
    Npz(what="probabilities as objects", make=arrays(pred_probs=PROBS.astype(object)), code="unreadable"),
    Npz(what="text as probabilities", make=arrays(pred_probs=PROBS.astype(str)), code="not-numbers"),
    Npz(what="complex probabilities", make=arrays(pred_probs=PROBS * 1j), code="not-numbers"),
    Npz(what="probabilities of one dimension", make=arrays(pred_probs=PROBS[:, 0]), code="wrong-shape"),
    Npz(what="probabilities of three dimensions", make=arrays(pred_probs=PROBS[None]), code="wrong-shape"),
    Npz(what="one class", make=arrays(pred_probs=PROBS[:, :1]), code="one-class"),
    Npz(what="no rows", make=arrays(pred_probs=PROBS[:0], given_labels=LABELS[:0]), code="no-examples"),
    Npz(what="one row", make=arrays(pred_probs=PROBS[:1], given_labels=LABELS[:1]), code="one-example"),
    Npz(what="NaN", make=with_value(np.nan), code="not-finite", names="bad.npz index 3"),
    Npz(what="infinity", make=with_value(np.inf), code="not-finite", names="bad.npz index 3"),
    Npz(what="a negative probability", make=with_value(-0.1), code="not-probabilities", names="bad.npz index 3"),
    Npz(what="rows that do not sum to 1", make=with_value(0.5), code="not-probabilities", names="index 3"),
    Npz(what="per cent", make=arrays(pred_probs=PROBS * 100), code="not-probabilities", names="bad.npz index 0"),
    Npz(
        what="logits",
        make=arrays(pred_probs=np.log(PROBS)),
        code="not-probabilities",
        names="bad.npz index 0",
    ),
    Npz(what="numbers near the largest", make=with_value(1.7e308), code="not-probabilities", names="bad.npz index 3"),
    Npz(
        what="labels out of range",
        make=arrays(given_labels=LABELS + 1),
        code="unknown-class",
        names="bad.npz index 1",
    ),
    Npz(
        what="negative labels",
        make=arrays(given_labels=LABELS - 1),
        code="unknown-class",
        names="bad.npz index 0",
    ),
    Npz(
        what="labels beyond 64 bits",
        make=arrays(given_labels=LABELS.astype(np.uint64) + 2**63),
        code="unknown-class",
        names="bad.npz index 0",
    ),
    Npz(what="labels with fractions", make=arrays(given_labels=LABELS / 2), code="not-labels"),
    Npz(what="fewer labels than rows", make=arrays(given_labels=LABELS[:3]), code="wrong-shape"),
    Npz(
        what="names as labels without class_names",
        make=arrays(given_labels=LABELS.astype(str)),
        code="no-class-names",
    ),
    Npz(
        what="names that are no class",
        make=arrays(given_labels=np.array(["a", "z"] * 6), class_names=np.array(["a", "b"])),
        code="unknown-class",
        names="bad.npz index 1",
    ),
    Npz(
        what="fewer class_names than columns",
        make=arrays(class_names=np.array(["a"])),
        code="classes-mismatch",
    ),
    Npz(
        what="class_names with one twice",
        make=arrays(class_names=np.array(["a", "a"])),
        code="class-twice",
    ),
    Npz(what="ids given twice", make=arrays(example_ids=LABELS), code="id-twice", names="bad.npz index 2"),
    Npz(what="fewer ids than rows", make=arrays(example_ids=LABELS[:3]), code="wrong-shape"),
    Npz(
        what="true labels out of range",
        make=arrays(true_labels=LABELS + 1),
        code="unknown-class",
        names="index 1",
    ),
    Npz(
        what="a shape that is not there",
        make=archive(
            "bad.npz", {"pred_probs.npy": array_file((10**9, 10**9), "<f8"), "given_labels.npy": array_file((4,))}
        ),
        code="unreadable",
    ),
    Csv(what="an empty table", make=file("bad.csv", ""), code="empty-file"),
    Csv(what="column names alone", make=file("bad.csv", "label,prob:a,prob:b\n"), code="no-examples"),
    Csv(
        what="no columns of probabilities",
        make=file("bad.csv", "label,a,b\na,1,0\n"),
        code="no-column",
    ),
    Csv(
        what="one column of probabilities",
        make=file("bad.csv", "label,prob:a\na,1\na,1\n"),
        code="one-class",
    ),
    Csv(what="two columns of one class", make=file("bad.csv", "label,prob:a,prob:a\na,1,0\n"), code="column-twice"),
    Csv(what="no label column in a table", make=file("bad.csv", "prob:a,prob:b\n1,0\n"), code="no-column"),
    Row(what="text in place of a probability", make=table("a,x,0.1\n"), code="not-a-probability"),
    Row(what="an empty probability", make=table("a,,0.1\n"), code="not-a-probability"),
    Row(what="NaN in a table", make=table("a,nan,0.1\n"), code="not-finite"),
    Row(what="1e400", make=table("a,1e400,0.1\n"), code="not-finite"),
    Row(what="a label without a column", make=table("c,0.5,0.5\n"), code="unknown-class"),
    Row(what="a row with a field less", make=table("a,0.5\n"), code="broken-row"),
    Row(what="an empty label", make=table(",0.5,0.5\n"), code="empty-cell"),
    Row(what="a decimal comma", make=table('a,"0,9","0,1"\n'), code="not-a-probability"),
    Parquet(what="damaged parquet", make=file("bad.parquet", "PAR1"), code="unreadable"),
    Parquet(what="text in a parquet column", make=parquet(**{"prob:a": ["x"] * 12}), code="not-numbers"),
    Parquet(
        what="a missing number in parquet",
        make=parquet(**{"prob:a": [None, *PROBS[1:, 0]]}),
        code="not-finite",
        names="bad.parquet index 0",
    ),
    Parquet(what="lists in a parquet column", make=parquet(**{"prob:a": [[0.5]] * 12}), code="not-numbers"),
    Kind(
        what="the same file twice",
        line="score bad.npz ./bad.npz -o run",
        make=arrays(),
        names="bad.npz",
        code="given-twice",
    ),
    Kind(
        what="opinions about other examples",
        line="score bad.csv other.csv -o run",
        make=lambda place: [file("bad.csv", TABLE)(place), file("other.csv", TABLE + "a,1,0\n")(place)],
        names="other.csv",
        code="other-examples",
    ),
    Kind(
        what="opinions about other classes",
        line="score bad.csv other.csv -o run",
        make=lambda place: [
            file("bad.csv", TABLE)(place),
            file("other.csv", TABLE.replace("prob:b", "prob:c").replace("\nb", "\nc"))(place),
        ],
        names="other.csv",
        code="classes-mismatch",
    ),
]
