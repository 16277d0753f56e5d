"""The encoder of one fold: fitted to its training rows, it encodes any rows; those of a large table part by part."""

from collections.abc import Iterator

import numpy as np

from labelscan.arrays import Index
from labelscan.data.stored_rows import StoredRows
from labelscan.training.encoders import MakeEncoder, Matrix

MOST_FITTED = 100_000
"""Rows of a table that an encoder is fitted to at most: medians and categories do not change with more of them."""
PART = 50_000
"""Rows of a table that are encoded at a time: as Python's objects they take several times what they become."""


class FoldEncoder:
    """An encoder that ``make`` has made for the rows of one fold."""

    def __init__(self, make: MakeEncoder, rows: StoredRows) -> None:
        self._encoder, self._rows = make(), rows

    def fit(self, index: Index) -> Matrix:
        """Fit the encoder to the training rows ``index``, and return them encoded."""
        if self._rows.are_texts or len(index) <= PART:
            encoded = self._encoder.fit_transform(self._rows.take(index))
            self._like = encoded[:0]
            return encoded
        evenly = np.linspace(0, len(index) - 1, min(len(index), MOST_FITTED)).astype(np.int64)
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
        for start in range(0, len(index), PART):
            part = index[start : start + PART]
            yield part, self._known(self._encoder.transform(self._rows.take(part)))

    def _known(self, encoded: Matrix) -> Matrix:
        """Return encoded rows whose categories are those of the fitted rows; any other is a gap."""
        for name in [] if isinstance(self._like, np.ndarray) else self._like.select_dtypes("category"):
            encoded[name] = encoded[name].cat.set_categories(self._like[name].cat.categories)
        return encoded
