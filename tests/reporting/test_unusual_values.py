"""What stands out in the row of a table."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from labelscan.data.inputs import ColumnTable, FeatureTable
from labelscan.reporting.unusual_values import MOST_NOTES, UnusualValues, as_words


@pytest.fixture
def frame():
    """Make 200 customers in two classes, of whom the first of each hundred is odd in a column or two."""
    n = 200
    second = np.arange(n) >= 100
    days = pd.to_timedelta(np.arange(n) % 20 + 300 * second, unit="D")
    return pd.DataFrame(
        {
            "age": np.where(np.arange(n) % 10 == 5, np.nan, np.arange(n) % 7 + 30.0 + 20 * second),
            "since": pd.Timestamp("2020-01-01") + days,
            "city": pd.Series(np.where(second, "Kano", "Lagos"), dtype=object),
            "member": second,
            "name": pd.Series([f"customer {row}" for row in range(n)], dtype=object),
            "constant": 1.0,
        }
    )


def notes_of(frame, row=0, *, given=0, suggested=1):
    labels = (np.arange(len(frame)) >= 100).astype(np.int64)
    return {
        note.name: note
        for note in UnusualValues(ColumnTable(frame), labels).notes(row, given=given, suggested=suggested)
    }


@pytest.mark.parametrize("kind", [object, "category"])
def test_a_rare_category_is_counted_in_both_classes(frame, kind):
    frame["city"] = frame["city"].astype(kind)
    frame.loc[0, "city"] = "Kano"
    frame.loc[0, "member"] = True
    notes = notes_of(frame)
    assert next(iter(notes)) in ("city", "member")
    city = notes["city"]
    assert (city.value, city.usual, city.usual_of_suggested) == ("Kano", "1 % have it", "100 % have it")
    assert city.deviations == pytest.approx(2.576, abs=0.01), "one in a hundred"
    assert notes["member"].value == "true"
    assert notes_of(frame, row=1)["city"].deviations == 0, "what all others have"


def test_a_date_is_measured_and_shown_as_a_date(frame):
    frame.loc[0, "since"] = pd.Timestamp("2020-11-05")
    since = notes_of(frame)["since"]
    assert (since.value, since.usual, since.usual_of_suggested) == ("2020-11-05", "2020-01-11", "2020-11-05")
    assert since.deviations > 10


def test_an_infinite_number_stands_out_most_and_is_not_what_is_usual(frame):
    frame["ratio"] = np.arange(200) % 5 + 1.0
    frame.loc[[0, *range(40, 100)], "ratio"] = [np.inf, *[-np.inf] * 60]
    notes = notes_of(frame)
    assert next(iter(notes)) == "ratio"
    assert (notes["ratio"].value, notes["ratio"].usual) == ("inf", 3.0)
    assert json.dumps([dataclasses.asdict(one) for one in notes.values()], allow_nan=False)


def test_a_missing_value_stands_out_where_few_are_missing(frame):
    frame.loc[0, ["age", "since", "city"]] = [np.nan, pd.NaT, None]
    notes = notes_of(frame)
    assert {notes[name].value for name in ("age", "since", "city")} == {"missing"}
    assert notes["age"].usual == 33
    assert notes["since"].deviations > notes["age"].deviations > 1, "one of a hundred, eleven of a hundred"
    frame["age"] = np.nan
    assert notes_of(frame)["age"].usual == "missing"
    assert notes_of(frame)["age"].deviations == 0


def test_a_column_of_names_or_of_one_value_says_nothing(frame):
    assert "name" not in notes_of(frame)
    assert "constant" not in notes_of(frame)


def test_the_strangest_come_first_and_no_more_than_can_be_read(frame):
    for number in range(10):
        frame[f"more {number}"] = np.arange(200.0) % 5
    frame.loc[0, "more 3"] = 1000.0
    frame.loc[0, "more 7"] = -99.0
    notes = notes_of(frame)
    assert list(notes)[:2] == ["more 3", "more 7"]
    assert len(notes) == MOST_NOTES


def test_a_cell_is_put_into_words():
    cells = [np.nan, None, pd.NaT, np.True_, pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-02 03:04"), 0.1 + 0.2]
    words = ["missing", "missing", "missing", "true", "2020-01-02", "2020-01-02 03:04:00", "0.3"]
    assert [as_words(cell) for cell in cells] == words
    assert as_words("a\nb") == "a b"
    assert len(as_words("word " * 1000)) < 130


def test_a_value_is_measured_against_its_class_in_robust_deviations():
    generator = np.random.default_rng(0)
    features = generator.normal(0, 2, (2000, 2)).astype(np.float32)
    features[1000:] += 10
    features[:200] = 1e6  # a tenth of the class is nonsense, and what is usual hardly moves
    features[999] = [0.0, 9.9]
    labels = np.repeat([0, 1], 1000)
    unusual = UnusualValues(FeatureTable(features, ("petal", "sepal")), labels)
    assert unusual.cells(999) == (("petal", "0"), ("sepal", "9.9"))
    note, usual = unusual.notes(999, given=0, suggested=1)
    assert (note.name, note.value) == ("sepal", 9.9)
    assert usual.name == "petal"
    assert abs(usual.deviations) < 1
    assert note.usual == pytest.approx(0.6, abs=0.4)
    assert note.usual_of_suggested == pytest.approx(10, abs=0.3)
    assert note.deviations == pytest.approx((9.9 - note.usual) / 2, rel=0.4)


def test_values_that_nearly_all_share_are_measured_too_and_constant_ones_are_left_out():
    features = np.zeros((100, 2), dtype=np.float32)
    features[7, 0] = -1
    unusual = UnusualValues(FeatureTable(features), np.zeros(100, dtype=np.int64))
    (note,), (other,) = (unusual.notes(row, given=0, suggested=0) for row in (7, 8))
    assert note.deviations < -10
    assert (note.name, other.name, other.deviations) == ("feature 0", "feature 0", 0)
    assert unusual.cells(7) == ()
