"""Texts in sheets: which sheets are such, which columns are their text, and what becomes of odd ones."""

import pandas as pd
import pytest
from refusals import refuses

from data.reading import given, hint, load
from labelscan.config import DatasetConfig
from labelscan.data.inputs import Texts
from labelscan.data.readers import form
from labelscan.data.readers.labelled_rows import BY_ROW
from labelscan.errors import ConfigError


@pytest.fixture
def sheet(tmp_path):
    """Write the columns of a sheet, with labels beside them."""

    def made(name="reviews.csv", **columns):
        frame = pd.DataFrame({"label": ["good", "bad", "good", "bad"], **columns})
        if name.endswith(".parquet"):
            frame.to_parquet(tmp_path / name)
        elif name.endswith(".jsonl"):
            frame.to_json(tmp_path / name, orient="records", lines=True)
        else:
            frame.to_csv(tmp_path / name, sep="\t" if name.endswith(".tsv") else ",", index=False)
        return tmp_path / name

    return made


def texts(path, **config):
    dataset = load(path, **config)
    assert isinstance(dataset.inputs, Texts)
    return dataset.inputs.texts.tolist()


def form_of(path, **config):
    return form(DatasetConfig(data=str(path), **config))


SENTENCES = ("a fine film", "what a dull evening", "I would go again", "never again, sorry")


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.tsv", "reviews.jsonl", "reviews.parquet"])
def test_a_sheet_with_a_column_of_text_is_one_of_texts(sheet, name):
    dataset = load(sheet(name, text=SENTENCES))
    assert dataset.inputs.texts.tolist() == list(SENTENCES)
    assert dataset.example_ids.tolist() == ["0", "1", "2", "3"]
    assert given(dataset) == ["good", "bad", "good", "bad"]
    assert dataset.name == "reviews"
    assert dataset.path(0) == ""
    assert dataset.notes == ("columns: label from 'label', text from 'text'", BY_ROW)


def test_columns_with_a_role_and_splits_go_with_their_texts(sheet):
    path = sheet(review=SENTENCES, id=list("dcba"), split=["train", "test", "train", "train"])
    dataset = load(path, split="train")
    assert dataset.example_ids.tolist() == ["a", "b", "d"]
    assert dataset.inputs.texts.tolist() == [SENTENCES[3], SENTENCES[2], SENTENCES[0]]


@pytest.mark.parametrize("name", ["tweet_full", "utt", "Beschreibung"])
def test_the_only_column_is_text_by_what_it_holds(sheet, name):
    assert texts(sheet(**{name: SENTENCES, "id": list("abcd")})) == list(SENTENCES)


def test_text_without_spaces_is_text(sheet):
    chinese = ["这是一部很好看的电影", "我不喜欢这个故事情节", "演员的表演非常精彩", "浪费了我两个小时的时间"]
    assert texts(sheet(kommentar=chinese)) == chinese


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"title": SENTENCES, "body": SENTENCES[::-1]}, ["title", "body"]),
        ({"title": SENTENCES, "description": SENTENCES[::-1]}, ["title", "description"]),
        ({"title": SENTENCES}, ["title"]),
        ({"title": ["Mr", "Mrs", "Mr", "Mrs"], "text": SENTENCES}, ["text"]),
        ({"comment": SENTENCES[::-1], "text": SENTENCES}, ["text"]),
        ({"text": SENTENCES, "price": [1.5, 2, 3, 4]}, ["text"]),
    ],
)
def test_usual_columns_are_found_a_title_before_its_text(sheet, columns, found):
    path = sheet(**columns)
    assert texts(path)[0] == "\n\n".join(columns[name][0] for name in found)
    assert f"text from {' and '.join(map(repr, found))}" in load(path).notes[0]


