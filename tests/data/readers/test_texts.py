"""Texts in sheets: which sheets are such, which columns are their text, and what becomes of odd ones."""

import json

import pandas as pd
import pytest
from refusals import refuses

from labelscan.config import DatasetConfig
from labelscan.data.inputs import Texts
from labelscan.data.readers import form, read
from labelscan.data.readers.labelled_rows import BY_ROW
from labelscan.errors import ConfigError, DatasetError

SENTENCES = ("a fine film", "what a dull evening", "I would go again", "never again, sorry")


def write(folder, name="reviews.csv", **columns):
    columns.setdefault("label", ["good", "bad", "good", "bad"])
    frame = pd.DataFrame(columns)
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".jsonl"):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in frame.to_dict("records")), encoding="utf-8")
    else:
        frame.to_csv(path, sep="\t" if name.endswith(".tsv") else ",", index=False)
    return path


def load(path, **config):
    return read(DatasetConfig(data=str(path), **config))


def form_of(path, **config):
    return form(DatasetConfig(data=str(path), **config))


def texts(path, **config):
    dataset = load(path, **config)
    assert isinstance(dataset.inputs, Texts)
    return dataset.inputs.texts.tolist()


def refused(path, **config):
    with pytest.raises(DatasetError) as caught:
        load(path, **config)
    return str(caught.value)


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.tsv", "reviews.jsonl", "reviews.parquet"])
def test_a_sheet_with_a_column_of_text_is_one_of_texts(tmp_path, name):
    dataset = load(write(tmp_path, name, text=SENTENCES))
    assert dataset.inputs.texts.tolist() == list(SENTENCES)
    assert dataset.example_ids.tolist() == ["0", "1", "2", "3"]
    assert [dataset.class_names[label] for label in dataset.given_labels] == ["good", "bad", "good", "bad"]
    assert dataset.name == "reviews"
    assert dataset.path(0) == ""
    assert dataset.notes == ("columns: label from 'label', text from 'text'", BY_ROW)


def test_columns_with_a_role_and_splits_go_with_their_texts(tmp_path):
    path = write(tmp_path, review=SENTENCES, id=list("dcba"), split=["train", "test", "train", "train"])
    dataset = load(path, split="train")
    assert dataset.example_ids.tolist() == ["a", "b", "d"]
    assert dataset.inputs.texts.tolist() == [SENTENCES[3], SENTENCES[2], SENTENCES[0]]


@pytest.mark.parametrize("name", ["tweet_full", "utt", "Beschreibung"])
def test_the_only_column_is_text_by_what_it_holds(tmp_path, name):
    assert texts(write(tmp_path, **{name: SENTENCES, "id": list("abcd")})) == list(SENTENCES)


def test_text_without_spaces_is_text(tmp_path):
    chinese = ["这是一部很好看的电影", "我不喜欢这个故事情节", "演员的表演非常精彩", "浪费了我两个小时的时间"]
    assert texts(write(tmp_path, kommentar=chinese)) == chinese


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
def test_usual_columns_are_found_a_title_before_its_text(tmp_path, columns, found):
    path = write(tmp_path, **columns)
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
def test_a_sheet_of_categories_numbers_and_notes_beside_them_is_a_table(tmp_path, columns):
    assert form_of(write(tmp_path, **columns)) == "table"


def test_columns_that_are_named_are_taken_whatever_they_hold_in_their_order(tmp_path):
    path = write(tmp_path, word=["red", "green", "red", "green"], text=SENTENCES, price=[1, 2, 3, 4])
    assert texts(path, text_column=("word",)) == ["red", "green", "red", "green"]
    assert texts(path, text_column=("text", "word"))[0] == "a fine film\n\nred"
    assert "no text column called 'txt'" in refused(path, text_column=("txt",))
    assert "did you mean 'text'?" in refused(path, text_column=("txt",))
    assert texts(path, text_column=("price",)) == ["1", "2", "3", "4"]


def test_columns_that_are_not_used_are_named_and_excluded_text_leaves_a_table(tmp_path):
    path = write(tmp_path, text=SENTENCES, price=[1, 2, 3, 4], day=["mon", "tue", "mon", "tue"])
    note = "columns not used: price, day: name texts by --text-column, or judge a table by --exclude text"
    assert note in load(path).notes
    assert form_of(path, exclude=("te*",)) == "table"
    assert form_of(path, include=("price", "day")) == "table"
    assert form_of(path, include=("text",)) == "texts"


def test_two_usual_columns_are_an_error_not_a_guess(tmp_path):
    path = write(tmp_path, sentence=SENTENCES, comment=SENTENCES[::-1])
    message = refused(path)
    assert "'sentence' and 'comment' could both be the text" in message
    assert "--text-column" in message
    assert texts(path, text_column=("comment",)) == list(SENTENCES[::-1])


def test_named_text_beside_a_column_of_files_is_text(tmp_path):
    path = write(tmp_path, text=SENTENCES, file=list("abcd"))
    assert form_of(path) == "manifest"
    assert texts(path, text_column=("text",)) == list(SENTENCES)
    with refuses(ConfigError, "setting-without-effect"):
        load(path, text_column=("text",), path_column="file")


