"""The texts of a page, which share its room, and the words that are marked in them."""

import json

import numpy as np
import pandas as pd
import pytest
from tiny_texts import text_dataset

from labelscan.arrays import as_strings
from labelscan.reporting.shown_texts import MOST_WORDS, DistinctiveWords, show_texts


@pytest.mark.parametrize("character", ["a", "<", "\n", "\x01", "\u00e9", "\u4f60", "\U0001f600"])
def test_a_text_takes_no_more_than_its_share_of_the_page_whatever_its_characters(character):
    dataset = text_dataset([f"a{character * 4000}", "b"], ["x", "y"])
    pair = [{"example_id": one, "given_label": "x", "suggested_label": "y"} for one in "01"]
    scores = pd.DataFrame(pair).assign(self_confidence=0.9, error_probability=0.1, flagged=False)
    shown = show_texts(dataset, dataset.inputs, pair, {"0": 0, "1": 1}, scores, total_bytes=8000)["0"]
    n_bytes = len(json.dumps(str(shown)).replace("<", "\\u003c")) - len('""')
    assert 500 < n_bytes <= 4000
    assert len(str(shown)) + shown.n_left_out == 4001


@pytest.fixture(scope="module")
def words():
    """Learn from reviews that are good or bad by one word each, and from news."""
    generator = np.random.default_rng(0)
    filler = ["the", "film", "was", "shown", "in", "town", "on", "a", "day", "with", "rain"]
    distinctive = {"good": ["lovely", "warm"], "bad": ["dull", "ẹ́jọ́"], "news": ["minister", "budget"]}
    labels = as_strings([name for name in distinctive for _ in range(40)])
    texts = as_strings(
        [" ".join([*generator.permutation(filler)[:6], generator.choice(distinctive[name])]) for name in labels]
    )
    return DistinctiveWords(texts, labels)


def test_words_speak_for_the_class_in_whose_texts_they_are_found(words):
    text = "A LOVELY film\n\nthat some called dull."
    expected = [("A ", ""), ("LOVELY", "given"), (" film\n\nthat some called ", ""), ("dull", "suggested"), (".", "")]
    assert list(words.pieces(text, given="good", suggested="bad")) == expected
    swapped = words.pieces(text, given="bad", suggested="good")
    assert {piece: mark for piece, mark in swapped if mark} == {"LOVELY": "suggested", "dull": "given"}
    assert {mark for _, mark in words.pieces(text, given="news", suggested="good")} == {"", "suggested"}


def test_pieces_join_to_the_text_whatever_it_is(words):
    for text in ("", "dull", "🎉 lovely 🎉 שלום", "İstanbul dull\r\n", "<b>lovely</b>", " "):
        pieces = words.pieces(text, given="good", suggested="bad")
        assert "".join(piece for piece, _ in pieces) == text
        assert all(piece for piece, _ in pieces)


def test_a_word_keeps_accents_that_are_characters_of_their_own(words):
    pieces = words.pieces("o ẹ́jọ́ o", given="good", suggested="bad")
    assert ("ẹ́jọ́", "suggested") in pieces


def test_no_more_words_are_marked_than_a_reader_takes_in():
    many = [f"word{number}" for number in range(30)]
    texts = as_strings([" ".join(many if row % 2 else ["other", "words"]) for row in range(20)])
    pieces = DistinctiveWords(texts, as_strings(["ab"[row % 2] for row in range(20)])).pieces(
        " ".join(many), given="a", suggested="b"
    )
    assert sum(mark == "suggested" for _, mark in pieces) == MOST_WORDS


@pytest.mark.parametrize(
    ("texts", "labels"),
    [([], []), (["没有空格的文字", "另外一句话"], ["a", "b"]), (["one word", "one word"], ["a", "a"])],
)
def test_nothing_is_marked_where_nothing_can_be_learned(texts, labels):
    words = DistinctiveWords(as_strings(texts), as_strings(labels))
    assert words.pieces("one word 没有空格的文字", given="a", suggested="b") == (("one word 没有空格的文字", ""),)
