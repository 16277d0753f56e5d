"""The probabilities argument of ``score``: files or arrays in memory, one or several opinions about the same labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelscan.arrays import as_array
from labelscan.config import fingerprint
from labelscan.data.prob_files import read_probabilities
from labelscan.data.probabilities import Probabilities, about_the_same, probabilities_from_arrays
from labelscan.errors import ConfigError
from labelscan.files.reading import with_home
from labelscan.runs.record import GivenFiles

Probs: TypeAlias = str | Path | ArrayLike | Sequence[str | Path] | Sequence[ArrayLike]
"""A file as ``labelscan score`` reads it, or (N, K) probabilities: an array, lists, a torch tensor; or a list of files
or of arrays."""
NO_SECOND_OPINION = "an opinion is no second opinion on itself"


@dataclass(frozen=True, kw_only=True)
class GivenMembers:
    """Probabilities of one model or several, about the same examples in the same order."""

    names: tuple[str, ...]
    probabilities: tuple[Probabilities, ...]
    """The first holds the data set that is judged."""
    files: tuple[str, ...]
    """As given, made absolute; empty where they were in memory."""

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with any id, label, class or probability."""
        prints = [one.fingerprint() for one in self.probabilities]
        return prints[0] if len(prints) == 1 else fingerprint(prints)

    @property
    def source(self) -> GivenFiles:
        """Return where ``labelscan apply`` reads the labels again, for run.json."""
        if len(self.files) < 2:
            return GivenFiles(file="".join(self.files))
        first = self.probabilities[0].fingerprint()
        return GivenFiles(file=self.files[0], further_files=self.files[1:], fingerprint=first)


def read_members(probs: Probs, label_column: str, beside: Mapping[str, ArrayLike | None]) -> GivenMembers:
    """Return the probabilities in files, or those in memory with the labels and names given ``beside`` them.

    Raises:
        UsageError: nothing that can be judged, opinions about different examples, labels or classes, or the same
            opinion twice.
    """
    each = list(cast(Sequence[Any], probs)) if _are_several(probs) else [probs]
    if not each:
        raise ConfigError("no-data", "no probabilities are given", where="probs", hint="name a file, or give an array")
    in_files = [isinstance(one, str | Path) for one in each]
    if any(in_files) != all(in_files):
        raise ConfigError(
            "wrong-usage", "files and arrays are mixed", where="probs", hint="give files alone, or arrays alone"
        )
    if all(in_files):
        return _read_files([with_home(cast(str | Path, one)) for one in each], label_column, beside)
    _refuse({"label_column": label_column or None}, "goes with a file only", "leave it out")
    if beside["given_labels"] is None:
        problem, hint = "probabilities in memory need labels", "score(probs, given_labels)"
        raise ConfigError("wrong-usage", problem, where="given_labels", hint=hint)
    arrays: dict[str, Any] = {name: None if values is None else _array(values) for name, values in beside.items()}
    names = [f"opinion {number}" if len(each) > 1 else "arrays" for number in range(1, len(each) + 1)]
    read = [probabilities_from_arrays(_array(one), **arrays, name=name) for one, name in zip(each, names, strict=True)]
    _refuse_equal(names, read)
    read[0] = replace(read[0], dataset=replace(read[0].dataset, name="arrays"))
    return GivenMembers(names=tuple(names), probabilities=tuple(read), files=())


def _read_files(paths: Sequence[Path], label_column: str, beside: Mapping[str, ArrayLike | None]) -> GivenMembers:
    _refuse(beside, "goes with probabilities in memory only", "leave it out: the file holds it")
    files = [str(path.absolute()) for path in paths]
    twice = next((file for file, count in Counter(files).items() if count > 1), None)
    if twice is not None:
        raise ConfigError(
            "given-twice", "this file is given twice", where=twice, hint=f"name each file once: {NO_SECOND_OPINION}"
        )
    counts = Counter(path.name for path in paths)
    names = [path.name if counts[path.name] == 1 else str(path) for path in paths]
    read = [read_probabilities(path, label_column=label_column) for path in paths]
    same = [about_the_same(read[0], one, names[0], name) for one, name in zip(read[1:], names[1:], strict=True)]
    _refuse_equal(names, [read[0], *same])
    return GivenMembers(names=tuple(names), probabilities=(read[0], *same), files=tuple(files))


def _refuse_equal(names: Sequence[str], probabilities: Sequence[Probabilities]) -> None:
    """Refuse opinions with equal probabilities: they would count as agreement."""
    for (name, one), (other_name, other) in combinations(zip(names, probabilities, strict=True), 2):
        if np.array_equal(one.pred_probs, other.pred_probs):
            problem = f"has the same probabilities as {name}"
            raise ConfigError("given-twice", problem, where=other_name, hint=f"leave it out: {NO_SECOND_OPINION}")


def _are_several(probs: Probs) -> bool:
    """Return whether a list holds files, or arrays of two dimensions, and not the rows of one array."""
    if not isinstance(probs, list | tuple):
        return False
    return all(isinstance(one, str | Path) or np.ndim(_array(one)) == 2 for one in probs)


def _refuse(given: Mapping[str, object], problem: str, hint: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise ConfigError("given-twice", problem, where=name, hint=hint)


def _array(values: object) -> NDArray[Any]:
    with suppress(TypeError, ValueError):  # what is not an array is refused by name where it is read
        return as_array(values)
    return cast(NDArray[Any], values)
