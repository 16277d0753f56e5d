"""The texts of a page: cut where they are too long for it, the words marked that speak for one of two classes."""

import string
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from labelscan.data.dataset import Dataset
from labelscan.data.inputs import Texts
from labelscan.reporting.distinctive_words import DistinctiveWords
from labelscan.reporting.page import Record, ShownText
from labelscan.reporting.typical_examples import looks_right

MOST_CHARACTERS = 5_000
"""Characters of a text on a page; the rest is left out, and the page says so."""
TOTAL_BYTES = 3_200_000
"""The budget for all texts of a page: it leaves the rest of 5 MB to other content."""
LEAST_BYTES = 1_000
MOST_LEARNED = 10_000
"""The most examples from which the distinctive words are learned."""


def show_texts(
    dataset: Dataset, texts: Texts, shown: Sequence[Record], rows: Mapping[str, int], scores: pd.DataFrame
) -> Mapping[str, ShownText]:
    """Return by id the texts of the examples ``shown``; ``rows`` has their rows in the data set."""
    n_bytes = max(LEAST_BYTES, TOTAL_BYTES // max(len(shown), 1))
    words = _learn_words(dataset, texts, shown, scores)
    made = {}
    for one in shown:
        text = texts.texts[rows[one["example_id"]]]
        beginning = _fitting(text[:MOST_CHARACTERS], n_bytes)
        pieces = words.pieces(beginning, given=one["given_label"], suggested=one["suggested_label"])
        made[one["example_id"]] = ShownText(pieces=pieces, n_left_out=len(text) - len(beginning))
    return made


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
