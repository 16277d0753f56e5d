"""Which splits are read: all of them pooled, unless the user names some."""

from collections.abc import Iterable

from labelscan.errors import DatasetError


def wanted_splits(split: str, there: Iterable[str], *, where: str, none_hint: str) -> frozenset[str]:
    """Return the splits to read.

    Args:
        split: names separated by commas; all where empty.
        there: the splits that the data has.
        where: the data, for messages.
        none_hint: what to do where the data has no splits at all.

    Raises:
        DatasetError: a split is named that the data does not have.
    """
    names = sorted(set(there))
    wanted = {name.strip() for name in split.split(",") if name.strip()}
    if not wanted:
        return frozenset(names)
    if not names:
        raise DatasetError(f"no splits, but --split {split} was asked for", where=where, hint=none_hint)
    unknown = sorted(wanted.difference(names))
    if unknown:
        raise DatasetError(
            f"no split is called {unknown[0]!r}", where=where, hint=f"there are {', '.join(map(repr, names))}"
        )
    return frozenset(wanted)