@pytest.mark.parametrize(
    "columns",
    [
        {"title": ["Mr", "Mrs", "Mr", "Mrs"], "fare": [7, 8, 9, 5]},
        {"description": ["on sale", "sold out"] * 2, "price": [7, 8, 9, 5]},
        {"description": SENTENCES, "price": [7, 8, 9, 5]},
        {"remark": SENTENCES, "price": [7, 8, 9, 5]},
        {"when": ["2020-01-01 10:00 UTC", "2020-01-02 10:00 UTC", "2021-01-01 11:30 UTC", "2022-03-03 01:00 UTC"]},
        {"text": [1.5, 2.5, 3.5, 4.5], "x": [1, 2, 3, 4]},
        {"colour": ["red", "green", "blue", "yellow"]},
    ],
)
def test_a_sheet_of_categories_numbers_and_notes_beside_them_is_a_table(sheet, columns):
    assert form_of(sheet(**columns)) == "table"


def test_columns_that_are_named_are_taken_whatever_they_hold_in_their_order(sheet):
    path = sheet(word=["red", "green", "red", "green"], text=SENTENCES, price=[1, 2, 3, 4])
    assert texts(path, text_column=("word",)) == ["red", "green", "red", "green"]
    assert texts(path, text_column=("text", "word"))[0] == "a fine film\n\nred"
    assert texts(path, text_column=("price",)) == ["1", "2", "3", "4"]


def test_columns_that_are_not_used_are_named_and_excluded_text_leaves_a_table(sheet):
    path = sheet(text=SENTENCES, price=[1, 2, 3, 4], day=["mon", "tue", "mon", "tue"])
    note = "columns not used: price, day: name texts by --text-column, or judge a table by --exclude text"
    assert note in load(path).notes
    assert form_of(path, exclude=("te*",)) == "table"
    assert form_of(path, include=("price", "day")) == "table"
    assert form_of(path, include=("text",)) == "texts"


def test_named_text_beside_a_column_of_files_is_text(sheet):
    path = sheet(text=SENTENCES, file=list("abcd"))
    assert form_of(path) == "manifest"
    assert texts(path, text_column=("text",)) == list(SENTENCES)
    with refuses(ConfigError, "setting-without-effect"):
        load(path, text_column=("text",), path_column="file")


ODD = ["", "שלום עולם", "so good 👩\u200d👧", "a\0b c", "two\nlines", 'a "quoted" word', "é" * 10**6]


@pytest.mark.parametrize("text", ODD, ids=["empty", "Hebrew", "emoji", "NUL", "lines", "quotes", "a million letters"])
@pytest.mark.parametrize("name", ["reviews.csv", "reviews.jsonl"])
def test_odd_and_long_texts_are_read_as_they_are(sheet, text, name):
    assert texts(sheet(name, text=[text, *SENTENCES[1:]]))[0] == text


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "C'était un très bon film, déjà vu à la télé. Les acteurs sont excellents."),
        ("cp1250", "Żółty film, który polecam każdemu: gęślą jaźń, bardzo dobry, świetna gra."),
        ("cp1251", "Это очень хороший фильм, и я советую его всем своим друзьям."),
        ("cp932", "これは日本語の文章です。とても良い映画でした。"),
        ("gb18030", "这是中文文本,很好看的电影"),
    ],
)
def test_the_most_probable_encoding_is_named(tmp_path, encoding, words):
    (tmp_path / "t.csv").write_bytes(f"text,label\n{words},a\n".encode(encoding) * 2)
    assert f"--encoding {encoding}" in hint(tmp_path / "t.csv")


def test_the_label_column_is_needed_and_the_likely_one_proposed(sheet):
    path = sheet(text=SENTENCES)
    path.write_text(path.read_text().replace("label", "stars"))
    assert "--label-column stars" in hint(path)


def test_lists_beside_texts_are_left_alone(sheet):
    path = sheet("reviews.jsonl", text=SENTENCES, tags=[["a", "b"]] * 4)
    assert texts(path) == list(SENTENCES)
    assert load(path).notes[1].startswith("columns not used: tags:")


def test_a_column_called_sentiment_is_the_label_where_none_is_called_so(tmp_path):
    rows = "".join(f"a fine long book {row},{'good' if row % 2 else 'bad'}\n" for row in range(9))
    (tmp_path / "films.csv").write_text("review,sentiment\n" + rows)
    assert load(tmp_path / "films.csv").class_names == ("bad", "good")
