"""Errors are expected by their kind, code and place: their words are for people, and golden files show them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labelscan.errors import LabelscanError


@contextmanager
def refuses(kind: type[LabelscanError], code: str, where: str = "") -> Iterator[pytest.ExceptionInfo[LabelscanError]]:
    """Expect an error of a kind and code whose place has ``where`` in it."""
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.value.code == code, caught.value
    assert where in caught.value.problems[0].where, caught.value
