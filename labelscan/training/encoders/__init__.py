"""Encoders: they turn texts, or the columns of a table as they are, into the numbers that models take.

Each fold makes a new one and fits it to its own training rows: words, categories and means of the rows that it holds
out are unknown to it. An encoder is a transformer as scikit-learn has them.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

import numpy as np

from labelscan.arrays import Index
from labelscan.data.stored_rows import Rows, StoredRows

MOST_FITTED = 100_000
"""Rows of a table that an encoder is fitted to at most: medians and categories do not change with more of them."""
PART = 50_000
"""Rows of a table that are encoded at a time: as Python's objects they take several times what they become."""

Matrix: TypeAlias = Any
"""(M, D) numbers: an array, a sparse matrix of scipy, or a frame where trees take categories; or rows as they came, for
a caller's classifier."""


class Encoder(Protocol):
    """The methods of a transformer that we call."""

    def fit_transform(self, x: Rows) -> Matrix: ...

    def transform(self, x: Rows) -> Matrix: ...


MakeEncoder: TypeAlias = Callable[[], Encoder]
"""Returns a fresh encoder; picklable."""


class FoldEncoder:
    """The encoder of one fold, fitted to its training rows; those of a large table are encoded part by part."""

    def __init__(
        self, make: MakeEncoder, rows: StoredRows, *, part: int = PART, most_fitted: int = MOST_FITTED
    ) -> None:
        self._encoder, self._rows = make(), rows
        self._part, self._most_fitted = part, most_fitted

    def fit(self, index: Index) -> Matrix:
        """Fit the encoder to the training rows ``index``, and return them encoded."""
        if self._rows.are_texts or len(index) <= self._part:
            encoded = self._encoder.fit_transform(self._rows.take(index))
            self._like = encoded[:0]
            return encoded
        evenly = np.linspace(0, len(index) - 1, min(len(index), self._most_fitted)).astype(np.int64)
        self._like = self._encoder.fit_transform(self._rows.take(index[evenly]))[:0]
        return self.encode(index)

    def encode(self, index: Index) -> Matrix:
        """Return the rows ``index`` encoded."""
        if self._rows.are_texts:
            return self._encoder.transform(self._rows.take(index))
        parts = [part for _, part in self.parts(index)]
        if isinstance(self._like, np.ndarray):
            return np.concatenate(parts)
        import pandas as pd

        return pd.concat(parts, ignore_index=True)

    def parts(self, index: Index) -> Iterator[tuple[Index, Matrix]]:
        """Yield rows of ``index`` and what they become, so many of a table at a time."""
        for start in range(0, len(index), self._part):
            part = index[start : start + self._part]
            encoded = self._encoder.transform(self._rows.take(part))
            for name in [] if isinstance(self._like, np.ndarray) else self._like.select_dtypes("category"):
                # Any other category than those of the fitted rows is a gap.
                encoded[name] = encoded[name].cat.set_categories(self._like[name].cat.categories)
            yield part, encoded
