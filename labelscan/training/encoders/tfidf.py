"""TF-IDF of words and of characters: texts as sparse rows of numbers.

Words, and pairs of them, tell topics; pieces of words find what words share where a language builds them from many
parts, and survive misspellings. Nothing of it knows a language.
"""

from labelscan.training.encoders import Encoder

MOST_COLUMNS = 100_000
"""Of words and of pieces, the most frequent ones: a linear model keeps a weight for each of them and every class."""
PIECE = 4
"""Characters of a piece, within words and at their borders."""


def make_tfidf() -> Encoder:
    """Return an encoder of (M,) texts to (M, D) sparse float32 rows of unit length for words and for pieces."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    shared = {"sublinear_tf": True, "max_features": MOST_COLUMNS, "dtype": np.float32}
    words = TfidfVectorizer(ngram_range=(1, 2), **shared)
    # Several lengths find no more wrong labels than this one, and take three times the time and memory.
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(PIECE, PIECE), **shared)
    encoder: Encoder = make_union(words, pieces)
    return encoder


def make_word_counts() -> Encoder:
    """Return an encoder of (M,) texts to (M, D) sparse counts of words."""
    from sklearn.feature_extraction.text import CountVectorizer

    encoder: Encoder = CountVectorizer(max_features=MOST_COLUMNS)
    return encoder
