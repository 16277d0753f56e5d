"""Probabilities from a file or from memory: nothing shifted, nothing guessed, everything wrong named with its row."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refuses

from labelscan.data.prob_files import read_probabilities
from labelscan.data.probabilities import Probabilities, probabilities_from_arrays
from labelscan.errors import DatasetError, UsageError

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


def refusal(make: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        make(*args, **options)
    assert caught.value.exit_code == 2
    return str(caught.value)


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
    message = refusal(read_probabilities, tmp_path / "probs.npz", label_column="secnd")
    assert "did you mean 'second'?" in message


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
    assert "names of classes are given as text" in refusal(
        probabilities_from_arrays, PROBS, np.array([1, 2, 3, 3]), class_names=["1", "2", "3"]
    )


@pytest.mark.parametrize("true_labels", [np.array([0, 1, 2, 1]), np.array(["dog", "cat", "ant", "cat"])])
def test_true_labels_are_places_or_names(true_labels: Any) -> None:
    dataset = probabilities_from_arrays(PROBS, LABELS, class_names=CLASSES, true_labels=true_labels).dataset
    assert dataset.true_labels is not None
    assert dataset.true_labels.tolist() == [0, 1, 2, 1]
    assert dataset.true_class_names == ("dog", "cat", "ant")


def test_a_true_label_may_be_a_class_without_a_column() -> None:
    true_labels = ["dog", "owl", "ant", "bee"]
    dataset = probabilities_from_arrays(PROBS, LABELS, class_names=CLASSES, true_labels=true_labels).dataset
    assert dataset.true_class_names == ("dog", "cat", "ant", "bee", "owl")
    assert dataset.true_labels is not None
    assert dataset.true_labels.tolist() == [0, 4, 2, 3]


@pytest.mark.parametrize(
    ("given", "kept"), [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64)]
)
def test_precision_is_kept_and_half_precision_widened(given: Any, kept: Any) -> None:
    read = probabilities_from_arrays(PROBS.astype(given), LABELS)
    assert read.pred_probs.dtype == kept
    np.testing.assert_array_equal(read.pred_probs, PROBS.astype(given))


def test_whole_numbers_are_probabilities_where_they_are_0_and_1() -> None:
    assert probabilities_from_arrays(np.eye(3, dtype=int), [0, 1, 2]).pred_probs.dtype == np.float64


def test_big_endian_and_column_major_arrays_are_the_same_data() -> None:
    plain = probabilities_from_arrays(PROBS, LABELS)
    for other in (PROBS.astype(">f8"), np.asfortranarray(PROBS)):
        read = probabilities_from_arrays(other, LABELS)
        assert read.pred_probs.flags.c_contiguous
        assert read.fingerprint() == plain.fingerprint()


def test_text_that_no_file_can_hold_is_refused() -> None:
    with refuses(DatasetError, "not-utf8"):
        probabilities_from_arrays(PROBS, LABELS, example_ids=["a", "b", "c\ud800", "d"])


def test_rows_are_put_into_the_order_of_their_ids() -> None:
    order = np.array([2, 0, 3, 1])
    ids = np.array(["a", "b", "c", "d"])
    plain = probabilities_from_arrays(PROBS, LABELS, example_ids=ids, true_labels=LABELS)
    shuffled = probabilities_from_arrays(PROBS[order], LABELS[order], example_ids=ids[order], true_labels=LABELS[order])
    np.testing.assert_array_equal(shuffled.pred_probs, PROBS)
    np.testing.assert_array_equal(shuffled.dataset.given_labels, LABELS)
    assert shuffled.fingerprint() == plain.fingerprint()


def test_ids_that_are_row_numbers_keep_their_rows() -> None:
    probs = np.tile(PROBS, (3, 1))
    read = probabilities_from_arrays(probs, np.tile(LABELS, 3), example_ids=np.arange(12))
    assert read.dataset.example_ids.tolist() == [str(row) for row in range(12)]
    np.testing.assert_array_equal(read.pred_probs, probs)


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


def test_parquet_without_a_value_or_with_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "probs.parquet"
    pd.DataFrame({"label": ["a", "b"], "prob:a": [0.5, None], "prob:b": [0.5, 0.5]}).to_parquet(path)
    assert "probs.parquet index 1: NaN or infinite" in refusal(read_probabilities, path)
    pd.DataFrame({"label": ["a", "b"], "prob:a": ["0.5", "x"], "prob:b": [0.5, 0.5]}).to_parquet(path)
    assert "'prob:a' holds" in refusal(read_probabilities, path)


def test_the_label_column_can_be_named(tmp_path: Path) -> None:
    text = "label,target,prob:a,prob:b\na,b,0.5,0.5\nb,a,0.5,0.5\n"
    assert table(tmp_path, text, label_column="target").dataset.given_labels.tolist() == [1, 0]
    assert "did you mean 'target'?" in refusal(table, tmp_path, text, label_column="targt")
    two = text.replace("label", "given_label").replace("target", "label")
    assert "--label-column" in refusal(table, tmp_path, two)
    assert "--label-column" in refusal(table, tmp_path, text.replace("label,target", "some,other"))


def test_labels_without_a_column_name_the_nearest_class_and_their_line(tmp_path: Path) -> None:
    message = refusal(table, tmp_path, CSV.replace("png,cat", "png,catt").replace("png,ant", "png,zebra"))
    assert message.splitlines() == [
        "probs.csv row 3: label 'catt' has no column of probabilities; hint: did you mean 'cat'?",
        "probs.csv row 4: label 'zebra' has no column of probabilities; "
        "hint: the classes are 'dog', 'cat', 'ant'; every label needs a column",
    ]
    assert "did you mean 'cat'?" in refusal(
        npz, tmp_path, pred_probs=PROBS, given_labels=np.array(["cat", "Cat", "ant", "dog"]), class_names=CLASSES
    )


def test_cells_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    message = refusal(table, tmp_path, CSV.replace("0.8", "80%").replace("0.6", "high"))
    assert message.splitlines()[0].startswith("probs.csv row 3: 'prob:cat' is '80%', not a number")
    assert message.splitlines()[1].startswith("probs.csv row 4: 'prob:ant' is 'high', not a number")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("nan,0.8,0.2", "NaN or infinite probability"),
        (",0.8,0.2", "'prob:dog' is empty"),
        ("inf,0.8,0.2", "NaN or infinite probability"),
        ("2.5,-1.5,0", "not logits"),
        ("10,80,10", "these seem to be per cent: divide them by 100"),
        ("0.1,0.1,0.1", "probabilities sum to 0.3, not 1"),
    ],
)
def test_a_row_that_is_no_distribution_is_named(tmp_path: Path, row: str, problem: str) -> None:
    message = refusal(table, tmp_path, CSV.replace("0.1,0.8,0.1", row))
    assert message.startswith("probs.csv row 3: ")
    assert problem in message


def test_twenty_rows_are_reported_at_once() -> None:
    message = refusal(probabilities_from_arrays, np.full((50, 2), 3.0), np.zeros(50, dtype=int))
    assert len(message.splitlines()) == 21
    assert message.splitlines()[19].startswith("arrays index 19: ")
    assert message.splitlines()[20] == "and 30 more problems like these"


def test_what_a_table_lacks_is_reported(tmp_path: Path) -> None:
    assert "call them prob:<class>" in refusal(table, tmp_path, "label,a,b\na,0.5,0.5\n")
    assert "1 class" in refusal(table, tmp_path, "label,prob:a\na,1\na,1\n")
    assert "no example" in refusal(table, tmp_path, "label,prob:a,prob:b\n")
    assert "1 example" in refusal(table, tmp_path, "label,prob:a,prob:b\na,0.5,0.5\n")
    assert "'prob:a' occurs twice" in refusal(table, tmp_path, "label,prob:a,prob:a\na,0.5,0.5\n")
    assert "'label' is empty" in refusal(table, tmp_path, "label,prob:a,prob:b\n,0.5,0.5\na,0.5,0.5\n")
    assert "2 fields for 3 columns" in refusal(table, tmp_path, "label,prob:a,prob:b\na,0.5\na,0.5,0.5\n")


def test_an_example_listed_twice_is_reported_with_both_lines(tmp_path: Path) -> None:
    message = refusal(table, tmp_path, CSV.replace("\na,", "\nb,"))
    assert "probs.csv row 3: example 'b' is listed twice, first at probs.csv row 2" in message
    assert "listed twice" in refusal(probabilities_from_arrays, PROBS, LABELS, example_ids=[1, 2, 2, 3])


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"given_labels": LABELS}, "no array 'pred_probs'"),
        ({"pred_prob": PROBS, "given_labels": LABELS}, "there are 'pred_prob', 'given_labels'"),
        ({"pred_probs": PROBS}, "no array of labels"),
        ({"pred_probs": PROBS, "given_labels": LABELS, "labels": LABELS}, "could both be the array of labels"),
        ({"pred_probs": PROBS, "given_labels": LABELS[:3]}, "given_labels have shape (3,), not (4,)"),
        ({"pred_probs": PROBS, "given_labels": PROBS}, "given_labels have shape (4, 3), not (4,)"),
        ({"pred_probs": PROBS, "given_labels": LABELS / 2}, "not whole numbers or text"),
        ({"pred_probs": PROBS, "given_labels": LABELS + 1}, "given_labels 3 is not in 0 .. 2"),
        ({"pred_probs": PROBS, "given_labels": LABELS - 1}, "given_labels -1 is not in 0 .. 2"),
        ({"pred_probs": PROBS, "given_labels": np.array(CLASSES)[LABELS]}, "no class_names say which column"),
        ({"pred_probs": PROBS, "given_labels": LABELS, "class_names": CLASSES[:2]}, "3 columns for 2 class names"),
        ({"pred_probs": PROBS, "given_labels": LABELS, "class_names": ["a", "b", "a"]}, "'a' twice"),
        ({"pred_probs": PROBS, "given_labels": LABELS, "example_ids": ["a"]}, "example_ids have shape (1,)"),
        ({"pred_probs": PROBS, "given_labels": LABELS, "true_labels": LABELS[:2]}, "true_labels have shape (2,)"),
        ({"pred_probs": PROBS, "given_labels": LABELS, "true_labels": LABELS + 9}, "true_labels 9 is not in"),
        ({"pred_probs": PROBS[0], "given_labels": LABELS}, "must be a table"),
        ({"pred_probs": PROBS[:0], "given_labels": LABELS[:0]}, "no example"),
        ({"pred_probs": PROBS[:1], "given_labels": LABELS[:1]}, "1 example"),
        ({"pred_probs": PROBS[:, :0], "given_labels": LABELS}, "shape (4, 0)"),
        ({"pred_probs": PROBS[:, :1], "given_labels": LABELS}, "shape (4, 1)"),
        ({"pred_probs": PROBS * 100, "given_labels": LABELS}, "per cent"),
        ({"pred_probs": np.log(PROBS), "given_labels": LABELS}, "not logits"),
        ({"pred_probs": PROBS * [1, np.nan, 1], "given_labels": LABELS}, "NaN"),
        ({"pred_probs": PROBS.astype(str), "given_labels": LABELS}, "not numbers"),
        ({"pred_probs": PROBS.astype(complex), "given_labels": LABELS}, "not numbers"),
        ({"pred_probs": PROBS.astype(object), "given_labels": LABELS}, "pickled objects, which are never loaded"),
    ],
)
def test_an_npz_file_that_cannot_be_judged_is_refused(tmp_path: Path, arrays: dict[str, Any], problem: str) -> None:
    message = refusal(npz, tmp_path, **arrays)
    assert problem in message
    assert "probs.npz" in message


def test_files_that_are_no_probabilities_are_refused(tmp_path: Path) -> None:
    (tmp_path / "probs.npz").write_bytes(pickle.dumps([1]))
    assert "the file holds pickled objects" in refusal(read_probabilities, tmp_path / "probs.npz")
    assert f"did you mean {tmp_path / 'probs.npz'}?" in refusal(read_probabilities, tmp_path / "prob.npz")
    (tmp_path / "probs.xlsx").write_bytes(b"")
    assert "give a file called .npz, .csv" in refusal(read_probabilities, tmp_path / "probs.xlsx")
    assert "this is a folder" in refusal(read_probabilities, tmp_path)


def test_probabilities_that_do_not_fit_into_memory_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path, label_column: str) -> None:
        raise MemoryError

    (tmp_path / "probs.csv").touch()
    monkeypatch.setattr("labelscan.data.prob_files._read_table", read)
    assert "probs.csv: does not fit into memory" in refusal(read_probabilities, tmp_path / "probs.csv")
