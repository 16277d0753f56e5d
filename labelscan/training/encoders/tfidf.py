"""TF-IDF of words and of characters: texts as sparse rows of numbers.

Words, and pairs of them, tell topics; pieces of words find what words share where a language builds them from many
parts, and survive misspellings. Nothing of it knows a language.
"""

from labelscan.data.stored_rows import Rows
from labelscan.training.encoders import Encoder, Matrix

MOST_COLUMNS = 100_000
"""Of words and of pieces, the most frequent ones: a linear model keeps a weight for each of them and every class."""
PIECE = 4
"""Characters of a piece, within words and at their borders."""
MOST_CHARACTERS = 20_000_000
"""Of all texts together; with more, words are seen often enough to do without pieces, which take most of the memory."""


class Tfidf:
    """Words and pieces of words, weighted by how rare they are; longer texts do not count more."""

    def fit_transform(self, x: Rows) -> Matrix:
        """Return (M, D) sparse float32 rows of unit length for words and for pieces, having learned both."""
        import numpy as np
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union

        shared = {"sublinear_tf": True, "max_features": MOST_COLUMNS, "dtype": np.float32}
        parts = [TfidfVectorizer(ngram_range=(1, 2), **shared)]
        if sum(map(len, x)) <= MOST_CHARACTERS:
            # Several lengths find no more wrong labels than this one, and take three times the time and memory.
            parts.append(TfidfVectorizer(analyzer="char_wb", ngram_range=(PIECE, PIECE), **shared))
        self._encoder = make_union(*parts)
        return self._encoder.fit_transform(x)

    def transform(self, x: Rows) -> Matrix:
        return self._encoder.transform(x)


def make_word_counts() -> Encoder:
    """Return an encoder of (M,) texts to (M, D) sparse counts of words."""
    from sklearn.feature_extraction.text import CountVectorizer

    encoder: Encoder = CountVectorizer(max_features=MOST_COLUMNS)
    return encoder
