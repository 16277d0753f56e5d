"""The texts of a page: cut where they are too long for it, the words marked that speak for one of two classes.

The marks help to read, and are not what judged: the models of a run are gone when its report is made, and some are not
of words at all. For each pair of classes in question a logistic regression on TF-IDF of words is fitted to examples
whose labels look right. A word speaks for a class by its coefficient times its weight in the text.

Where a language writes no spaces between words, hardly any word occurs twice, and nothing is marked.
"""

import re
import string
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from labelscan.arrays import Strings
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import Texts
from labelscan.reporting.page import Piece, Record, ShownText, SpeaksFor
from labelscan.reporting.typical_examples import looks_right

MOST_CHARACTERS = 5_000
"""Characters of a text on a page; the rest is left out, and the page says so."""
TOTAL_BYTES = 3_200_000
"""The budget for all texts of a page: it leaves the rest of 5 MB to other content."""
LEAST_BYTES = 1_000
MOST_LEARNED = 10_000
"""The most examples from which the distinctive words are learned."""
MOST_WORDS = 5
"""How many words are marked for each of the two classes."""
LEAST_SHARE = 0.25
"""Words that speak less than this share of the strongest one of the text are not marked."""


def show_texts(
    dataset: Dataset,
    texts: Texts,
    shown: Sequence[Record],
    rows: Mapping[str, int],
    scores: pd.DataFrame,
    *,
    total_bytes: int = TOTAL_BYTES,
) -> Mapping[str, ShownText]:
    """Return by id the texts of the examples ``shown``; ``rows`` has their rows in the data set."""
    n_bytes = max(LEAST_BYTES, total_bytes // max(len(shown), 1))
    words = _learn_words(dataset, texts, shown, scores)
    made = {}
    for one in shown:
        text = texts.texts[rows[one["example_id"]]]
        beginning = _fitting(text[:MOST_CHARACTERS], n_bytes)
        pieces = words.pieces(beginning, given=one["given_label"], suggested=one["suggested_label"])
        made[one["example_id"]] = ShownText(pieces=pieces, n_left_out=len(text) - len(beginning))
    return made


class DistinctiveWords:
    """Finds distinctive words; a model of two classes is fitted when it is first asked for."""

    def __init__(self, texts: Strings, labels: Strings) -> None:
        """Learn the words of (N,) texts whose (N,) labels look right."""
        self._labels = labels
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=_word().pattern)
        try:
            self._rows = self._vectorizer.fit_transform(texts)
            self._names: list[str] = self._vectorizer.get_feature_names_out().tolist()
        except ValueError:  # no word occurs in two texts
            self._rows = None
        self._coefficients: dict[tuple[str, str], NDArray[np.float64]] = {}

    def pieces(self, text: str, *, given: str, suggested: str) -> tuple[Piece, ...]:
        """Return a text in pieces, those that are marked being words."""
        marks = self._marks(text, given, suggested)
        pieces: list[Piece] = []
        end = 0
        for word in _word().finditer(text) if marks else ():
            if mark := marks.get(word.group().lower()):
                pieces += [(text[end : word.start()], ""), (word.group(), mark)]
                end = word.end()
        return tuple(piece for piece in (*pieces, (text[end:], "")) if piece[0])

    def _marks(self, text: str, given: str, suggested: str) -> Mapping[str, SpeaksFor]:
        """Return the words to mark, in lower case."""
        coefficients = self._coefficients_of(given, suggested)
        if coefficients is None:
            return {}
        weights = self._vectorizer.transform([text])
        speaks = weights.data * coefficients[weights.indices]
        least = LEAST_SHARE * np.abs(speaks).max(initial=0.0)
        marks: dict[str, SpeaksFor] = {}
        sides: Sequence[tuple[SpeaksFor, NDArray[np.float64]]] = (("given", -speaks), ("suggested", speaks))
        for mark, towards in sides:
            best = np.argsort(-towards, kind="stable")[:MOST_WORDS]
            marks |= {self._names[weights.indices[place]]: mark for place in best if towards[place] > least}
        return marks

    def _coefficients_of(self, given: str, suggested: str) -> NDArray[np.float64] | None:
        """Return the coefficients of all words, positive for ``suggested``; None where a class has no examples."""
        pair = (given, suggested)
        if pair not in self._coefficients and self._rows is not None:
            rows = np.flatnonzero((self._labels == given) | (self._labels == suggested))
            is_suggested = self._labels[rows] == suggested
            if 0 < is_suggested.sum() < len(rows):
                # The dual is the fast way where words are more than rows: some milliseconds a pair. It takes rows in a
                # random order, for which the seed is fixed.
                options = {"solver": "liblinear", "dual": True, "tol": 0.01, "max_iter": 1000, "random_state": 0}
                model = LogisticRegression(C=10.0, class_weight="balanced", **options)
                self._coefficients[pair] = model.fit(self._rows[rows], is_suggested).coef_[0]
        return self._coefficients.get(pair)


def _fitting(text: str, n_bytes: int) -> str:
    """Return as much of a text as fits into a number of bytes of the page, whose JSON escapes all but plain ASCII."""
    plain = set(string.printable) - set('<>&"\\\n\r\t\v\f')
    taken = np.cumsum([1 if one in plain else 6 if one <= "\uffff" else 12 for one in text])
    return text[: int(np.searchsorted(taken, n_bytes, side="right"))]


def _learn_words(dataset: Dataset, texts: Texts, shown: Sequence[Record], scores: pd.DataFrame) -> DistinctiveWords:
    """Return what tells the classes in question apart, learned from evenly spaced examples of each."""
    classes = {one[name] for one in shown for name in ("given_label", "suggested_label")}
    most = -(-MOST_LEARNED // max(len(classes), 1))
    candidates = scores[looks_right(scores) & scores["given_label"].isin(classes).to_numpy()]
    chosen = [group.iloc[:: -(-len(group) // most)] for _, group in candidates.groupby("given_label", sort=True)]
    learned = pd.concat(chosen) if chosen else candidates
    places = pd.Index(dataset.example_ids, dtype=object).get_indexer(pd.Index(learned["example_id"], dtype=object))
    beginnings = np.array([text[:MOST_CHARACTERS] for text in texts.texts[places]], dtype=object)
    return DistinctiveWords(beginnings, learned["given_label"].to_numpy(dtype=object))


@cache
def _word() -> re.Pattern[str]:
    """Return the pattern of a word: scikit-learn's, which would tear words at accents and vowel signs of their own."""
    marks = "".join(filter(lambda one: unicodedata.category(one)[0] == "M", map(chr, range(sys.maxunicode + 1))))
    return re.compile(rf"\w[\w{marks}]+")
