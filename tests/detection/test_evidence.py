from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from refusals import refuses
from tiny_run import evidence_of

from labelscan.arrays import as_strings
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Inputs, Texts
from labelscan.detection import evidence as evidence_module
from labelscan.detection.evidence import Evidence, Member
from labelscan.detection.gathering import gather
from labelscan.errors import ProbabilitiesError, RunError, RunFolderError
from labelscan.jobs.fold_output import FoldOutput

CLASSES = ("ant", "bee", "cat")
NO_ROWS, NO_MARGINS = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)


def a_dataset(n_examples: int) -> Dataset:
    return make_dataset(
        name="made",
        inputs=FeatureTable(np.zeros((n_examples, 1), dtype=np.float32)),
        labels=[CLASSES[row % 3] for row in range(n_examples)],
        example_ids=[f"id-{row:02}" for row in range(n_examples)],
        where=str,
        ids_depend_on_order=False,
    )


def probabilities(n_examples: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).dirichlet(np.ones(3), size=n_examples).astype(np.float32)


def outputs_of(probs: NDArray[np.float32], rows: NDArray[np.int64], repeat: int = 0) -> list[FoldOutput]:
    return [
        FoldOutput(
            repeat=repeat,
            fold=fold,
            held_out_index=rows[fold::3],
            pred_probs=probs[rows[fold::3]],
            train_index=np.setdiff1d(rows, rows[fold::3]),
            train_margin=np.setdiff1d(rows, rows[fold::3]).astype(np.float32) + fold,
        )
        for fold in range(3)
    ]


def gathered(outputs: Iterable[FoldOutput], n_examples: int = 9, **options: Any) -> Evidence:
    usual = {"dataset": a_dataset(n_examples), "scored": np.ones(n_examples, dtype=bool), "n_repeats": 1}
    return gather(outputs, **{**usual, **options})


def some_evidence(n_examples: int = 9) -> Evidence:
    return gathered(outputs_of(probabilities(n_examples), np.arange(n_examples)), n_examples)


def test_each_row_holds_what_was_predicted_for_its_example() -> None:
    probs = probabilities(9)
    order = np.random.default_rng(3).permutation(9)
    evidence = gathered(outputs_of(probs, order))
    np.testing.assert_allclose(evidence.pred_probs, probs, rtol=1e-6)
    np.testing.assert_array_equal(evidence.given_labels, a_dataset(9).given_labels)
    assert evidence.pred_probs.dtype == np.float32
    assert [evidence.fold_names[row] for row in order[:3]] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("inputs", "from_columns"),
    [
        (FeatureTable(np.zeros((9, 64), dtype=np.float32)), True),
        (FeatureTable(np.zeros((9, 65), dtype=np.float32), tuple(f"{a}{n}" for a in "abcde" for n in range(13))), True),
        (FeatureTable(np.zeros((9, 65), dtype=np.float32), tuple(f"e{n}" for n in range(65))), False),
        (ColumnTable(pd.DataFrame({"shop": list("aabbccabc")})), True),
        (Texts(as_strings(list("abcdefghi"))), False),
    ],
)
def test_it_knows_whether_models_saw_columns_of_a_table(inputs: Inputs, from_columns: bool) -> None:
    outputs = outputs_of(probabilities(9), np.arange(9))
    assert gathered(outputs, dataset=replace(a_dataset(9), inputs=inputs)).from_columns is from_columns


def test_train_probs_are_the_mean_over_the_models_that_trained_on_the_example() -> None:
    outputs = outputs_of(probabilities(9), np.arange(9))
    said = [probabilities(9, seed=output.fold + 1) for output in outputs]
    outputs = [
        replace(output, train_probs=probs[output.train_index]) for output, probs in zip(outputs, said, strict=True)
    ]
    evidence = gathered(outputs)
    for row in range(9):
        others = [probs[row] for fold, probs in enumerate(said) if fold != row % 3]
        np.testing.assert_allclose(evidence.train_probs[row], np.mean(others, axis=0), rtol=2e-3)
    assert some_evidence().train_probs is None
    outputs[1] = replace(outputs[1], train_probs=None)
    with refuses(RunError, "not-out-of-fold"):
        gathered(outputs)


def test_unscored_examples_have_no_row_and_index_leads_back() -> None:
    scored = np.ones(9, dtype=bool)
    scored[[2, 5]] = False
    rows = np.flatnonzero(scored)
    evidence = gathered(outputs_of(probabilities(9), rows), scored=scored)
    np.testing.assert_array_equal(evidence.index, rows)
    np.testing.assert_allclose(evidence.pred_probs, probabilities(9)[rows], rtol=1e-6)
    assert list(evidence.example_ids) == [f"id-{row:02}" for row in rows]