def test_empty_texts_keep_their_rows_and_empty_labels_are_refused(tmp_path):
    assert texts(write(tmp_path, text=["one two", "", "three four", "five six"]))[1] == ""
    assert "row 3: 'label' is empty" in refused(write(tmp_path, text=SENTENCES, label=["a", "", "b", "a"]))


ODD = ["שלום עולם", "so good 👩\u200d👧", "a\0b c", "two\nlines", 'a "quoted" word', "é" * 10**6]


@pytest.mark.parametrize("text", ODD, ids=["Hebrew", "emoji", "NUL", "lines", "quotes", "a million letters"])
@pytest.mark.parametrize("name", ["reviews.csv", "reviews.jsonl", "reviews.parquet"])
def test_odd_and_long_texts_are_read_as_they_are(tmp_path, text, name):
    assert texts(write(tmp_path, name, text=[text, *SENTENCES[1:]]))[0] == text


def test_half_a_surrogate_pair_is_reported_with_its_row_and_not_whole(tmp_path):
    path = write(tmp_path, "reviews.jsonl", text=SENTENCES)
    path.write_text(path.read_text().replace("a fine film", "\\ud800" + "film " * 10_000))
    message = refused(path)
    assert "reviews.jsonl row 1: the text '\\ud800film" in message
    assert len(message) < 1000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, encoding):
    path = write(tmp_path, text=["schöner Film 👍", *SENTENCES[1:]])
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert texts(path)[0] == "schöner Film 👍"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "gb18030"])
def test_utf_8_is_not_read_in_another_encoding(tmp_path, encoding):
    path = tmp_path / "films.csv"
    path.write_text("text,label\nein schöner Film,good\nkein guter,bad\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=f"films.csv: this is UTF-8, not {encoding}; hint: leave --encoding out"):
        texts(path, encoding=encoding)
    path.write_text("text,label\nein guter Film,good\nkein guter,bad\n", encoding="ascii")
    assert texts(path, encoding=encoding)[0] == "ein guter Film"


def test_another_encoding_is_named_and_read_only_when_it_is_asked_for(tmp_path):
    path = write(tmp_path, text=["ein schöner Film, für Groß und Klein", *SENTENCES[1:]])
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    message = refused(path)
    assert "reviews.csv row 2: not UTF-8: byte 0xf6" in message
    assert "it looks like cp1252: give --encoding cp1252" in message
    assert texts(path, encoding="cp1252")[0] == "ein schöner Film, für Groß und Klein"
    assert "reviews.csv: not ascii" in refused(path, encoding="ascii")


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
    assert f"give --encoding {encoding}" in refused(tmp_path / "t.csv")


def test_the_label_column_is_needed_and_the_likely_one_proposed(tmp_path):
    path = write(tmp_path, text=SENTENCES, label=["x"] * 4)
    path.write_text(path.read_text().replace("label", "stars").replace(",x", ",good", 2))
    assert "hint: perhaps --label-column stars" in refused(path)


@pytest.mark.slow
def test_a_hundred_thousand_texts_are_read_in_seconds(tmp_path):
    import time

    words = [f"word{number}" for number in range(100)]
    rows = (" ".join([str(row), *words]) for row in range(100_000))
    pd.DataFrame({"text": rows, "label": ["a", "b"] * 50_000}).to_csv(tmp_path / "t.csv", index=False)
    started = time.monotonic()
    assert len(load(tmp_path / "t.csv")) == 100_000
    assert time.monotonic() - started < 15


def test_lists_beside_texts_are_left_alone(tmp_path):
    rows = [{"text": text, "label": label, "tags": ["a", label]} for text, label in zip(SENTENCES, "abab", strict=True)]
    (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    dataset = load(tmp_path / "t.jsonl")
    assert dataset.inputs.texts.tolist() == list(SENTENCES)
    assert dataset.notes[1].startswith("columns not used: tags:")


def test_where_no_label_is_found_the_text_is_among_the_columns_there_are(tmp_path):
    (tmp_path / "odd.csv").write_text(
        "text,p,q\n" + "".join(f"a fine long book {row},{row},{row}\n" for row in range(9))
    )
    with refuses(DatasetError, "no-column"):
        read(DatasetConfig(data=str(tmp_path / "odd.csv")))


def test_a_column_called_sentiment_is_the_label_where_none_is_called_so(tmp_path):
    rows = "".join(f"a fine long book {row},{'good' if row % 2 else 'bad'}\n" for row in range(9))
    (tmp_path / "films.csv").write_text("review,sentiment\n" + rows)
    assert read(DatasetConfig(data=str(tmp_path / "films.csv"))).class_names == ("bad", "good")


def test_a_file_of_features_alone_says_how_to_name_it(tmp_path):
    (tmp_path / "rows.npy").write_bytes(b"")
    with refuses(DatasetError, "not-a-data-set"):
        read(DatasetConfig(data=str(tmp_path / "rows.npy")))
