"""Texts that are copies of each other: the same but for case, accents and punctuation, or for a few words.

A model that has seen one of them would only repeat its label for the other. Two texts are copies if at least
``LEAST_ALIKE`` of all their pieces of five characters are in both (the Jaccard index). Candidates are found by MinHash
in bands (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3), so time and memory grow
with the number of characters; of pairs as little alike as that, one in fifty is not seen.
"""

import re
import unicodedata

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

from labelscan.arrays import Strings

LEAST_ALIKE = 0.7
PIECE = 5
"""Characters of a piece."""
LONGEST = 5_000
"""Characters of a text that are compared."""
BANDS, HASHES_OF_BAND = 16, 4
HASH_BITS = 32
MIXER = np.uint64(0x9E3779B97F4A7C15)
"""An odd number of many bits, by which the hashes of a band become one key."""

Ints = NDArray[np.int64]


def number_copies(texts: Strings, equal: Ints, *, most: int) -> tuple[Ints, int]:
    """Return (N,) numbers, equal for texts that are copies, directly or through others, and how many were taken apart.

    Args:
        texts: (N,).
        equal: (N,) numbers, equal where texts are the same.
        most: chains of copies with more texts than that are taken apart: in them only the same texts are copies.
    """
    plain, distinct = pd.factorize(np.array([_folded(text) for text in texts], dtype=object))
    alike = _number_alike(distinct.tolist())[plain]
    is_cut = (np.bincount(alike)[alike] > most) | (distinct == "")[plain]
    numbers = np.where(is_cut, len(texts) + equal, alike)
    return numbers, int((is_cut & (distinct != "")[plain]).sum())


def _folded(text: str) -> str:
    """Return a text without case, accents, punctuation and more than one space in a row; these if there is no more."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    words = re.sub(r"[\W_]+", " ", "".join(one for one in letters if not unicodedata.combining(one))).split()
    return " ".join(words) or " ".join(text.casefold().split())


def _number_alike(texts: list[str]) -> Ints:
    """Return (M,) numbers, equal for texts that are alike, directly or through others."""
    options = {"analyzer": "char", "ngram_range": (PIECE, PIECE), "lowercase": False, "binary": True, "norm": None}
    pieces = HashingVectorizer(n_features=2**31 - 1, dtype=np.float32, **options)
    table = csr_array(pieces.transform([f" {text[:LONGEST]} " for text in texts]))
    pairs = _candidates(table)
    alike = pairs[_jaccard(table, pairs) >= LEAST_ALIKE]
    links = coo_array((np.ones(len(alike), dtype=np.int8), alike.T), shape=(len(texts), len(texts)))
    _, numbers = connected_components(links, directed=False)
    return np.asarray(numbers, dtype=np.int64)


def _candidates(table: csr_array) -> Ints:
    """Return (P, 2) pairs of rows whose least hashes agree in all of a band: each row with the one before it."""
    rows = np.flatnonzero(np.diff(table.indptr))
    starts, indices = table.indptr[rows], table.indices.astype(np.uint64)
    generator, pairs = np.random.default_rng(0), [np.empty((0, 2), dtype=np.int64)]
    for _ in range(BANDS if len(rows) else 0):
        keys = np.zeros(len(rows), dtype=np.uint64)
        for _ in range(HASHES_OF_BAND):
            factor, shift = generator.integers(2**64, size=2, dtype=np.uint64)
            hashes = (indices * (factor | np.uint64(1)) + shift) >> np.uint64(64 - HASH_BITS)
            keys = keys * MIXER + np.minimum.reduceat(hashes, starts)
        order = np.argsort(keys, kind="stable")
        is_same = keys[order[1:]] == keys[order[:-1]]
        pairs.append(np.column_stack([rows[order[:-1]], rows[order[1:]]])[is_same])
    return np.unique(np.concatenate(pairs), axis=0)


def _jaccard(table: csr_array, pairs: Ints) -> NDArray[np.float64]:
    """Return (P,) the share of the pieces of either row that both have."""
    one, other = pairs.T
    sizes = np.diff(table.indptr)
    in_both = np.asarray(table[one].multiply(table[other]).sum(axis=1), dtype=np.float64).ravel()
    return np.asarray(in_both / np.maximum(sizes[one] + sizes[other] - in_both, 1))
