"""Short made-up reviews of three kinds of things, and a messy table, each with a few labels that are wrong."""

import numpy as np
import pandas as pd
import pytest

from labelscan.arrays import as_strings
from labelscan.data.dataset import make_dataset
from labelscan.data.inputs import ColumnTable, Texts

KINDS = {
    "book": "author chapter novel page reader plot cover story prose ending",
    "film": "actor camera scene director screen music cast sequel cut trailer",
    "meal": "soup waiter dessert sauce plate cook spicy table bread menu",
}
SHARED = "the a very good bad long this was we really liked not it and but quite"
WRONG = (3, 40, 77, 110, 131)
"""Rows whose label is wrong."""


def draw_texts(n=150, seed=0):
    """Return (N,) texts, their true labels and the given ones."""
    generator = np.random.default_rng(seed)
    true = [list(KINDS)[row % 3] for row in range(n)]
    texts = []
    for label in true:
        own = generator.choice(KINDS[label].split(), 6).tolist()
        words = [*own, *generator.choice(SHARED.split(), 6).tolist()]
        texts.append(" ".join(generator.permutation(words).tolist()))
    return texts, true, with_errors(true)


def with_errors(true):
    names = sorted(set(true))
    return [names[(names.index(label) + 1) % len(names)] if row in WRONG else label for row, label in enumerate(true)]


def text_dataset(texts, labels, **more):
    return make_dataset(
        name="reviews",
        inputs=Texts(as_strings(texts)),
        labels=labels,
        example_ids=[str(row) for row in range(len(texts))],
        where=lambda row: f"reviews row {row}",
        ids_depend_on_order=True,
        **more,
    )


def draw_columns(n=150, seed=0):
    """Return a frame with numbers, gaps, dates, truth values and categories, and true and given labels."""
    generator = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    price = 10.0 * kind + generator.normal(size=n)
    weight = np.where(kind == 1, np.nan, generator.normal(size=n))  # that it is missing says which class
    frame = pd.DataFrame(
        {
            "price": price,
            "weight": weight,
            "sold": pd.Timestamp("2024-01-01") + pd.to_timedelta(100 * kind + generator.integers(0, 40, n), unit="D"),
            "imported": kind == 2,
            "shop": np.array(["north", "south", None], dtype=object)[(kind + (generator.random(n) < 0.1)) % 3],
            "note": [f"ticket {one}" for one in generator.integers(0, 60, n)],
        }
    )
    true = [("ring", "coat", "lamp")[one] for one in kind]
    return frame, true, with_errors(true)


def column_dataset(frame, labels, **more):
    return make_dataset(
        name="sales",
        inputs=ColumnTable(frame),
        labels=labels,
        example_ids=[str(row) for row in range(len(frame))],
        where=lambda row: f"sales row {row}",
        ids_depend_on_order=True,
        **more,
    )


def save_static_embedding(folder, vectors):
    """Save a model of model2vec that has a vector for each of some words."""
    model2vec = pytest.importorskip("model2vec")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = {"[UNK]": [0] * len(next(iter(vectors.values()))), **vectors}
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    model2vec.StaticModel(np.array(list(words.values()), dtype=np.float32), tokenizer).save_pretrained(folder)
