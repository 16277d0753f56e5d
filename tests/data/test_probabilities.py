"""Probabilities from a file or from memory: nothing shifted, nothing guessed, everything wrong named with its row."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labelscan.data.prob_files import read_probabilities
from labelscan.data.probabilities import Probabilities, probabilities_from_arrays
from labelscan.errors import UsageError

PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.3, 0.3, 0.4]])
LABELS = np.array([0, 1, 2, 0])
CLASSES = ["dog", "cat", "ant"]
CSV = """id,path,label,true_label,prob:dog,prob:cat,prob:ant
b,x/b.png,dog,dog,0.7,0.2,0.1
a,x/a.png,cat,cat,0.1,0.8,0.1
c,x/c.png,ant,owl,0.2,0.2,0.6
"""


def npz(folder: Path, **arrays: Any) -> Probabilities:
    np.savez(folder / "probs.npz", **arrays)
    return read_probabilities(folder / "probs.npz")


def table(folder: Path, text: str, name: str = "probs.csv", **options: str) -> Probabilities:
    (folder / name).write_text(text, encoding="utf-8")
    return read_probabilities(folder / name, **options)


def refusal(make: Any, *args: Any, **options: Any) -> list[tuple[str, str]]:
    """Return the code and the place of each problem."""
    with pytest.raises(UsageError) as caught:
        make(*args, **options)
    return [(one.code, one.where) for one in caught.value.problems]


def test_an_npz_file_is_read_as_it_is(tmp_path: Path) -> None:
    read = npz(tmp_path, pred_probs=PROBS, given_labels=LABELS)
    np.testing.assert_array_equal(read.pred_probs, PROBS)
    assert read.pred_probs.dtype == np.float64
    assert read.dataset.name == "probs"
    assert read.dataset.class_names == ("0", "1", "2")
    assert read.dataset.example_ids.tolist() == ["0", "1", "2", "3"]
    assert read.dataset.given_labels.tolist() == [0, 1, 2, 0]
    assert read.dataset.path(0) == ""
    assert read.dataset.true_labels is None


def test_labels_may_be_called_labels_and_other_arrays_are_not_looked_at(tmp_path: Path) -> None:
    read = npz(tmp_path, pred_probs=PROBS, labels=LABELS, notes=np.array([{}], dtype=object))
    assert read.dataset.given_labels.tolist() == [0, 1, 2, 0]


def test_labels_in_an_array_of_another_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "probs.npz", pred_probs=PROBS, labels=LABELS, second=LABELS[::-1])
    read = read_probabilities(tmp_path / "probs.npz", label_column="second")
    assert read.dataset.given_labels.tolist() == [0, 2, 1, 0]
    assert refusal(read_probabilities, tmp_path / "probs.npz", label_column="secnd") == [("no-column", "probs.npz")]


@pytest.mark.parametrize(
    "labels", [LABELS, LABELS.astype(np.uint8), np.array(CLASSES)[LABELS], np.array(CLASSES)[LABELS].astype("S")]
)
def test_labels_are_places_in_class_names_or_names(labels: Any) -> None:
    read = probabilities_from_arrays(PROBS, labels, class_names=CLASSES)
    assert read.dataset.class_names == ("dog", "cat", "ant")
    assert read.dataset.given_labels.tolist() == [0, 1, 2, 0]


def test_whole_numbers_are_places_even_where_classes_are_numbers_and_that_is_said() -> None:
    read = probabilities_from_arrays(PROBS, np.array([1, 2, 1, 1]), class_names=["1", "2", "3"])
    assert read.dataset.given_labels.tolist() == [1, 2, 1, 1]
    assert read.dataset.notes == ("given_labels are whole numbers, hence places in class_names: 0 is '1'",)
    text = probabilities_from_arrays(PROBS, np.array(["1", "2", "1", "1"]), class_names=["1", "2", "3"])
    assert text.dataset.given_labels.tolist() == [0, 1, 0, 0]
    places = refusal(probabilities_from_arrays, PROBS, np.array([1, 2, 3, 3]), class_names=["1", "2", "3"])
    assert places == [("unknown-class", "arrays index 2"), ("unknown-class", "arrays index 3")]


@pytest.mark.parametrize(
    ("true_labels", "expected", "classes"),
    [
        (np.array([0, 1, 2, 1]), [0, 1, 2, 1], ("dog", "cat", "ant")),
        (["dog", "owl", "ant", "bee"], [0, 4, 2, 3], ("dog", "cat", "ant", "bee", "owl")),
    ],
)
def test_true_labels_are_places_or_names_and_may_be_classes_without_a_column(
    true_labels: Any, expected: list[int], classes: tuple[str, ...]
) -> None:
    dataset = probabilities_from_arrays(PROBS, LABELS, class_names=CLASSES, true_labels=true_labels).dataset
    assert dataset.true_labels is not None
    assert dataset.true_labels.tolist() == expected
    assert dataset.true_class_names == classes


@pytest.mark.parametrize(
    ("given", "kept"), [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64)]
)
def test_precision_is_kept_and_half_precision_widened(given: Any, kept: Any) -> None:
    read = probabilities_from_arrays(PROBS.astype(given), LABELS)
    assert read.pred_probs.dtype == kept
    np.testing.assert_array_equal(read.pred_probs, PROBS.astype(given))


def test_big_endian_and_column_major_arrays_are_the_same_data() -> None:
    plain = probabilities_from_arrays(PROBS, LABELS)
    for other in (PROBS.astype(">f8"), np.asfortranarray(PROBS)):
        read = probabilities_from_arrays(other, LABELS)
        assert read.pred_probs.flags.c_contiguous
        assert read.fingerprint() == plain.fingerprint()


def test_rows_are_put_into_the_order_of_their_ids() -> None:
    order = np.array([2, 0, 3, 1])
    ids = np.array(["a", "b", "c", "d"])
    plain = probabilities_from_arrays(PROBS, LABELS, example_ids=ids, true_labels=LABELS)
    shuffled = probabilities_from_arrays(PROBS[order], LABELS[order], example_ids=ids[order], true_labels=LABELS[order])
    np.testing.assert_array_equal(shuffled.pred_probs, PROBS)
    np.testing.assert_array_equal(shuffled.dataset.given_labels, LABELS)
    assert shuffled.fingerprint() == plain.fingerprint()


def test_the_fingerprint_changes_with_every_value() -> None:
    other = PROBS.copy()
    other[0, :2] += [-1e-12, 1e-12]
    given: list[dict[str, Any]] = [
        {},
        {"pred_probs": other},
        {"given_labels": LABELS[::-1]},
        {"class_names": ["ant", "cat", "dog"]},
        {"example_ids": ["a", "b", "c", "d"]},
        {"true_labels": LABELS},
    ]
    plain: dict[str, Any] = {"pred_probs": PROBS, "given_labels": LABELS, "class_names": CLASSES}
    assert len({probabilities_from_arrays(**(plain | change)).fingerprint() for change in given}) == len(given)


def test_a_csv_file_is_read_with_its_paths_and_in_the_order_of_its_columns(tmp_path: Path) -> None:
    read = table(tmp_path, CSV)
    assert read.dataset.class_names == ("dog", "cat", "ant")
    assert read.dataset.example_ids.tolist() == ["a", "b", "c"]
    assert read.dataset.given_labels.tolist() == [1, 0, 2]
    assert read.dataset.path(0) == str(tmp_path / "x/a.png")
    assert read.dataset.true_labels is not None
    assert read.dataset.true_labels.tolist() == [1, 0, 3]
    assert read.dataset.true_class_names == ("dog", "cat", "ant", "owl")
    np.testing.assert_array_equal(read.pred_probs, [[0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.2, 0.2, 0.6]])


def test_ids_are_paths_where_there_is_no_id_column_and_row_numbers_where_there_is_neither(tmp_path: Path) -> None:
    rows = [line.split(",") for line in CSV.splitlines()]
    without_id = "\n".join(",".join(row[1:]) for row in rows)
    assert table(tmp_path, without_id).dataset.example_ids.tolist() == ["x/a.png", "x/b.png", "x/c.png"]
    bare = "\n".join(",".join(row[2:]) for row in rows)
    assert table(tmp_path, bare).dataset.example_ids.tolist() == ["0", "1", "2"]
    assert table(tmp_path, bare).dataset.given_labels.tolist() == [0, 1, 2]


def test_tabs_quotes_blank_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = '\ufefflabel\tprob:a "b"\tprob:NA\n\n"a ""b"""\t0.25\t0.75\n\nNA\t"1"\t0\n'
    read = table(tmp_path, text.replace('prob:a "b"', '"prob:a ""b"""'), "probs.tsv")
    assert read.dataset.class_names == ('a "b"', "NA")
    assert read.dataset.given_labels.tolist() == [0, 1]
    np.testing.assert_array_equal(read.pred_probs, [[0.25, 0.75], [1, 0]])


