"""TF-IDF of words and of characters: texts as sparse rows of numbers.

Words, and pairs of them, tell topics; pieces of words find what words share where a language builds them from many
parts, and survive misspellings. Nothing of it knows a language.
"""

from typing import Any

from labelscan.data.stored_rows import Rows
from labelscan.training.encoders import Encoder, Matrix

MOST_COLUMNS = 100_000
"""The most frequent words, and as many pieces, that get a column: a linear model keeps a weight for each, and for every
class."""
PIECE = 4
"""Characters of a piece, within words and at their borders."""
MOST_CHARACTERS = 20_000_000
"""Characters of all texts together; the different pairs of words in more of them would fill the memory."""
HASHED_COLUMNS = 2**18


class TfidfEncoder:
    """Words and pieces of words, weighted by how rare they are; longer texts do not count more.

    In very many texts, words and pairs of them are distinguished by a hash alone, and seen often enough to do without
    pieces: memory then grows with the texts, not with the number of different pairs in them.
    """

    def __init__(self, most_characters: int = MOST_CHARACTERS) -> None:
        self._most_characters = most_characters

    def fit_transform(self, x: Rows) -> Matrix:
        """Return (M, D) sparse float32 rows of unit length, having learned how rare words and pieces are."""
        import numpy as np
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
        from sklearn.pipeline import make_pipeline, make_union

        words: dict[str, Any] = {"ngram_range": (1, 2), "dtype": np.float32}
        if sum(map(len, x)) > self._most_characters:
            counts = HashingVectorizer(n_features=HASHED_COLUMNS, alternate_sign=False, norm=None, **words)
            self._encoder = make_pipeline(counts, TfidfTransformer(sublinear_tf=True))
        else:
            shared = {"sublinear_tf": True, "max_features": MOST_COLUMNS}
            # Several lengths find no more wrong labels than this one, and take three times the time and memory.
            pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(PIECE, PIECE), dtype=np.float32, **shared)
            self._encoder = make_union(_WordsOrCharacters(TfidfVectorizer(**words, **shared)), pieces)
        return self._encoder.fit_transform(x)

    def transform(self, x: Rows) -> Matrix:
        return self._encoder.transform(x)


def make_word_counts() -> Encoder:
    """Return an encoder of (M,) texts to (M, D) sparse counts of words."""
    from sklearn.feature_extraction.text import CountVectorizer

    return _WordsOrCharacters(CountVectorizer(max_features=MOST_COLUMNS))


class _WordsOrCharacters:
    """Takes characters for words where no training text has a word of two letters, as where each is an emoji."""

    def __init__(self, vectorizer: Any) -> None:
        self._vectorizer = vectorizer

    def fit_transform(self, x: Rows, y: object = None) -> Matrix:  # noqa: ARG002  # unions pass labels
        try:
            return self._vectorizer.fit_transform(x)
        except ValueError:  # its vocabulary would be empty
            return self._vectorizer.set_params(analyzer="char").fit_transform(x)

    def transform(self, x: Rows) -> Matrix:
        return self._vectorizer.transform(x)