def test_repeats_are_averaged_and_their_folds_joined() -> None:
    first, second = probabilities(6, seed=1), probabilities(6, seed=2)
    outputs = outputs_of(first, np.arange(6)) + outputs_of(second, np.arange(6)[::-1], repeat=1)
    evidence = gathered(iter(outputs), 6, n_repeats=2)
    np.testing.assert_allclose(evidence.pred_probs, (first + second) / 2, rtol=1e-5)
    np.testing.assert_allclose(evidence.pred_probs.sum(axis=1, dtype=np.float64), 1, atol=1e-6)
    assert list(evidence.fold_names) == ["0|2", "1|1", "2|0", "0|2", "1|1", "2|0"]


def test_a_train_margin_is_the_mean_over_the_folds_that_trained_on_the_example() -> None:
    evidence = some_evidence(6)
    # Row 0 is held out by fold 0, so folds 1 and 2 trained on it, with margins 0 + 1 and 0 + 2.
    np.testing.assert_allclose(evidence.train_margin, [1.5, 2.0, 2.5, 4.5, 5.0, 5.5])


def test_an_unknown_train_margin_is_nan_and_no_train_margin_is_none() -> None:
    outputs = outputs_of(probabilities(6), np.arange(6))
    unknown = [replace(o, train_margin=np.where(o.train_index == 4, np.nan, o.train_margin)) for o in outputs]
    train_margin = gathered(unknown, 6).train_margin
    np.testing.assert_array_equal(np.isnan(train_margin), np.arange(6) == 4)
    bare = [replace(o, train_index=NO_ROWS, train_margin=NO_MARGINS) for o in outputs]
    assert gathered(bare, 6).train_margin is None


def test_outputs_may_be_loaded_one_at_a_time() -> None:
    alive = 0

    class Lazy(FoldOutput):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def load() -> Iterator[FoldOutput]:
        nonlocal alive
        for output in outputs_of(probabilities(9), np.arange(9)):
            alive += 1
            assert alive <= 2
            yield Lazy(**{field.name: getattr(output, field.name) for field in fields(output)})

    assert len(gathered(load())) == 9


@pytest.mark.parametrize(
    ("spoil", "code", "where"),
    [
        (lambda one, two, three: [one, two], "not-predicted", "id-02"),
        (lambda one, two, three: [one, one, two, three], "not-out-of-fold", "fold 0"),
        (lambda one, two, three: [three, two, one], "not-out-of-fold", "fold 1"),
        (lambda one, two, three: [one, replace(one, fold=1), three], "not-out-of-fold", "fold 1"),
        (lambda one, *more: [replace(one, held_out_index=np.array([0, 0, 3])), *more], "not-out-of-fold", "fold 0"),
        (lambda one, *more: [replace(one, repeat=1), *more], "not-out-of-fold", "repeat 1"),
        (lambda one, *more: [replace(one, pred_probs=one.pred_probs[:2]), *more], "not-out-of-fold", "fold 0"),
        (lambda one, *more: [replace(one, pred_probs=one.pred_probs * 2), *more], "not-out-of-fold", "fold 0"),
        (lambda one, *more: [replace(one, pred_probs=one.pred_probs * np.nan), *more], "diverged", "fold 0"),
    ],
)
def test_outputs_that_do_not_fit_together_stop_the_run(spoil, code, where) -> None:
    with refuses(RunError, code, where):
        gathered(spoil(*outputs_of(probabilities(9), np.arange(9))))


def test_predicting_an_example_that_is_not_to_be_scored_stops_the_run() -> None:
    with refuses(RunError, "not-out-of-fold", "fold 1"):
        gathered(outputs_of(probabilities(9), np.arange(9)), scored=np.arange(9) != 4)


TEXT = st.text(st.characters(exclude_characters="\0"), max_size=12)


