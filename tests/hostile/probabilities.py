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
    Npz("no such file", file("other.csv", ""), "no-file"),
    Npz("a pipe", pipe("bad.npz"), "unreadable"),
    Npz("a folder", folder("bad.npz"), "is-a-folder"),
    Npz("text called .npz", file("bad.npz", "a"), "unreadable"),
    Kind("another extension", file("bad.json", "[]"), "unknown-kind-of-file", line="score bad.json", names="bad.json"),
    Npz("no pred_probs", npz("bad.npz", given_labels=LABELS), "no-column"),
    Npz("no labels", npz("bad.npz", pred_probs=PROBS), "no-column"),
    Npz("probabilities as objects", arrays(pred_probs=PROBS.astype(object)), "unreadable"),
    Npz("text as probabilities", arrays(pred_probs=PROBS.astype(str)), "not-numbers"),
    Npz("complex probabilities", arrays(pred_probs=PROBS * 1j), "not-numbers"),
    Npz("probabilities of one dimension", arrays(pred_probs=PROBS[:, 0]), "wrong-shape"),
    Npz("probabilities of three dimensions", arrays(pred_probs=PROBS[None]), "wrong-shape"),
    Npz("one class", arrays(pred_probs=PROBS[:, :1]), "one-class"),
    Npz("no rows", arrays(pred_probs=PROBS[:0], given_labels=LABELS[:0]), "no-examples"),
    Npz("one row", arrays(pred_probs=PROBS[:1], given_labels=LABELS[:1]), "one-example"),
    Npz("NaN", with_value(np.nan), "not-finite", names="bad.npz index 3"),
    Npz("infinity", with_value(np.inf), "not-finite", names="bad.npz index 3"),
    Npz("a negative probability", with_value(-0.1), "not-probabilities", names="bad.npz index 3"),
    Npz("rows that do not sum to 1", with_value(0.5), "not-probabilities", names="index 3"),
    Npz("per cent", arrays(pred_probs=PROBS * 100), "not-probabilities", names="bad.npz index 0"),
    Npz("logits", arrays(pred_probs=np.log(PROBS)), "not-probabilities", names="bad.npz index 0"),
    Npz("numbers near the largest", with_value(1.7e308), "not-probabilities", names="bad.npz index 3"),
    Npz("labels out of range", arrays(given_labels=LABELS + 1), "unknown-class", names="bad.npz index 1"),
    Npz("negative labels", arrays(given_labels=LABELS - 1), "unknown-class", names="bad.npz index 0"),
    Npz(
        "labels beyond 64 bits",
        arrays(given_labels=LABELS.astype(np.uint64) + 2**63),
        "unknown-class",
        names="bad.npz index 0",
    ),
    Npz("labels with fractions", arrays(given_labels=LABELS / 2), "not-labels"),
    Npz("fewer labels than rows", arrays(given_labels=LABELS[:3]), "wrong-shape"),
    Npz("names as labels without class_names", arrays(given_labels=LABELS.astype(str)), "no-class-names"),
    Npz(
        "names that are no class",
        arrays(given_labels=np.array(["a", "z"] * 6), class_names=np.array(["a", "b"])),
        "unknown-class",
        names="bad.npz index 1",
    ),
    Npz("fewer class_names than columns", arrays(class_names=np.array(["a"])), "classes-mismatch"),
    Npz("class_names with one twice", arrays(class_names=np.array(["a", "a"])), "class-twice"),
    Npz("ids given twice", arrays(example_ids=LABELS), "id-twice", names="bad.npz index 2"),
    Npz("fewer ids than rows", arrays(example_ids=LABELS[:3]), "wrong-shape"),
    Npz("true labels out of range", arrays(true_labels=LABELS + 1), "unknown-class", names="index 1"),
    Npz(
        "a shape that is not there",
        archive("bad.npz", {"pred_probs.npy": array_file((10**9, 10**9), "<f8"), "given_labels.npy": array_file((4,))}),
        "unreadable",
    ),
    Csv("an empty table", file("bad.csv", ""), "empty-file"),
    Csv("column names alone", file("bad.csv", "label,prob:a,prob:b\n"), "no-examples"),
    Csv("no columns of probabilities", file("bad.csv", "label,a,b\na,1,0\n"), "no-column"),
    Csv("one column of probabilities", file("bad.csv", "label,prob:a\na,1\na,1\n"), "one-class"),
    Csv("two columns of one class", file("bad.csv", "label,prob:a,prob:a\na,1,0\n"), "column-twice"),
    Csv("no label column in a table", file("bad.csv", "prob:a,prob:b\n1,0\n"), "no-column"),
    Row("text in place of a probability", table("a,x,0.1\n"), "not-a-probability"),
    Row("an empty probability", table("a,,0.1\n"), "not-a-probability"),
    Row("NaN in a table", table("a,nan,0.1\n"), "not-finite"),
    Row("1e400", table("a,1e400,0.1\n"), "not-finite"),
    Row("a label without a column", table("c,0.5,0.5\n"), "unknown-class"),
    Row("a row with a field less", table("a,0.5\n"), "broken-row"),
    Row("an empty label", table(",0.5,0.5\n"), "empty-cell"),
    Row("a decimal comma", table('a,"0,9","0,1"\n'), "not-a-probability"),
    Parquet("damaged parquet", file("bad.parquet", "PAR1"), "unreadable"),
    Parquet("text in a parquet column", parquet(**{"prob:a": ["x"] * 12}), "not-numbers"),
    Parquet(
        "a missing number in parquet",
        parquet(**{"prob:a": [None, *PROBS[1:, 0]]}),
        "not-finite",
        names="bad.parquet index 0",
    ),
    Parquet("lists in a parquet column", parquet(**{"prob:a": [[0.5]] * 12}), "not-numbers"),
    Kind("the same file twice", arrays(), "given-twice", line="score bad.npz ./bad.npz -o run", names="bad.npz"),
    Kind(
        "opinions about other examples",
        lambda place: [file("bad.csv", TABLE)(place), file("other.csv", TABLE + "a,1,0\n")(place)],
        "other-examples",
        line="score bad.csv other.csv -o run",
        names="other.csv",
    ),
    Kind(
        "opinions about other classes",
        lambda place: [
            file("bad.csv", TABLE)(place),
            file("other.csv", TABLE.replace("prob:b", "prob:c").replace("\nb", "\nc"))(place),
        ],
        "classes-mismatch",
        line="score bad.csv other.csv -o run",
        names="other.csv",
    ),
]
