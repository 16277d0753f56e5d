"""Frames and texts in memory, from detect to a join of the results: ids lead back to rows, and pipelines get theirs."""

from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
from refusals import refuses
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import labelscan

FAST = labelscan.settings(epochs=2, folds=2)
N = 60


def frame():
    """Return rows of two kinds, of which the first is labelled wrongly."""
    random = np.random.default_rng(0)
    kind = np.arange(N) % 2
    table = pd.DataFrame(
        {
            "width": kind * 4 + random.normal(size=N),
            "colour": np.where(kind, "red", "blue"),
            "label": np.where(kind, "b", "a"),
        }
    )
    table.loc[0, "label"] = "b"
    table.loc[5, "width"] = np.nan
    return table


@pytest.fixture(scope="module")
def trees():
    return make_pipeline(
        make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=2),
    )


INDEXES = {
    "row numbers": pd.RangeIndex(N),
    "numbers": pd.RangeIndex(1000, 1000 + 7 * N, 7)[::-1],
    "names": pd.Index([f"row {row}" for row in range(N)]),
    "days": pd.date_range("2020-01-01", periods=N),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_what_is_flagged_is_found_and_joined_by_the_index(index, trees, tmp_path):
    table = frame().set_axis(index)
    run = labelscan.detect(table, label="label", model=trees, settings=FAST, output=tmp_path / "run")
    ids = run.issues.flagged["example_id"].astype(table.index.dtype)
    assert table.loc[ids].iloc[0].equals(table.iloc[0])
    scores = run.issues.scores.set_index(run.issues.scores["example_id"].astype(table.index.dtype))
    joined = table.join(scores["given_label"])
    assert len(joined) == N
    assert joined["label"].tolist() == joined["given_label"].tolist()


def test_a_frame_of_polars_is_joined_by_its_row_numbers(trees, tmp_path):
    table = pl.from_pandas(frame())
    run = labelscan.detect(table, label="label", model=trees, settings=FAST, output=tmp_path / "run")
    scores = pl.from_pandas(run.issues.scores).with_columns(pl.col("example_id").cast(pl.UInt32))
    joined = table.with_row_index("example_id").join(scores, on="example_id", maintain_order="left")
    assert joined["label"].to_list() == joined["given_label"].to_list()
    assert joined.filter("flagged")["example_id"].to_list()[0] == 0


def test_a_mixed_frame_is_judged_by_default(tmp_path):
    table = frame().assign(day=pd.date_range("2020-01-01", periods=N)[::-1])
    run = labelscan.detect(table, settings=FAST, output=tmp_path / "run")
    assert run.issues.scores["status"].eq("scored").all()
    assert run.issues.scores["example_id"].iloc[0] == "0"


def test_a_frame_can_be_planned_and_benchmarked(trees, tmp_path):
    assert labelscan.plan(frame(), label="label", settings=FAST).plan.dataset.class_names == ("a", "b")
    settings = labelscan.settings(folds=2)
    board = labelscan.benchmark(
        frame(), label="label", noises=["symmetric:0.2"], model=trees, settings=settings, n_seeds=1, output=tmp_path
    )
    assert len(board.table)


class Remembers:
    """A classifier that keeps what kind of rows it was given."""

    seen: ClassVar = []

    def fit(self, x, y):
        self.seen.append(x)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x):
        self.seen.append(x)
        return np.full((len(x), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize("kind", ["numbers", "texts", "gaps"])
def test_a_classifier_gets_rows_as_they_came(kind, tmp_path):
    Remembers.seen.clear()
    table = frame()
    data = {
        "numbers": table[["width"]].fillna(0),
        "texts": [f"{one} {row}" for row, one in enumerate(table["colour"])],
        "gaps": table[["width"]].values,
    }
    settings = labelscan.settings(folds=2, overrides=["executor.processes=1"])
    labelscan.detect(data[kind], table["label"], model=Remembers(), settings=settings, output=tmp_path / "run")
    assert len(Remembers.seen) == 4
    for rows in Remembers.seen:
        if kind == "numbers":
            assert isinstance(rows, pd.DataFrame)
            assert list(rows) == ["width"]
        elif kind == "texts":
            assert rows.dtype == object
            assert all(text.startswith(("red ", "blue ")) for text in rows)
        else:
            assert rows.shape[1:] == (1,)
    if kind == "gaps":
        assert (
            sum(np.isnan(rows).sum() for rows in Remembers.seen) == 2
        )  # trained on in one fold, held out in the other


def test_a_pipeline_of_texts_is_a_member(tmp_path):
    texts = [f"{'red sun' if row % 2 else 'blue sea'} {row}" for row in range(N)]
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    run = labelscan.detect(texts, frame()["label"].tolist(), model=pipeline, settings=FAST, output=tmp_path / "run")
    assert run.issues.flagged["example_id"].tolist() == ["0"]


def test_a_classifier_that_takes_no_gaps_says_so(tmp_path):
    values = frame()[["width"]].to_numpy()
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    with refuses(labelscan.RunError, "job-failed"):
        labelscan.detect(values, frame()["label"].tolist(), model=linear, settings=FAST, output=tmp_path / "run")
