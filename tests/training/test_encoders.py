"""Encoders learn from the training rows alone, and know nothing of those that a fold holds out."""

import pickle

import numpy as np
import pandas as pd
import pytest
from tiny_texts import draw_columns, draw_texts

from labelscan.arrays import as_strings
from labelscan.data.inputs import ColumnTable
from labelscan.data.stored_rows import StoredRows, write_rows
from labelscan.training.encoders import FoldEncoder
from labelscan.training.encoders.columns import make_for_networks, make_for_trees
from labelscan.training.encoders.tfidf import TfidfEncoder, make_word_counts

TEXTS = as_strings(draw_texts(60)[0])
FRAME = draw_columns(60)[0]
ENCODERS = [(TfidfEncoder, TEXTS), (make_word_counts, TEXTS), (make_for_trees, FRAME), (make_for_networks, FRAME)]


def rows_of(rows, index):
    return rows.iloc[index].reset_index(drop=True) if isinstance(rows, pd.DataFrame) else rows[index]


def dense(matrix):
    return matrix.toarray() if hasattr(matrix, "toarray") else pd.DataFrame(matrix).to_numpy(dtype=object)


@pytest.mark.parametrize(("make", "rows"), ENCODERS)
def test_an_encoder_gives_a_row_an_example_the_same_whatever_rows_come_with_it(make, rows):
    first, second = pickle.loads(pickle.dumps(make))(), make()
    trained = first.fit_transform(rows_of(rows, np.arange(50)))
    assert trained.shape[0] == 50
    second.fit_transform(rows_of(rows, np.arange(50)))
    both, alone = first.transform(rows_of(rows, np.array([50, 55]))), second.transform(rows_of(rows, np.array([55])))
    pd.testing.assert_series_equal(pd.Series(dense(both)[1]), pd.Series(dense(alone)[0]))


def test_a_word_that_only_held_out_texts_have_is_unknown():
    encoder = TfidfEncoder()
    encoder.fit_transform(as_strings(["red red", "blue"]))
    assert encoder.transform(as_strings(["zzzz"])).nnz == 0


@pytest.mark.parametrize(
    "texts", [["😀", "😡", "😀😀"], ["a", "b", "a b"], ["!!!", "???", "!?"], ["好", "坏", "好 坏"]]
)
@pytest.mark.parametrize("make", [TfidfEncoder, make_word_counts])
def test_texts_without_a_word_are_distinguished_by_their_characters(make, texts):
    encoder = make()
    rows = dense(encoder.fit_transform(as_strings(texts)))
    assert len(np.unique(rows, axis=0)) == 3
    np.testing.assert_array_equal(dense(encoder.transform(as_strings(texts))), rows)
    assert np.isfinite(dense(encoder.transform(as_strings(["a word"])))).all()


def test_words_and_pieces_of_any_script_count():
    matrix = TfidfEncoder().fit_transform(as_strings(["ọjà àgbáyé", "ọjàgbé", "שלום עולם", "你好世界 再见"]))
    assert (matrix.getnnz(axis=1) > 0).all()
    assert (matrix[0] @ matrix[1].T).toarray()[0, 0] > 0  # they share pieces, and no word


def test_networks_get_finite_numbers_and_learn_where_one_was_missing():
    encoded = np.asarray(make_for_networks().fit_transform(FRAME), dtype=np.float64)
    assert np.isfinite(encoded).all()
    assert np.abs(encoded).max() < 10
    missing = FRAME["weight"].isna().to_numpy()
    tells = [column for column in encoded.T if len(np.unique(column)) == 2 and len(np.unique(column[missing])) == 1]
    assert any(len(np.unique(column[~missing])) == 1 for column in tells)


@pytest.mark.parametrize("make", [make_for_networks, make_for_trees])
def test_columns_without_a_value_among_the_training_rows_leave_something_to_fit(make):
    frame = pd.DataFrame({"weight": [np.nan, np.nan, 3.5], "word": pd.Series([None, None, "red"], dtype="str")})
    encoder = make()
    trained = encoder.fit_transform(frame.iloc[:2])
    assert trained.shape[1] >= 2
    assert encoder.transform(frame.iloc[2:]).shape == (1, trained.shape[1])


def test_an_outlier_does_not_squeeze_all_others_together():
    values = np.r_[np.linspace(0, 1, 99), 1e12]
    encoded = np.asarray(make_for_networks().fit_transform(pd.DataFrame({"price": values})))[:, 0]
    assert np.ptp(encoded[:99]) > 0.5


def test_trees_get_gaps_as_gaps_and_categories_as_categories():
    encoded = make_for_trees().fit_transform(FRAME)
    assert encoded["weight"].isna().sum() == FRAME["weight"].isna().sum()
    assert isinstance(encoded["shop"].dtype, pd.CategoricalDtype)


def test_a_category_that_only_held_out_rows_have_is_no_error():
    encoder = make_for_networks()
    train = pd.DataFrame({"shop": ["a", "b", "a", "c"]}, dtype=object)
    encoder.fit_transform(train)
    assert np.isfinite(np.asarray(encoder.transform(pd.DataFrame({"shop": ["new", None]}, dtype=object)))).all()


def test_very_many_texts_are_distinguished_by_hashes_of_their_words():
    few, many = TfidfEncoder().fit_transform(TEXTS), TfidfEncoder(most_characters=100)
    matrix = many.fit_transform(TEXTS)
    assert 2 * matrix.nnz < few.nnz
    assert matrix.shape == (len(TEXTS), 2**18)
    np.testing.assert_allclose(matrix.multiply(matrix).sum(axis=1), 1, rtol=1e-5)
    assert (many.transform(TEXTS[:3]) != matrix[:3]).nnz == 0


@pytest.fixture
def stored(tmp_path):
    write_rows(ColumnTable(FRAME), tmp_path / "rows.arrow")
    return StoredRows(tmp_path / "rows.arrow")


def encode_fold(make, stored, **sizes):
    """Return the first 50 rows as the training rows of a fold, and the others, encoded."""
    np.random.seed(0)  # as a fold does: text with many values is projected at random
    encoder = FoldEncoder(make, stored, **sizes)
    return encoder.fit(np.arange(50)), encoder.encode(np.arange(50, len(stored)))


@pytest.mark.parametrize("make", [make_for_trees, make_for_networks])
def test_a_large_table_is_encoded_part_by_part_with_the_same_result(make, stored, monkeypatch):
    whole, taken = encode_fold(make, stored), []
    monkeypatch.setattr(stored, "take", lambda index: (taken.append(len(index)), StoredRows.take(stored, index))[1])
    for parts, expected in zip(encode_fold(make, stored, part=7), whole, strict=True):
        if isinstance(expected, pd.DataFrame):
            pd.testing.assert_frame_equal(parts, expected, rtol=1e-4)
        else:
            np.testing.assert_allclose(parts, expected, rtol=1e-4, atol=1e-5)
    assert sorted(taken, reverse=True) == [50, *[7] * 8, 3, 1]


@pytest.mark.parametrize("make", [make_for_trees, make_for_networks])
def test_an_encoder_is_fitted_to_some_rows_of_a_large_table(make, stored):
    train, held_out = encode_fold(make, stored, part=7, most_fitted=10)
    assert (len(train), len(held_out)) == (50, len(FRAME) - 50)
    if isinstance(train, pd.DataFrame):  # a shop that is among none of the ten is a gap
        assert set(train["shop"].dtype.categories) <= set(FRAME["shop"][np.linspace(0, 49, 10).astype(int)])
        assert train["shop"].isna().sum() > 0
        assert held_out["shop"].dtype == train["shop"].dtype
