"""Encoders: they turn texts, or the columns of a table as they are, into the numbers that models take.

Each fold makes a new one and fits it to its own training rows: words, categories and means of the rows that it holds
out are unknown to it. An encoder is a transformer as scikit-learn has them.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from labelscan.data.stored_rows import Rows

Matrix: TypeAlias = Any
"""(M, D) numbers: an array, a sparse matrix of scipy, or a frame where trees take categories; or rows as they came, for
a caller's classifier."""


class Encoder(Protocol):
    """The methods of a transformer that we call."""

    def fit_transform(self, x: Rows) -> Matrix: ...

    def transform(self, x: Rows) -> Matrix: ...


MakeEncoder: TypeAlias = Callable[[], Encoder]
"""Returns a fresh encoder; picklable."""