def test_a_table_keeps_the_last_digit(tmp_path: Path) -> None:
    probs = np.random.default_rng(0).dirichlet(np.ones(2), size=50)
    lines = [f"{label},{a!r},{b!r}" for label, (a, b) in zip("xy" * 25, probs.tolist(), strict=True)]
    read = table(tmp_path, "\n".join(["label,prob:x,prob:y", *lines]))
    np.testing.assert_array_equal(read.pred_probs, probs)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64)],
)
def test_parquet_keeps_its_precision(tmp_path: Path, given: Any, kept: Any) -> None:
    probs = np.array([[0.25, 0.75], [1, 0]] if given is not np.int64 else [[0, 1], [1, 0]], dtype=given)
    frame = pd.DataFrame({"label": [10, 9], "prob:9": probs[:, 0], "prob:10": probs[:, 1]})
    frame.to_parquet(tmp_path / "probs.parquet")
    read = read_probabilities(tmp_path / "probs.parquet")
    assert read.pred_probs.dtype == kept
    np.testing.assert_array_equal(read.pred_probs, probs)
    assert read.dataset.class_names == ("9", "10")
    assert read.dataset.given_labels.tolist() == [1, 0]


def test_the_label_column_can_be_named(tmp_path: Path) -> None:
    text = "label,target,prob:a,prob:b\na,b,0.5,0.5\nb,a,0.5,0.5\n"
    assert table(tmp_path, text, label_column="target").dataset.given_labels.tolist() == [1, 0]
    assert refusal(table, tmp_path, text, label_column="targt") == [("no-column", "probs.csv")]
    two = text.replace("label", "given_label").replace("target", "label")
    assert refusal(table, tmp_path, two) == [("which-column", "probs.csv")]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (CSV.replace("png,cat", "png,catt").replace("png,ant", "png,zebra"), {3: "unknown-class", 4: "unknown-class"}),
        (CSV.replace("0.8", "80%").replace("0.6", "high"), {3: "not-a-probability", 4: "not-a-probability"}),
        (CSV.replace("0.1,0.8,0.1", "2.5,-1.5,0"), {3: "not-probabilities"}),
        (CSV.replace("0.1,0.8,0.1", "0.1,0.1,0.1"), {3: "not-probabilities"}),
        (CSV.replace("\na,", "\nb,"), {3: "id-twice"}),
        ("label,prob:a,prob:b\na,0.5,0.5\n", {0: "one-example"}),
    ],
)
def test_a_table_that_cannot_be_judged_is_refused(tmp_path: Path, text: str, problems: dict[int, str]) -> None:
    expected = [(code, f"probs.csv row {row}" if row else "probs.csv") for row, code in problems.items()]
    assert refusal(table, tmp_path, text) == expected


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"labels": LABELS}, "which-column"),
        ({"given_labels": PROBS}, "wrong-shape"),
        ({"example_ids": ["a", "b", "c\ud800", "d"]}, "not-utf8"),
        ({"true_labels": LABELS[:2]}, "wrong-shape"),
        ({"pred_probs": PROBS[:, :0]}, "one-class"),
    ],
)
def test_an_npz_file_that_cannot_be_judged_is_refused(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    problems = refusal(npz, tmp_path, **{"pred_probs": PROBS, "given_labels": LABELS, **changes})
    assert [one for one, _ in problems] == [code]
    assert all("probs.npz" in where for _, where in problems)


def test_probabilities_that_do_not_fit_into_memory_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path, label_column: str) -> None:
        raise MemoryError

    (tmp_path / "probs.csv").touch()
    monkeypatch.setattr("labelscan.data.prob_files._read_table", read)
    assert refusal(read_probabilities, tmp_path / "probs.csv") == [("too-large", str(tmp_path / "probs.csv"))]