@settings(max_examples=25, deadline=None)
@given(ids=st.lists(TEXT, min_size=1, max_size=6), margins=st.booleans(), seed=st.integers(0, 99))
def test_what_is_read_is_what_was_written(tmp_path_factory, ids: list[str], margins: bool, seed: int) -> None:
    n = len(ids)
    path = tmp_path_factory.mktemp("run") / "evidence.npz"
    written = evidence_of(
        probabilities(n, seed),
        np.arange(n) % 3,
        class_names=("01", "NA", "ü"),
        example_ids=as_strings(ids),
        index=np.arange(n)[::-1].copy(),
        fold_names=as_strings(["", "3|1", "0", "1", "2", "4"][:n]),
        train_margin=np.full(n, np.nan, dtype=np.float32) if margins else None,
        train_probs=probabilities(n, seed + 1) if margins else None,
        aum_train_margin=probabilities(n, seed)[:, :2] if margins else None,
        aum_is_threshold=np.eye(n, 2, dtype=bool) if margins else None,
        from_columns=margins,
    )
    written.write(path)
    read = Evidence.read(path)
    assert read.members == ()
    assert read.class_names == written.class_names
    assert read.from_columns is written.from_columns
    for name in {field.name for field in fields(Evidence)} - {"class_names", "members", "from_columns"}:
        one, other = getattr(read, name), getattr(written, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


def test_values_that_are_no_numbers_are_no_evidence() -> None:
    evidence, margins = some_evidence(), np.full((9, 2), np.nan, dtype=np.float32)
    broken = evidence.pred_probs.copy()
    broken[3, 1] = np.nan
    with refuses(ProbabilitiesError, "not-finite", "id-03"):
        replace(evidence, pred_probs=broken)
    with pytest.raises(ValueError, match="aum_train_margin"):
        replace(evidence, aum_train_margin=margins, aum_is_threshold=np.zeros((9, 2), dtype=bool))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"pickle", None])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "evidence.npz"
    np.savez(path, pred_probs=probabilities(3)) if content is None else path.write_bytes(content)
    with refuses(RunFolderError, "damaged", "evidence.npz"):
        Evidence.read(path)


@pytest.mark.parametrize("name", ["index", "fold_names", "train_margin"])
def test_a_file_with_a_column_too_short_is_named(tmp_path: Path, name: str) -> None:
    some_evidence().write(tmp_path / "evidence.npz")
    with np.load(tmp_path / "evidence.npz") as arrays:
        np.savez(tmp_path / "short.npz", **{**arrays, name: arrays[name][1:]})
    with refuses(RunFolderError, "damaged", "short.npz"):
        Evidence.read(tmp_path / "short.npz")


def with_members(evidence: Evidence, weights: tuple[float, ...] = (0.25, 0.75)) -> Evidence:
    members = [
        Member(name=f"model-{number}", pred_probs=probabilities(len(evidence), seed=number), weight=weight)
        for number, weight in enumerate(weights)
    ]
    return replace(evidence, members=tuple(members))


def test_members_are_written_and_read_and_go_with_their_examples(tmp_path: Path) -> None:
    evidence, order = with_members(some_evidence()), np.array([4, 1, 7])
    evidence.write(tmp_path / "evidence.npz")
    with np.load(tmp_path / "evidence.npz") as arrays:
        assert arrays["opinion_names"].tolist() == ["model-0", "model-1"]
        assert arrays["opinion_probs"].shape == (2, 9, 3)
        assert arrays["opinion_weights"].tolist() == [0.25, 0.75]
    again = Evidence.read(tmp_path / "evidence.npz")[order]
    assert list(again.example_ids) == ["id-04", "id-01", "id-07"]
    np.testing.assert_array_equal(again.index, order)
    np.testing.assert_array_equal(again.pred_probs, evidence.pred_probs[order])
    for one, before in zip(again.members, evidence.members, strict=True):
        assert (one.name, one.weight) == (before.name, before.weight)
        np.testing.assert_array_equal(one.pred_probs, before.pred_probs[order])


@pytest.mark.parametrize("weights", [(1.0,), (0.5, 0.6), (-0.5, 1.5)])
def test_weights_that_are_no_shares_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="weights"):
        with_members(some_evidence(), weights)


def test_a_member_is_about_the_same_examples() -> None:
    with refuses(ProbabilitiesError, "rows-mismatch"):
        replace(some_evidence(), members=with_members(some_evidence(8)).members)


def test_large_evidence_that_is_written_is_no_longer_held_in_memory(tmp_path: Path, monkeypatch) -> None:
    evidence = with_members(replace(some_evidence(), train_probs=probabilities(9, seed=7).astype(np.float16)))
    evidence.write(tmp_path / "evidence.npz")
    small = evidence.mapped_from(tmp_path / "evidence.npz")
    assert small is evidence
    monkeypatch.setattr(evidence_module, "MAPPED_BYTES", 1)
    large = evidence.mapped_from(tmp_path / "evidence.npz")
    arrays = (large.pred_probs, large.train_probs, *(one.pred_probs for one in large.members))
    assert all(isinstance(array, np.memmap) for array in arrays)
    np.testing.assert_array_equal(large.pred_probs, evidence.pred_probs)
    np.testing.assert_array_equal(large.train_probs, evidence.train_probs)
    np.testing.assert_array_equal(large.members[1].pred_probs, evidence.members[1].pred_probs)
    np.testing.assert_array_equal(large[np.array([4, 1])].pred_probs, evidence.pred_probs[[4, 1]])
